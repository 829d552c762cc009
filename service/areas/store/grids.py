"""SQL about published grids: lists, one grid, versions, lineage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

# $1 lowest and $2 highest code, $3 after this code, $4 kind, $5-$8 box, $9 geometry, $10 rows.
_COLUMNS = """
SELECT g.code, g.kind, g.village_code, g.parent_code, g.retired_at, v.name, v.households,
  v.area_m2, v.version, v.valid_from, v.synthetic,
  CASE WHEN $9 THEN ST_AsGeoJSON(v.geom, 9, 0) END AS geometry
"""
_WHERE = """
WHERE g.code >= $1 AND g.code < $2 AND g.code > $3 AND ($4::text IS NULL OR g.kind = $4)
  AND ($5::float8 IS NULL OR ST_Intersects(v.geom, ST_MakeEnvelope($5, $6, $7, $8, 4490)))
"""
_END = " ORDER BY g.code LIMIT $10"

CURRENT = (
    _COLUMNS + "FROM grid g JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL"
    + _WHERE + _END
)  # fmt: skip
# $11 is the time that is asked about; the last version that began by then.
HISTORY = (
    _COLUMNS
    + """
FROM grid g CROSS JOIN LATERAL (
  SELECT * FROM grid_version w WHERE w.code = g.code AND w.valid_from <= $11
  ORDER BY w.version DESC LIMIT 1) v
"""
    + _WHERE
    + "AND ($12 = 'all' OR ($12 = 'retired') = (v.valid_to IS NOT NULL AND v.valid_to <= $11))"
    + _END
)

GRID = """
SELECT g.code, g.kind, g.village_code, g.parent_code, g.created_at, g.retired_at,
  v.version, v.name, v.households, v.area_m2, v.valid_from, v.valid_to, v.synthetic,
  village.name AS village_name, township.code AS township_code, township.name AS township_name,
  county.code AS county_code, county.name AS county_name,
  d.id AS delineation_id, d.base_map, d.scale, d.surveyed_on, d.map_review_number,
  d.approval_document AS delineation_approval, d.source_crs, d.published_at,
  c.id AS change_id, c.operation, c.approval_document, c.note, c.made_at,
  ST_AsGeoJSON(v.geom, 15, 0) AS geometry,
  ARRAY(SELECT m.code FROM grid m WHERE m.parent_code = g.code AND m.created_at <= $2
        AND (m.retired_at IS NULL OR m.retired_at > $2) ORDER BY m.code) AS micro_grids
FROM grid g
CROSS JOIN LATERAL (SELECT * FROM grid_version w WHERE w.code = g.code AND w.valid_from <= $2
                    ORDER BY w.version DESC LIMIT 1) v
JOIN division village ON village.code = g.village_code
JOIN division township ON township.code = left(g.village_code, 9)
JOIN division county ON county.code = left(g.village_code, 6)
LEFT JOIN delineation d ON d.id = v.delineation_id
LEFT JOIN grid_change c ON c.id = v.change_id
WHERE g.code = $1
"""
STATE = """
SELECT g.kind, g.retired_at, v.name FROM grid g
CROSS JOIN LATERAL (SELECT name FROM grid_version w WHERE w.code = g.code
                    ORDER BY w.version DESC LIMIT 1) v
WHERE g.code = $1
"""
VERSIONS = """
SELECT v.version, v.name, v.households, v.area_m2, v.valid_from, v.valid_to, v.synthetic,
  v.delineation_id, c.id AS change_id, c.operation, c.approval_document, c.note, c.made_at,
  CASE WHEN $2 THEN ST_AsGeoJSON(v.geom, 15, 0) END AS geometry
