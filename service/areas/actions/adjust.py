"""Correcting boundaries (clause 23.2): codes stay, versions are new, no ground is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shapely import MultiPolygon, Polygon

from geo.coverage import FeatureKind
from service.areas import reshaping
from service.areas.actions.change import open_grids, require_alike, store_change
from service.areas.actions.read import grid_key
from service.areas.errors import NothingToChange, NotOneVillage
from service.areas.files.declared_crs import resolve
from service.areas.measure import area_m2
from service.areas.reshaping import Flaw
from service.areas.schemas.changes import Adjust, Neighbour
from service.areas.schemes import scheme_of
from service.areas.store import changes
from service.areas.store.changes import GridChanges, NewVersion
from service.auth.subject import Subject
from service.config import Settings
from service.db import Session
from service.kit.idempotency import Answer
from service.kit.ids import uuid7


@dataclass(frozen=True, slots=True)
class Correction:
    """One grid of an adjustment: what it is, and what the body asks of it."""

    old: Any
    asked: Adjust | Neighbour
    pointer: str

    @property
    def polygon(self) -> Polygon:
        """The present boundary, EPSG:4490."""
        return reshaping.polygon_of(self.old.wkb)


async def adjust(
    session: Session,
    settings: Settings,
    subject: Subject,
    code: str,
    *,
    body: Adjust,
    expected: int | None,
    now: datetime,
) -> Answer:
    """Correct the boundary, name or households of a grid, and of neighbours whose border moves.

    Raises BadCode, NotFound, OutsideArea, StaleVersion, GridRetired, NotOneVillage,
    NothingToChange, CrsUndeclared, CrsUnknown, BadGeometry and GeometryRefused.
    """
    scheme = scheme_of(settings.code_scheme)
    asked: dict[str, tuple[Adjust | Neighbour, str]] = {grid_key(code, scheme): (body, "/geometry")}
    for place, neighbour in enumerate(body.neighbours):
        pointer = f"/neighbours/{place}"
        key = grid_key(neighbour.code, scheme, f"{pointer}/code")
        if key in asked:
            raise NotOneVillage(pointer=f"{pointer}/code")
        asked[key] = (neighbour, f"{pointer}/geometry")
    versions = {key: one.version for key, (one, _) in asked.items()}
    versions[grid_key(code, scheme)] = expected or body.version
    rows = await open_grids(session, settings, subject, versions)
    corrections = [Correction(rows[key], *asked[key]) for key in asked]
    require_alike([c.old for c in corrections], "/neighbours")
    for one in corrections:
        if one.asked.geometry is None and one.asked.name is None and one.asked.households is None:
            raise NothingToChange(pointer=one.pointer)
    polygons = await _reshape(session, body, corrections)
    made = _versions(body, corrections, polygons)
    kinds = {one.old.code: one.old.kind for one in corrections}
    answer = await store_change(session, subject, made, kinds, action="adjust", now=now)
    version = next(v.version for v in made.versions if v.code == corrections[0].old.code)
    return Answer(answer.status, answer.body, {"ETag": f'"{version}"'})


async def _reshape(
    session: Session, body: Adjust, corrections: Sequence[Correction]
) -> dict[str, Polygon]:
    """The new polygons by code. Raises BadGeometry and GeometryRefused."""
    moved = [one for one in corrections if one.asked.geometry is not None]
    if not moved:
        return {}
    first = moved[0].old
    micro = await changes.micro_of(session, [one.old.code for one in moved])
    siblings = await changes.micro_of(session, [first.parent_code]) if first.parent_code else {}
    around = await _container(session, first)

    def shape() -> dict[str, Polygon]:
        pointers = [one.pointer for one in moved]
        rings = [one.asked.geometry.coordinates for one in moved if one.asked.geometry]
        polygons = reshaping.read_polygons(rings, resolve(body.crs, None), pointers)
        flaws = _flaws(moved, polygons, around)
        for place, (one, polygon) in enumerate(zip(moved, polygons, strict=True)):
            if not flaws:
                inner = {c: reshaping.polygon_of(w) for c, w in micro.items()
                         if c.startswith(one.old.code)}  # fmt: skip
                flaws += reshaping.check_inside(inner, polygon, place)
        own = {one.old.code for one in moved}
        others = {c: reshaping.polygon_of(w) for c, w in siblings.items() if c not in own}
        flaws += reshaping.check_disjoint(polygons, others) if not flaws else ()
        if flaws:
            raise reshaping.refuse(flaws, pointers)
        return {one.old.code: polygon for one, polygon in zip(moved, polygons, strict=True)}

    return await asyncio.to_thread(shape)


async def _container(session: Session, grid: Any) -> Polygon | MultiPolygon | None:
    """What a grid that overlays others must lie in: its village, or a micro-grid's parent."""
    if grid.kind == "basic":
        return None
    if grid.parent_code is not None:
        parent = (await changes.present(session, [grid.parent_code]))[grid.parent_code]
        return reshaping.polygon_of(parent.wkb)
    wkb = await changes.boundary(session, grid.village_code)
    return None if wkb is None else reshaping.ground_of(wkb)


def _flaws(
    moved: Sequence[Correction], polygons: Sequence[Polygon], around: Polygon | MultiPolygon | None
) -> list[Flaw]:
    """Basic grids cover together what they covered; the others stay inside what holds them."""
    kind = FeatureKind(moved[0].old.kind)
    old = [one.polygon for one in moved]
    if kind is FeatureKind.BASIC:
        flaws = reshaping.check_cover(polygons, reshaping.ground_together(old))
    else:
        # A micro-grid is held against its parent here, so it is no micro-grid to this check.
        plain = FeatureKind.DEDICATED
        holder = around or reshaping.ground_together(old)
        flaws = reshaping.check_cover(polygons, holder, plain)
        if kind is FeatureKind.MICRO:
            for place, polygon in enumerate(polygons):
                later = {moved[i].old.code: polygons[i] for i in range(place + 1, len(polygons))}
                flaws += reshaping.check_disjoint([polygon], later)
    if not flaws:
        for place, (before, after) in enumerate(zip(old, polygons, strict=True)):
            flaws += reshaping.check_correction(before, after, place)
    return flaws


def _versions(
    body: Adjust, corrections: Sequence[Correction], polygons: dict[str, Polygon]
) -> GridChanges:
    village = corrections[0].old.village_code
    made = GridChanges("adjust", body.approval_document, body.note, {village: uuid7()})
    for one in corrections:
        old, asked = one.old, one.asked
        polygon = polygons.get(old.code)
        boundary = one.polygon if polygon is None else polygon
        made.versions.append(
            NewVersion(
                id=uuid7(),
                code=old.code,
                version=old.version + 1,
                name=asked.name or old.name,
                households=old.households if asked.households is None else asked.households,
                area_m2=area_m2(boundary),
                wkb=boundary.wkb,
                delineation_id=old.delineation_id,
                change_id=made.changes[village],
                synthetic=old.synthetic,
            )
        )
    return made
