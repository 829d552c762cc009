"""All SQL of response policies, work calendars and service hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import TextClause, text

from service.db import Database, Session, as_actor

JSON_COLUMNS = {"body", "days", "spans"}

EPOCH = "SELECT value FROM data_epoch WHERE name = 'response'"
# Everything that a clock needs, in one statement and so from one moment.
RULES = """
SELECT e.value AS epoch,
  (SELECT coalesce(json_agg(json_build_object('version', p.version, 'valid_from', p.valid_from,
     'published_at', p.published_at, 'note', p.note, 'body', p.body)
     ORDER BY p.valid_from), '[]') FROM response_policy p WHERE p.status = 'published') AS policies,
  (SELECT coalesce(json_agg(json_build_object('year', c.year, 'days', c.days)), '[]')
     FROM work_calendar c) AS calendars,
  (SELECT coalesce(json_object_agg(h.area_code, h.spans), '{}') FROM service_hours h) AS hours
FROM data_epoch e WHERE e.name = 'response'
"""
_HEAD = "p.version, p.status, p.note, p.created_at, p.valid_from, p.published_at, p.published_by"
# A version is valid until the next one begins.
_UNTIL = """CASE WHEN p.status = 'published' THEN (SELECT min(n.valid_from) FROM response_policy n
  WHERE n.status = 'published' AND n.valid_from > p.valid_from) END AS valid_to"""
HEAD_OF = f"SELECT {_HEAD}, {_UNTIL} FROM response_policy p WHERE p.version = $1"
POLICY_OF = f"SELECT {_HEAD}, {_UNTIL}, p.body FROM response_policy p WHERE p.version = $1"
PAGE = f"""
SELECT {_HEAD}, {_UNTIL} FROM response_policy p WHERE p.version < $1
ORDER BY p.version DESC LIMIT $2
"""
LATER = """
SELECT version, valid_from FROM response_policy
WHERE status = 'published' AND valid_from >= $1 ORDER BY valid_from
"""
CALENDAR_OF = "SELECT year, version, days, source, changed_at FROM work_calendar WHERE year = $1"
CALENDARS = """
SELECT year, version, days, source, changed_at FROM work_calendar
WHERE year < $1::int ORDER BY year DESC LIMIT $2
"""
HOURS_PAGE = """
SELECT area_code AS area, spans, changed_at FROM service_hours
WHERE area_code > $1 AND ($3::text IS NULL OR starts_with(area_code, $3))
ORDER BY area_code LIMIT $2
"""
AREA_KNOWN = """
SELECT EXISTS (SELECT FROM division WHERE code = $1 AND valid_to IS NULL)
  OR EXISTS (SELECT FROM grid_version WHERE code = $1 AND valid_to IS NULL)
"""
HISTORIES = as_actor(
    "SELECT h.* FROM gw_incident_histories($2::text, $3::text, $4::int, $5::int) AS h"
)

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('response', 0))")
ADVANCE_EPOCH = text("UPDATE data_epoch SET value = value + 1 WHERE name = 'response'")
NEXT_VERSION = text("SELECT coalesce(max(version), 0) + 1 FROM response_policy")
ANY_POLICY = text("SELECT EXISTS (SELECT FROM response_policy)")
IN_FORCE = text("""
SELECT version FROM response_policy WHERE status = 'published' AND valid_from <= :now
ORDER BY valid_from DESC LIMIT 1
""")
BODY_OF = text("SELECT body FROM response_policy WHERE version = :version")
LOCK_POLICY = text("""
SELECT status, valid_from, body FROM response_policy WHERE version = :version FOR UPDATE
""")
INSERT_POLICY = text("""
INSERT INTO response_policy (version, status, note, body, created_at, valid_from, published_at)
VALUES (:version, :status, :note, CAST(:body AS jsonb), :now, :valid_from, :published_at)
""")
PUT_BODY = text("""
UPDATE response_policy SET body = CAST(:body AS jsonb), note = coalesce(:note, note)
WHERE version = :version
""")
PUBLISH = text("""
UPDATE response_policy SET status = 'published', valid_from = :valid_from, published_at = :now,
  published_by = :actor WHERE version = :version
