"""Reading divisions, grids, versions, lineage and codes (clauses 23.2, 30.1)."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import asyncpg

from geo.codes import (
    CodeError,
    CodeScheme,
    Level,
    ParsedCode,
    check_character,
    display,
    explain,
    level_of,
    parse,
)
from service.areas import present
from service.areas.errors import BadBox, BadCode
from service.areas.schemes import scheme_of
from service.areas.store import divisions, grids
from service.areas.store.grids import GridFilter
from service.errors import NotFound
from service.kit.paging import Cursors

GRID_COLUMNS = (
    "code", "kind", "name", "parent_code", "micro_grids", "households", "area_m2", "version",
    "valid_from", "valid_to", "created_at", "retired_at", "synthetic",
)  # fmt: skip
DIVISIONS = (Level.COUNTY, Level.TOWNSHIP, Level.VILLAGE)


async def area(reads: asyncpg.Pool, code: str, geometry: bool) -> dict[str, Any]:
    """One division with parents and children; an old code leads to the present one.

    Raises BadCode and NotFound.
    """
    row = await _area(reads, code, geometry)
    below = await divisions.below(reads, row["code"], row["level"], False)
    alias = None
    if row["old_code"] is not None:
        alias = {
            "old_code": row["old_code"],
            "valid_from": row["alias_from"],
            "valid_to": row["alias_to"],
        }
    shown = ("code", "level", "name", "valid_from", "valid_to", "source", "synthetic")
    return {
        **{name: row[name] for name in shown},
        "parents": [dict(above) for above in await divisions.parents(reads, row["code"])],
        "children": [_child(child) for child in below],
        "alias": alias,
        "crs": "EPSG:4490",
        "geometry": present.raw(row["geometry"]),
    }


async def children(reads: asyncpg.Pool, code: str, geometry: bool) -> dict[str, Any]:
    """The areas directly below one area, with boundaries on request. Raises as `area`."""
    row = await _area(reads, code, False)
    below = await divisions.below(reads, row["code"], row["level"], geometry)
    items = [{**_child(child), "geometry": present.raw(child["geometry"])} for child in below]
    return {"code": row["code"], "items": items}


async def _area(reads: asyncpg.Pool, code: str, geometry: bool) -> asyncpg.Record:
    require_area_code(code, "/code")
    row = await divisions.area(reads, code, geometry)
    if row is None:
        raise NotFound
    return row


def require_area_code(code: str, pointer: str) -> str:
    """The code, if it is well formed for a county, township or village. Raises BadCode."""
    try:
        if level_of(code) in DIVISIONS:
            return code
    except CodeError as bad:
        raise BadCode.of(code, bad, pointer) from None
    raise BadCode(
        given=code[:64],
        reason_zh="这是网格编码，请查询 /v1/grids/",
        reason_en="this is the code of a grid, see /v1/grids/",
        pointer=pointer,
    )


def _child(row: asyncpg.Record) -> dict[str, Any]:
    return {name: row[name] for name in ("code", "name", "level", "synthetic")}


def grid_key(text: str, scheme: CodeScheme, pointer: str = "/code") -> str:
    """The key of a grid code with or without its check character. Raises BadCode."""
    try:
        return parse(text, scheme).code
    except CodeError as bad:
        raise BadCode.of(text, bad, pointer) from None


def box_of(text: str | None) -> tuple[float, float, float, float] | None:
    """west,south,east,north in EPSG:4490. Raises BadBox."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise BadBox(pointer="/bbox") from None
    finite = all(math.isfinite(value) for value in (west, south, east, north))
    if not (finite and -180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise BadBox(pointer="/bbox")
    return west, south, east, north


async def grid_page(
    reads: asyncpg.Pool,
    cursors: Cursors,
    asked: GridFilter,
    *,
    cursor: str | None,
    limit: int,
    geometry: bool,
    now: datetime,
) -> dict[str, Any]:
    """A page of grids in order of their codes. Raises BadCursor."""
    scope = f"grids:{asked}"
    after = cursors.read(cursor, scope, str)[0] if cursor else ""
    rows = await grids.page(reads, asked, after=after, geometry=geometry, rows=limit + 1, now=now)
    more = len(rows) > limit
    items = [present.grid_row(row, asked.as_of) for row in rows[:limit]]
    return {"items": items, "next": cursors.make(scope, items[-1]["code"]) if more else None}


async def grid(
    reads: asyncpg.Pool, setting: str, code: str, as_of: datetime | None, now: datetime
) -> dict[str, Any]:
    """One grid at `as_of` (now by default). Raises BadCode and NotFound."""
    key = grid_key(code, scheme_of(setting))
    row = await grids.grid(reads, key, as_of or now)
    if row is None:
        raise NotFound
    successors = await grids.successors(reads, key) if row["retired_at"] is not None else []
    return {
        **{name: row[name] for name in GRID_COLUMNS},
        "check_character": check_character(key),
        "display": display(key),
        "scheme": setting,
        "status": present.status_of(row["retired_at"], as_of),
        "village": {"code": row["village_code"], "name": row["village_name"]},
        "township": {"code": row["township_code"], "name": row["township_name"]},
        "county": {"code": row["county_code"], "name": row["county_name"]},
        "provenance": present.provenance_of(row),
        "change": present.change_of(row),
        "successors": [{**dict(s), "display": display(s["code"])} for s in successors],
        "links": {"versions": f"/v1/grids/{key}/versions", "lineage": f"/v1/grids/{key}/lineage"},
        "crs": "EPSG:4490",
        "geometry": present.raw(row["geometry"]),
    }


async def versions(reads: asyncpg.Pool, setting: str, code: str, geometry: bool) -> dict[str, Any]:
    """All versions of a grid, the newest first. Raises BadCode and NotFound."""
    key = grid_key(code, scheme_of(setting))
    rows = await grids.versions(reads, key, geometry)
    if not rows:
        raise NotFound
    shown = ("version", "name", "households", "area_m2", "valid_from", "valid_to", "synthetic",
             "delineation_id")  # fmt: skip
    items = [
        {
            **{name: row[name] for name in shown},
            "change": present.change_of(row),
            "geometry": present.raw(row["geometry"]),
        }
        for row in rows
    ]
    return {"code": key, "items": items}


async def lineage(reads: asyncpg.Pool, setting: str, code: str) -> dict[str, Any]:
    """Where a grid comes from and what became of it. Raises BadCode and NotFound."""
    key = grid_key(code, scheme_of(setting))
    state = await grids.state(reads, key)
    if state is None:
        raise NotFound
    steps: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for row in await grids.lineage(reads, key):
        step = dict(row)
        steps[step.pop("up")].append(step)
    return {
        "code": key,
        "status": present.status_of(state["retired_at"]),
        "ancestors": steps[True],
        "descendants": steps[False],
    }


async def explain_code(reads: asyncpg.Pool, setting: str, text: str) -> dict[str, Any]:
    """What a text is as a grid code, what is wrong with it, and which grid has it."""
    found = explain(text, scheme_of(setting))
    parsed = found.parsed
    if parsed is None and found.suggestion is not None:
        parsed = parse(found.suggestion, scheme_of(setting))
    problems = [
        {"code": p.code, "position": p.position, "message_zh": p.message_zh,
         "message_en": p.message_en}
        for p in found.problems
    ]  # fmt: skip
    answer: dict[str, Any] = {
        "text": text,
        "scheme": setting,
        "valid": found.is_valid,
        "problems": problems,
        "suggestion": found.suggestion,
        **dict.fromkeys(("parts", "check_character", "display", "grid")),
    }
    if parsed is not None:
        return answer | await _explained(reads, parsed)
    key, _, given = text.partition("-")
    if (bare := explain(key, scheme_of(setting)).parsed) is not None:
        computed = bare.check_computed
        answer["check_character"] = {"given": given, "computed": computed, "matches": False}
    return answer


async def _explained(reads: asyncpg.Pool, parsed: ParsedCode) -> dict[str, Any]:
    state = await grids.state(reads, parsed.code)
    names = await divisions.names(reads, [parsed.village])
    given = parsed.check_given
    return {
        "parts": {
            "code": parsed.code,
            "county": parsed.county,
            "township": parsed.township,
            "village": parsed.village,
            "village_name": names.get(parsed.village),
            "grid": parsed.grid,
            "kind": "micro" if parsed.micro is not None else parsed.kind,
            "sequence": parsed.sequence,
            "micro": parsed.micro,
        },
        "check_character": {
            "given": given,
            "computed": parsed.check_computed,
            "matches": None if given is None else given == parsed.check_computed,
        },
        "display": display(parsed.code),
        "grid": None
        if state is None
        else {
            "name": state["name"],
            "kind": state["kind"],
            "status": present.status_of(state["retired_at"]),
            "href": f"/v1/grids/{parsed.code}",
        },
    }
