"""SQL about where positions were: the grids in force at another time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

# All grids at each position then; which of them is responsible is decided as for the present.
AT = """
SELECT (p.ord - 1)::int AS place, v.code, g.kind, v.name, v.synthetic
FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS p(lon, lat, ord)
JOIN grid_version v ON ST_Covers(v.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4490))
  AND v.valid_from <= $3 AND (v.valid_to IS NULL OR v.valid_to > $3)
JOIN grid g ON g.code = v.code
ORDER BY p.ord, v.code
"""


async def grids_at(
    reads: asyncpg.Pool, lons: Sequence[float], lats: Sequence[float], at: datetime
) -> list[asyncpg.Record]:
    """The grids in force at `at` that cover each EPSG:4490 position, by place and code."""
    found: list[asyncpg.Record] = await reads.fetch(AT, list(lons), list(lats), at)
    return found
