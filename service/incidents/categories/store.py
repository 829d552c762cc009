"""All SQL of categories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from service.db import Database, Session
from service.incidents.categories.rules import Entry, Meaning

EPOCH = "SELECT value FROM data_epoch WHERE name = 'categories'"
PUBLISHED = """
SELECT e.value AS epoch, s.version AS set_version, s.published_at, c.*
FROM data_epoch e
LEFT JOIN category_set s ON s.status = 'published'
LEFT JOIN category c ON c.version = s.version
WHERE e.name = 'categories'
ORDER BY c.code
"""
SET_OF = """
SELECT version, status, note, created_at, published_at, published_by
FROM category_set WHERE version = $1
"""
ROWS_OF = """
SELECT code, name_zh, name_en, level, limits, self_handle, evidence, conduct, clauses, active
FROM category WHERE version = $1 ORDER BY code
"""
PAGE = """
SELECT s.version, s.status, s.note, s.created_at, s.published_at, s.published_by,
  (SELECT count(*) FROM category c WHERE c.version = s.version AND length(c.code) = 4) AS categories
FROM category_set s WHERE s.version < $1 ORDER BY s.version DESC LIMIT $2
"""
# What each code meant when it was last published, and whether it is in use now.
HISTORY = """
SELECT DISTINCT ON (c.code) c.code, c.name_zh, c.name_en, c.level,
  s.status = 'published' AND c.active AS in_use
FROM category c JOIN category_set s ON s.version = c.version
WHERE s.status <> 'draft'
ORDER BY c.code, s.published_at DESC, s.version DESC
"""
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('category_set', 0))")
NEXT_VERSION = text("SELECT coalesce(max(version), 0) + 1 FROM category_set")
ANY_SET = text("SELECT EXISTS (SELECT FROM category_set)")
PUBLISHED_VERSION = text("SELECT version FROM category_set WHERE status = 'published'")
LOCK_SET = text("SELECT status FROM category_set WHERE version = :version FOR UPDATE")
SET = text(SET_OF.replace("$1", ":version"))
ROWS = text(ROWS_OF.replace("$1", ":version"))
INSERT_SET = text("""
INSERT INTO category_set (version, status, note, created_at, published_at, published_by)
VALUES (:version, :status, :note, :now, :published_at, :published_by)
""")
COPY_ROWS = text("""
INSERT INTO category (version, code, parent_code, name_zh, name_en, level, limits, self_handle,
  evidence, conduct, clauses, active)
SELECT :version, code, parent_code, name_zh, name_en, level, limits, self_handle,
  evidence, conduct, clauses, active
FROM category WHERE version = :source
""")
UPSERT_ROW = text("""
INSERT INTO category (version, code, parent_code, name_zh, name_en, level, limits, self_handle,
  evidence, conduct, clauses, active)
VALUES (:version, :code, :parent_code, :name_zh, :name_en, :level, CAST(:limits AS jsonb),
  :self_handle, :evidence, :conduct, :clauses, :active)
ON CONFLICT (version, code) DO UPDATE SET
  name_zh = excluded.name_zh, name_en = excluded.name_en, level = excluded.level,
  limits = excluded.limits, self_handle = excluded.self_handle, evidence = excluded.evidence,
  conduct = excluded.conduct, clauses = excluded.clauses, active = excluded.active
""")
DELETE_ROW = text("DELETE FROM category WHERE version = :version AND code = :code RETURNING code")
RETIRE = text("UPDATE category_set SET status = 'retired' WHERE status = 'published'")
PUBLISH = text("""
UPDATE category_set SET status = 'published', published_at = :now, published_by = :actor
WHERE version = :version
""")
ADVANCE_EPOCH = text("UPDATE data_epoch SET value = value + 1 WHERE name = 'categories'")


async def set_of(session: Session, version: int) -> dict[str, Any] | None:
    """The set's own row, or None."""
    row = (await session.execute(SET, {"version": version})).mappings().first()
    return dict(row) if row else None


async def entries_of(session: Session, version: int) -> tuple[Entry, ...]:
    """The tree of `version`, by code, as this transaction sees it."""
    rows = (await session.execute(ROWS, {"version": version})).mappings()
    return tuple(entry_of(row) for row in rows)


async def read_entries(db: Database, version: int) -> tuple[Entry, ...]:
    """The tree of `version`, by code; empty when there is no such version."""
    rows = await db.reads.fetch(ROWS_OF, version)
    return tuple(entry_of(row) for row in rows)


async def history_of(session: Session) -> dict[str, Meaning]:
    """What every code that was ever published meant last."""
    return _meanings((await session.execute(text(HISTORY))).mappings().all())


async def read_history(db: Database) -> dict[str, Meaning]:
    """The same outside a transaction."""
    return _meanings(await db.reads.fetch(HISTORY))


async def put(session: Session, version: int, entry: Entry) -> None:
    """Insert or replace one row of a set."""
    await session.execute(UPSERT_ROW, _params(version, entry))


async def put_all(session: Session, version: int, entries: Sequence[Entry]) -> None:
    """Insert a whole tree, in one round of the driver."""
    await session.execute(UPSERT_ROW, [_params(version, entry) for entry in entries])


async def insert_set(
    session: Session, version: int, status: str, *, note: str, now: datetime, by: UUID | None = None
) -> None:
    """A new set without rows; a published one notes when and by whom (None: the service)."""
    published = status == "published"
    await session.execute(
        INSERT_SET,
        {
            "version": version,
            "status": status,
            "note": note,
            "now": now,
            "published_at": now if published else None,
            "published_by": by if published else None,
        },
    )


def entry_of(row: Any) -> Entry:
    """A row of `category` as the rules read it; its JSON may come decoded or as text."""
    limits = row["limits"]
    return Entry(
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        level=row["level"],
        limits=msgspec.json.decode(limits) if isinstance(limits, str) else limits,
        self_handle=row["self_handle"],
        evidence=row["evidence"],
        conduct=row["conduct"],
        clauses=tuple(row["clauses"]),
        active=row["active"],
    )


def _meanings(rows: Sequence[Any]) -> dict[str, Meaning]:
    return {
        row["code"]: Meaning(row["name_zh"], row["name_en"], row["in_use"], row["level"])
        for row in rows
    }


def _params(version: int, entry: Entry) -> dict[str, Any]:
    return {
        "version": version,
        "code": entry.code,
        "parent_code": None if entry.is_group else entry.code[:2],
        "name_zh": entry.name_zh,
        "name_en": entry.name_en,
        "level": entry.level,
        "limits": msgspec.json.encode(dict(entry.limits)).decode(),
        "self_handle": entry.self_handle,
        "evidence": entry.evidence,
        "conduct": entry.conduct,
        "clauses": list(entry.clauses),
        "active": entry.active,
    }
