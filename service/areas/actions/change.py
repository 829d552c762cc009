"""Splitting and merging grids (clause 23.2): parents retire, what comes out of them is new."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shapely import Polygon

from geo.codes import display
from geo.coverage import SLIVER_M2
from service.areas import reshaping
from service.areas.actions.read import grid_key
from service.areas.errors import GridRetired, NotOneVillage, OutsideArea
from service.areas.files.declared_crs import resolve
from service.areas.measure import area_m2, common_m2
from service.areas.publication import events_of
from service.areas.rules import Wanted, assign_codes, default_name, require_version
from service.areas.schemas.changes import Approved, Merge, MergedGrid, Split
from service.areas.schemes import scheme_of
from service.areas.store import changes
from service.areas.store.changes import Descent, GridChanges, NewGrid, NewVersion
from service.areas.store.events import append_all
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.config import Settings
from service.db import Session
from service.errors import NotFound
from service.kit.idempotency import Answer
from service.kit.ids import uuid7


async def split(
    session: Session,
    settings: Settings,
    subject: Subject,
    code: str,
    *,
    body: Split,
    expected: int | None,
    now: datetime,
) -> Answer:
    """Split a grid into parts that cover it exactly; it retires with its micro-grids.

    Raises BadCode, NotFound, OutsideArea, StaleVersion, GridRetired, CrsUndeclared, CrsUnknown,
    BadGeometry, GeometryRefused and NoCodesLeft.
    """
    key = grid_key(code, scheme_of(settings.code_scheme))
    old = (await open_grids(session, settings, subject, {key: expected or body.version}))[key]
    pointers = [f"/parts/{i}/geometry" for i in range(len(body.parts))]
    rings = [part.geometry.coordinates for part in body.parts]
    whole = reshaping.polygon_of(old.wkb)

    def shape() -> list[Polygon]:
        parts = reshaping.read_polygons(rings, resolve(body.crs, None), pointers)
        if flaws := reshaping.check_cover(parts, whole):
            raise reshaping.refuse(flaws, pointers)
        return parts

    parts = await asyncio.to_thread(shape)
    named = [(part.name, part.households) for part in body.parts]
    made = await _successors(session, settings, body, [old], list(zip(parts, named, strict=True)))
    return await store_change(session, subject, made, {}, action="split", now=now)


async def merge(
    session: Session, settings: Settings, subject: Subject, *, body: Merge, now: datetime
) -> Answer:
    """Merge adjoining grids of one village, kind and parent into a new one; they retire.

    Raises BadCode, NotFound, OutsideArea, StaleVersion, GridRetired, NotOneVillage,
    GeometryRefused and NoCodesLeft.
    """
    scheme = scheme_of(settings.code_scheme)
    asked = [one if isinstance(one, MergedGrid) else MergedGrid(code=one) for one in body.codes]
    expected = {
        grid_key(one.code, scheme, f"/codes/{i}"): one.version for i, one in enumerate(asked)
    }
    if len(expected) < len(asked):
        raise NotOneVillage(pointer="/codes")
    rows = list((await open_grids(session, settings, subject, expected)).values())
    require_alike(rows, "/codes")
    polygons = [reshaping.polygon_of(row.wkb) for row in rows]
    joined = await asyncio.to_thread(reshaping.union, polygons)
    counted = [row.households for row in rows if row.households is not None]
    named = (body.name, sum(counted) if counted else None)
    made = await _successors(session, settings, body, rows, [(joined, named)])
    return await store_change(session, subject, made, {}, action="merge", now=now)


async def open_grids(
    session: Session,
    settings: Settings,
    subject: Subject,
    expected: Mapping[str, int | None],
) -> dict[str, Any]:
    """The grids in force with these codes, held against every other change of grids.

    `expected` maps codes to the versions that the caller has seen, None for any. Raises NotFound,
    OutsideArea, GridRetired and StaleVersion.
    """
    await changes.lock_grids(session, settings.county)
    rows = await changes.present(session, list(expected))
    for code, version in expected.items():
        row = rows.get(code)
        if row is None:
            raise NotFound
        if subject.role_in(Permission.GRID_CHANGE, row.village_code) is None:
            raise OutsideArea(area=row.village_code)
        if row.retired_at is not None:
            after = await changes.children(session, code)
            raise GridRetired(
                grid=code, retired_at=row.retired_at.isoformat(), successors="、".join(after) or "–"
            )
        require_version(code, row.version, version)
    return rows


def require_alike(rows: Sequence[Any], pointer: str) -> None:
    """Pass when all grids are of one village, kind and parent. Raises NotOneVillage."""
    if len({(row.village_code, row.kind, row.parent_code) for row in rows}) != 1:
        raise NotOneVillage(pointer=pointer)


async def _successors(
    session: Session,
    settings: Settings,
    body: Approved,
    parents: Sequence[Any],
    parts: Sequence[tuple[Polygon, tuple[str | None, int | None]]],
) -> GridChanges:
    """New grids in place of `parents`, which retire with their micro-grids."""
    scheme = scheme_of(settings.code_scheme)
    first = parents[0]
    village = first.village_code
    inside = [first.parent_code] if first.parent_code else []
    codes = assign_codes(
        [
            Wanted(i, village, first.kind, i, parent_code=first.parent_code)
            for i in range(len(parts))
        ],
        await changes.highest_numbers(session, [village], scheme),
        await changes.highest_micro(session, inside, scheme),
        scheme,
    )
    operation = "split" if len(parts) > 1 else "merge"
    made = GridChanges(operation, body.approval_document, body.note, {village: uuid7()})
    for place, (polygon, (name, households)) in enumerate(parts):
        code = codes[place]
        made.grids.append(NewGrid(code, village, first.kind, first.parent_code))
        version = _first_version(
            code, polygon, name or default_name(code, scheme), households, parents, made
        )
        made.versions.append(version)
    micro = await changes.micro_of(session, [row.code for row in parents])
    ended = {row.code: row.wkb for row in parents} | micro
    made.retired = sorted(ended)
    made.lineage = [
        Descent(code, codes[place], made.changes[village], area)
        for code, wkb in ended.items()
        for place, (polygon, _) in enumerate(parts)
        if (area := common_m2(reshaping.polygon_of(wkb), polygon)) > SLIVER_M2
    ]
    return made


def _first_version(
    code: str,
    polygon: Polygon,
    name: str,
    households: int | None,
    parents: Sequence[Any],
    made: GridChanges,
) -> NewVersion:
    sources = {row.delineation_id for row in parents}
    return NewVersion(
        id=uuid7(),
        code=code,
        version=1,
        name=name,
        households=households,
        area_m2=area_m2(polygon),
        wkb=polygon.wkb,
        # The base map is still that of the parents, if they have one in common.
        delineation_id=sources.pop() if len(sources) == 1 else None,
        change_id=made.changes[parents[0].village_code],
        synthetic=any(row.synthetic for row in parents),
    )


async def store_change(
    session: Session,
    subject: Subject,
    made: GridChanges,
    kinds: Mapping[str, str],
    *,
    action: str,
    now: datetime,
) -> Answer:
    """Store a change of one village with its events; `kinds` are those of grids that stay."""
    ((village, change_id),) = made.changes.items()
    role = subject.role_in(Permission.GRID_CHANGE, village)
    await changes.apply(session, made, actor=subject.account_id, now=now)
    events = events_of(made, action)
    await append_all(session, events, actor_id=subject.account_id, actor_role=role, now=now)
    known = {**kinds, **{grid.code: grid.kind for grid in made.grids}}
    return Answer(200, _shown(made, change_id, known, now))


def _shown(
    made: GridChanges, change_id: UUID, kinds: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    columns = ("code", "name", "version", "households", "area_m2", "synthetic")
    return {
        "id": change_id,
        "operation": made.operation,
        "approval_document": made.approval_document,
        "note": made.note,
        "made_at": now,
        "grids": [
            {
                **{name: getattr(version, name) for name in columns},
                "kind": kinds[version.code],
                "display": display(version.code),
            }
            for version in made.versions
        ],
        "retired": made.retired,
    }
