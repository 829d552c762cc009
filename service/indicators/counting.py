"""Counting: follows events in commit order and changes the sums by what touched cases add now.

A case that was touched is taken out as it was counted last and put in as it stands, so it does
not matter how often or in which order that happens: a reopening, a late follow-up or a merge
changes the past rightly. Events are followed by (transaction, id) up to the oldest transaction
that is still running, so one that commits late is met later and never missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.indicators.models import COUNTERS, IndicatorCase

CHUNK = 20_000

BLIND = "SELECT row_security_active('case_event')"
MARK = "SELECT xact::text, event_id FROM indicator_mark FOR UPDATE"
HORIZON = "SELECT gw_event_horizon()::text"
EVENTS = """
SELECT e.xact::text AS xact, e.id, e.case_id, e.case_kind = 'incident' AS counts FROM case_event e
WHERE (e.xact, e.id) > ($1::text::xid8, $2) AND e.xact < $3::text::xid8
ORDER BY e.xact, e.id LIMIT $4
"""
ENDED = """
SELECT incident_id FROM indicator_case WHERE next_at <= $1 ORDER BY next_at, incident_id LIMIT $2
"""
SET_MARK = "UPDATE indicator_mark SET xact = $1::text::xid8, event_id = $2"

_CASE = tuple(IndicatorCase.__table__.columns.keys())  # type: ignore[attr-defined]
_REPLACE = ", ".join(f"{name} = excluded.{name}" for name in _CASE[1:])
_DELTAS = ", ".join(f"sum(x.sign * x.{name})::int AS {name}" for name in COUNTERS)
_SUMS = ", ".join(f"sum(d.{name})::int AS {name}" for name in COUNTERS)
_NAMES = ", ".join(COUNTERS)
_ADD = ", ".join(f"{name} = f.{name} + excluded.{name}" for name in COUNTERS)
_ANY = " OR ".join(f"s.{name} <> 0" for name in COUNTERS)
# The finest sums, and from those every level of area, category and time.
_LEVELS = """
CROSS JOIN LATERAL (VALUES (left(d.village_code, 6)), (left(d.village_code, 9)), (d.village_code))
  AS a(area_code)
CROSS JOIN LATERAL (VALUES (''), (d.category_code)) AS k(category_code)
CROSS JOIN LATERAL (VALUES ('day', d.day), ('month', date_trunc('month', d.day::timestamp)::date))
  AS s(span, starts)
"""
APPLY = f"""
WITH change AS MATERIALIZED (SELECT * FROM gw_indicator_changes($1::uuid[], $2)),
gone AS (
  DELETE FROM indicator_case k USING (
    SELECT (x.c).incident_id AS id FROM change x GROUP BY 1 HAVING max(x.sign) < 0) AS o
  WHERE k.incident_id = o.id),
kept AS (
  INSERT INTO indicator_case SELECT (x.c).* FROM change x WHERE x.sign = 1
  ON CONFLICT (incident_id) DO UPDATE SET {_REPLACE}),
entry AS MATERIALIZED (
  SELECT x.sign, (x.c).village_code, (x.c).category_code, e.*
  FROM change x CROSS JOIN LATERAL gw_indicator_entries(x.c) AS e),
delta AS MATERIALIZED (
  SELECT x.village_code, x.category_code, x.day, {_DELTAS}
  FROM entry x GROUP BY 1, 2, 3),
level AS (
  SELECT s.span, a.area_code, k.category_code, s.starts, {_SUMS}
  FROM delta d {_LEVELS} GROUP BY 1, 2, 3, 4),
bar AS MATERIALIZED (
  SELECT x.village_code, x.category_code, x.day, x.bucket, sum(x.sign) AS cases
  FROM entry x WHERE x.bucket IS NOT NULL GROUP BY 1, 2, 3, 4),
histogram AS (
  SELECT b.span, b.area_code, b.category_code, b.starts,
    array_agg((b.bucket::bigint << 32) + b.cases) AS durations
  FROM (SELECT s.span, a.area_code, k.category_code, s.starts, d.bucket,
          sum(d.cases)::bigint AS cases
        FROM bar d {_LEVELS} WHERE d.cases <> 0 GROUP BY 1, 2, 3, 4, 5) AS b
  WHERE b.cases <> 0 GROUP BY 1, 2, 3, 4)
INSERT INTO indicator_figure AS f (span, area_code, category_code, starts, {_NAMES}, durations)
SELECT s.span, s.area_code, s.category_code, s.starts, {", ".join(f"s.{n}" for n in COUNTERS)},
  coalesce(h.durations, '{{}}')
FROM level s LEFT JOIN histogram h USING (span, area_code, category_code, starts)
WHERE h.durations IS NOT NULL OR {_ANY}
ORDER BY s.span, s.area_code, s.category_code, s.starts
ON CONFLICT (span, area_code, category_code, starts) DO UPDATE SET {_ADD},
  durations = gw_add_histograms(f.durations, excluded.durations)
"""


class CountingBlind(Exception):
    """The connection is under row-level security: it would count only a part."""


async def count_indicators(
    connection: asyncpg.Connection, now: datetime, *, chunk: int = CHUNK
) -> int:
    """Count what was done since the last run, and limits that ended by `now`; how many cases.

    `connection` is the owner's, outside a transaction. Several may run at once; they take turns.
    Raises CountingBlind.
    """
    if await connection.fetchval(BLIND):
        raise CountingBlind("counting needs the owner's connection")
    counted = 0
    while True:
        read, touched = await _count_chunk(connection, now, chunk)
        counted += touched
        if read < chunk:
            return counted


async def _count_chunk(
    connection: asyncpg.Connection, now: datetime, chunk: int
) -> tuple[int, int]:
    """Count at most `chunk` events and ended limits; the larger of the two, and the cases."""
    async with connection.transaction(isolation="read_committed"):
        xact, event_id = await connection.fetchrow(MARK)
        horizon = await connection.fetchval(HORIZON)
        events = await connection.fetch(EVENTS, xact, event_id, horizon, chunk)
        ended = [row["incident_id"] for row in await connection.fetch(ENDED, now, chunk)]
        touched = {row["case_id"] for row in events if row["counts"]}.union(ended)
        await recount(connection, list(touched), now)
        if len(events) == chunk:
            await connection.execute(SET_MARK, events[-1]["xact"], events[-1]["id"])
        else:
            # Everything below the horizon is counted, and nothing can appear there any more.
            await connection.execute(SET_MARK, horizon, 0)
        return max(len(events), len(ended)), len(touched)


async def recount(connection: asyncpg.Connection, cases: Sequence[UUID], now: datetime) -> None:
    """Change the sums to what these cases, and those that they concern, add at `now`."""
    if cases:
        await connection.execute(APPLY, list(cases), now)