""")
WITHDRAW = text("UPDATE response_policy SET status = 'withdrawn' WHERE version = :version")
LOCK_CALENDAR = text("""
SELECT version, days, source FROM work_calendar WHERE year = :year FOR UPDATE
""")
ANY_CALENDAR = text("SELECT EXISTS (SELECT FROM work_calendar)")
PUT_CALENDAR = text("""
INSERT INTO work_calendar (year, version, days, source, changed_at, changed_by)
VALUES (:year, 1, CAST(:days AS jsonb), :source, :now, :actor)
ON CONFLICT (year) DO UPDATE SET version = work_calendar.version + 1, days = excluded.days,
  source = excluded.source, changed_at = excluded.changed_at, changed_by = excluded.changed_by
RETURNING version
""")
ANY_HOURS = text("SELECT EXISTS (SELECT FROM service_hours)")
HOURS_OF = text("SELECT spans FROM service_hours WHERE area_code = :area FOR UPDATE")
PUT_HOURS = text("""
INSERT INTO service_hours (area_code, spans, changed_at, changed_by)
VALUES (:area, CAST(:spans AS jsonb), :now, :actor)
ON CONFLICT (area_code) DO UPDATE SET spans = excluded.spans, changed_at = excluded.changed_at,
  changed_by = excluded.changed_by
""")
DELETE_HOURS = text("DELETE FROM service_hours WHERE area_code = :area")


def json_of(value: Any) -> str:
    """`value` as the text of a jsonb parameter."""
    return msgspec.json.encode(value).decode()


async def one(session: Session, statement: TextClause, **params: Any) -> dict[str, Any] | None:
    """The statement's only row, or None."""
    row = (await session.execute(statement, params)).mappings().first()
    return decoded(row) if row else None


async def is_empty(session: Session, statement: TextClause) -> bool:
    """Whether a statement that asks for anything finds nothing."""
    return not (await session.execute(statement)).scalar_one()


async def head_of(session: Session, version: int) -> dict[str, Any]:
    """A policy's own row without its body, as this transaction sees it; it is there."""
    found = await one(session, text(HEAD_OF.replace("$1", ":version")), version=version)
    assert found is not None
    return found


async def later(session: Session, valid_from: datetime) -> list[tuple[int, datetime]]:
    """The published versions that begin at `valid_from` or after it."""
    rows = await session.execute(text(LATER.replace("$1", ":at")), {"at": valid_from})
    return [(row.version, row.valid_from) for row in rows]


async def area_known(session: Session, area: str) -> bool:
    """Whether a division or grid in force has this code."""
    found = await session.execute(text(AREA_KNOWN.replace("$1", ":area")), {"area": area})
    return bool(found.scalar_one())


async def insert_policy(
    session: Session,
    version: int,
    body: dict[str, Any],
    *,
    note: str,
    now: datetime,
    valid_from: datetime | None = None,
) -> None:
    """A new version: a draft, or published where `valid_from` is given."""
    row = {
        "version": version,
        "status": "published" if valid_from else "draft",
        "note": note,
        "body": json_of(body),
        "now": now,
        "valid_from": valid_from,
        "published_at": now if valid_from else None,
    }
    await session.execute(INSERT_POLICY, row)


async def put_calendar(
    session: Session, year: int, days: Iterable[Any], *, source: str, now: datetime, by: UUID | None
) -> int:
    """Enter or replace a year; its new version."""
    row = {"year": year, "days": json_of(list(days)), "source": source, "now": now, "actor": by}
    version: int = (await session.execute(PUT_CALENDAR, row)).scalar_one()
    return version


async def put_hours(
    session: Session, area: str, spans: Any, *, now: datetime, by: UUID | None
) -> None:
    """Enter or replace an area's spans."""
    row = {"area": area, "spans": json_of(spans), "now": now, "actor": by}
    await session.execute(PUT_HOURS, row)


async def histories(
    db: Database, actor: UUID, *, area: str, category: str | None, last: int, reach: int
) -> list[asyncpg.Record]:
    """The newest cases of the area, each with its actions, their epoch seconds, new tiers,
    whether they gave it to a person, and durations.

    Searches the newest `reach` cases by the index of the area's level; none where the actor does
    not administer the county.
    """
    rows: list[asyncpg.Record] = await db.reads.fetch(
        HISTORIES, str(actor), area, category, last, reach
    )
    return rows


def decoded(row: Any) -> dict[str, Any]:
    """A row with its JSON columns decoded, which may come decoded or as text."""
    found = dict(row)
    for name in JSON_COLUMNS & found.keys():
        if isinstance(found[name], str):
            found[name] = msgspec.json.decode(found[name])
    return found