FROM grid_version v LEFT JOIN grid_change c ON c.id = v.change_id
WHERE v.code = $1 ORDER BY v.version DESC
"""
# A grid is only ever made of older ones, so the walk ends.
LINEAGE = """
WITH RECURSIVE
up AS (
  SELECT l.parent_code, l.child_code, l.change_id, l.overlap_m2, 1 AS depth
  FROM grid_lineage l WHERE l.child_code = $1
  UNION
  SELECT l.parent_code, l.child_code, l.change_id, l.overlap_m2, up.depth + 1
  FROM grid_lineage l JOIN up ON l.child_code = up.parent_code),
down AS (
  SELECT l.parent_code, l.child_code, l.change_id, l.overlap_m2, 1 AS depth
  FROM grid_lineage l WHERE l.parent_code = $1
  UNION
  SELECT l.parent_code, l.child_code, l.change_id, l.overlap_m2, down.depth + 1
  FROM grid_lineage l JOIN down ON l.parent_code = down.child_code),
step AS (SELECT true AS up, * FROM up UNION ALL SELECT false, * FROM down)
SELECT s.up, s.parent_code, s.child_code, s.change_id, s.overlap_m2, min(s.depth) AS depth,
  c.operation, c.approval_document, c.made_at
FROM step s JOIN grid_change c ON c.id = s.change_id
GROUP BY s.up, s.parent_code, s.child_code, s.change_id, s.overlap_m2, c.operation,
  c.approval_document, c.made_at
ORDER BY depth, s.parent_code, s.child_code
"""
SUCCESSORS = """
WITH RECURSIVE after AS (
  SELECT $1::text COLLATE "C" AS code
  UNION
  SELECT l.child_code FROM grid_lineage l JOIN after ON l.parent_code = after.code)
SELECT g.code, v.name FROM after JOIN grid g ON g.code = after.code AND g.retired_at IS NULL
JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.code <> $1 ORDER BY g.code
"""


@dataclass(frozen=True, slots=True)
class GridFilter:
    """Which grids a list shows; `box` is west, south, east, north in EPSG:4490."""

    area: str
    kind: str | None
    status: str
    box: tuple[float, float, float, float] | None
    as_of: datetime | None


async def page(
    reads: asyncpg.Pool, asked: GridFilter, *, after: str, geometry: bool, rows: int, now: datetime
) -> list[asyncpg.Record]:
    """At most `rows` grids with codes after `after`, in order of their codes."""
    box: tuple[float | None, ...] = asked.box or (None,) * 4
    common: list[Any] = [asked.area, asked.area + ":", after, asked.kind, *box, geometry, rows]
    if asked.status == "current" and asked.as_of is None:
        found: list[asyncpg.Record] = await reads.fetch(CURRENT, *common)
        return found
    past: list[asyncpg.Record] = await reads.fetch(
        HISTORY, *common, asked.as_of or now, asked.status
    )
    return past


async def grid(reads: asyncpg.Pool, code: str, at: datetime) -> asyncpg.Record | None:
    """The grid with the version in force at `at` (or its last before); None before its time."""
    return await reads.fetchrow(GRID, code, at)


async def state(reads: asyncpg.Pool, code: str) -> asyncpg.Record | None:
    """Kind, name and time of retirement of the grid with `code`."""
    return await reads.fetchrow(STATE, code)


async def versions(reads: asyncpg.Pool, code: str, geometry: bool) -> list[asyncpg.Record]:
    """All versions of a grid, the newest first."""
    found: list[asyncpg.Record] = await reads.fetch(VERSIONS, code, geometry)
    return found


async def lineage(reads: asyncpg.Pool, code: str) -> list[asyncpg.Record]:
    """The steps that lead to a grid (`up`) and away from it, the nearest first."""
    found: list[asyncpg.Record] = await reads.fetch(LINEAGE, code)
    return found


async def successors(reads: asyncpg.Pool, code: str) -> list[asyncpg.Record]:
    """Code and name of the grids in force that came out of `code`."""
    found: list[asyncpg.Record] = await reads.fetch(SUCCESSORS, code)
    return found
