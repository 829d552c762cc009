"""SQL about divisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

AREA = """
SELECT d.code, d.level, d.name, d.valid_from, d.valid_to, d.source, d.synthetic,
  a.old_code, a.valid_from AS alias_from, a.valid_to AS alias_to,
  CASE WHEN $2 THEN ST_AsGeoJSON(d.geom, 15, 0) END AS geometry
FROM (SELECT $1::text AS asked) AS q
LEFT JOIN division_alias a ON a.old_code = q.asked
JOIN division d ON d.code = coalesce(a.code, q.asked)
"""
PARENTS = """
SELECT code, name FROM division WHERE code IN (left($1, 6), left($1, 9)) AND code <> $1
ORDER BY code
"""
DIVISIONS_BELOW = """
SELECT code, name, level, synthetic, CASE WHEN $2 THEN ST_AsGeoJSON(geom, 9, 0) END AS geometry
FROM division
WHERE code > $1 AND code < $1 || ':' AND length(code) = length($1) + 3 AND valid_to IS NULL
ORDER BY code
"""
GRIDS_BELOW = """
SELECT g.code, v.name, 'grid' AS level, v.synthetic,
  CASE WHEN $2 THEN ST_AsGeoJSON(v.geom, 9, 0) END AS geometry
FROM grid g JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.village_code = $1 AND g.kind <> 'micro' AND g.retired_at IS NULL
ORDER BY g.code
"""
NAMES = "SELECT code, name FROM division WHERE code = ANY($1::text[])"
OUTLINES = """
SELECT code, ST_AsBinary(geom) AS wkb FROM division WHERE code = ANY($1::text[]) ORDER BY code
"""
VILLAGE_LEVEL = "village"


async def area(reads: asyncpg.Pool, code: str, geometry: bool) -> asyncpg.Record | None:
    """The division with `code`, or the present one of an old code."""
    return await reads.fetchrow(AREA, code, geometry)


async def parents(reads: asyncpg.Pool, code: str) -> list[asyncpg.Record]:
    """Code and name of the divisions above `code`, from the county down."""
    found: list[asyncpg.Record] = await reads.fetch(PARENTS, code)
    return found


async def below(reads: asyncpg.Pool, code: str, level: str, geometry: bool) -> list[asyncpg.Record]:
    """The areas directly below a division: divisions, or the grids of a village."""
    query = GRIDS_BELOW if level == VILLAGE_LEVEL else DIVISIONS_BELOW
    found: list[asyncpg.Record] = await reads.fetch(query, code, geometry)
    return found


async def names(reads: asyncpg.Pool, codes: Sequence[str]) -> dict[str, str]:
    """Names of divisions by code; unknown codes are missing."""
    return {row["code"]: row["name"] for row in await reads.fetch(NAMES, list(codes))}


async def outlines(reads: asyncpg.Pool, codes: Sequence[str]) -> dict[str, Any]:
    """Boundaries of divisions as WKB by code (None where unknown); unknown codes are missing."""
    return {row["code"]: row["wkb"] for row in await reads.fetch(OUTLINES, list(codes))}
