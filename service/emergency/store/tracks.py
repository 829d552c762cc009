"""SQL of track points."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from service.db import Session

# The emergencies - no drills - that cover one of the worker's own areas, the longest first.
COVERING = text("""
SELECT DISTINCT ON (f.activated_at, f.id) f.id, f.activated_at, mine.code AS area
FROM unnest(CAST(:areas AS text[])) AS mine(code)
CROSS JOIN LATERAL gw_activations_in_force(mine.code, :at) AS f
WHERE NOT f.drill ORDER BY f.activated_at, f.id, mine.code
""")
# No RETURNING: a worker writes tracks and does not read them.
ADD = text("""
INSERT INTO track_point (activation_id, account_id, recorded_at, area_code, location, raw_x, raw_y,
  raw_crs, accuracy_m, received_at)
SELECT :activation, :account, p.at, :area, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4490), p.raw_x,
  p.raw_y, p.raw_crs, p.accuracy_m, :now
FROM jsonb_to_recordset(CAST(:points AS jsonb)) AS p(at timestamptz, lon float8, lat float8,
  raw_x float8, raw_y float8, raw_crs text, accuracy_m float8)
ON CONFLICT DO NOTHING
""")
PAGE = text("""
SELECT t.account_id AS account, t.recorded_at AS at, t.area_code AS area, ST_X(t.location) AS lon,
  ST_Y(t.location) AS lat, t.raw_x, t.raw_y, t.raw_crs, t.accuracy_m, t.received_at
FROM track_point t
WHERE t.activation_id = :activation
  AND EXISTS (SELECT FROM unnest(CAST(:areas AS text[])) AS mine(code)
    WHERE t.area_code ^@ mine.code)
  AND (CAST(:account AS uuid) IS NULL OR t.account_id = CAST(:account AS uuid))
  AND (CAST(:since AS timestamptz) IS NULL
    OR (t.recorded_at, t.account_id) > (CAST(:since AS timestamptz), CAST(:after AS uuid)))
ORDER BY t.recorded_at, t.account_id LIMIT :limit
""")
PURGE = text("SELECT activation_id, points FROM gw_purge_tracks(:before, :most)")


async def add(
    session: Session,
    points: list[dict[str, Any]],
    *,
    activation: UUID,
    account: UUID,
    area: str,
    now: datetime,
) -> int:
    """Store the points; how many were new."""
    done = await session.execute(
        ADD,
        {
            "activation": activation,
            "account": account,
            "area": area,
            "now": now,
            "points": msgspec.json.encode(points).decode(),
        },
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
