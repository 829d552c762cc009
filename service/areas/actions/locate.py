"""Which grid is responsible where: now from memory, at another time from the database."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import asyncpg

from geo import beidou
from geo.codes import display
from geo.crs import to_canonical
from geo.errors import GeoError
from service.areas import locating
from service.areas.errors import BadPosition
from service.areas.grid_cache import GridCache, GridSnapshot
from service.areas.locating import GridThenOrNow
from service.areas.store import past

LEVELS = {"village": 12, "township": 9, "county": 6}


async def locate_batch(grids: GridCache, reads: asyncpg.Pool, body: bytes, language: str) -> bytes:
    """The answer to a batch as JSON bytes; bad rows are listed, the others answered.

    Raises MalformedBody, InvalidInput, TooManyPoints, CrsUndeclared and CrsUnknown.
    """
    snapshot = await grids.current()
    positions, as_of = await asyncio.to_thread(locating.read_batch, body)
    places = await asyncio.to_thread(locating.places_now, snapshot, positions)
    if as_of is not None:
        lons, lats = positions.lons.tolist(), positions.lats.tolist()
        hits = await past.grids_at(reads, lons, lats, as_of)
        places = await asyncio.to_thread(locating.places_then, places, hits)
    return await asyncio.to_thread(
        locating.write_batch, snapshot, places, positions, as_of=as_of, language=language
    )


async def locate(
    grids: GridCache,
    reads: asyncpg.Pool,
    *,
    lon: float,
    lat: float,
    crs: str | None,
    as_of: datetime | None,
    beidou_level: int,
) -> dict[str, Any]:
    """The grid responsible at one position, with names, see `schemas.locate.Located`.

    Raises CrsUndeclared, CrsUnknown and BadPosition.
    """
    system = locating.declared(crs)
    try:
        x, y = to_canonical(lon, lat, system)
    except GeoError as bad:
        raise BadPosition.of(bad, "/lon") from None
    snapshot = await grids.current()
    answer = _grid_now(snapshot, x, y)
    now = None
    if as_of is not None:
        now = GridThenOrNow(answer["code"], answer["micro_code"], answer["reason"])
        answer = _grid_then(snapshot, x, y, await past.grids_at(reads, [x], [y], as_of))
    code = answer["code"]
    return {
        "lon": round(x, locating.DECIMALS),
        "lat": round(y, locating.DECIMALS),
        "crs": "EPSG:4490",
        "asked": {"lon": lon, "lat": lat, "crs": system.value},
        **answer,
        **_divisions(snapshot, code),
        "display": display(code) if code else None,
        "beidou": {"code": beidou.encode(x, y, beidou_level), "level": beidou_level},
        "epoch": snapshot.epoch,
        "as_of": as_of,
        "now": now,
    }


def _grid_now(snapshot: GridSnapshot, lon: float, lat: float) -> dict[str, Any]:
    found = snapshot.index.locate(lon, lat)
    if found is None:
        return _nothing(snapshot, lon, lat)
    return {
        "code": found.grid_code,
        "name": snapshot.names.get(found.grid_code),
        "kind": found.kind.value,
        "basic_code": found.basic_code,
        "micro_code": found.micro_code,
        "reason": None,
        "synthetic": found.grid_code in snapshot.synthetic,
    }


def _grid_then(
    snapshot: GridSnapshot, lon: float, lat: float, hits: list[asyncpg.Record]
) -> dict[str, Any]:
    grid, micro = locating.responsible(hits)
    if grid is None:
        return _nothing(snapshot, lon, lat)
    basic = [hit["code"] for hit in hits if hit["kind"] == "basic"]
    return {
        "code": grid["code"],
        "name": grid["name"],
        "kind": grid["kind"],
        "basic_code": min(basic, default=None),
        "micro_code": micro,
        "reason": None,
        "synthetic": grid["synthetic"],
    }


def _nothing(snapshot: GridSnapshot, lon: float, lat: float) -> dict[str, Any]:
    reason = "outside_county" if snapshot.outside_county(lon, lat) else "no_grid"
    empty = ("code", "name", "kind", "basic_code", "micro_code", "synthetic")
    return {**dict.fromkeys(empty), "reason": reason}


def _divisions(snapshot: GridSnapshot, code: str | None) -> dict[str, dict[str, str] | None]:
    """Village, township and county of a grid, by code and name."""
    if code is None:
        return dict.fromkeys(LEVELS)
    return {
        level: {"code": code[:length], "name": snapshot.names.get(code[:length], "")}
        for level, length in LEVELS.items()
    }
