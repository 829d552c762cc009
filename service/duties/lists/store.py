"""All SQL of duty lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from service.db import Database, Session
from service.duties.lists.rules import Entry

EPOCH = "SELECT value FROM data_epoch WHERE name = 'duties'"
ITEM_COLUMNS = (
    "code, name_zh, name_en, section, categories, lead_unit, cooperating_units, basis, "
    "exceptions, clauses, active"
)
PUBLISHED = """
SELECT e.value AS epoch, l.kind, l.version AS list_version, l.published_at, i.*
FROM data_epoch e
LEFT JOIN duty_list l ON l.status = 'published'
LEFT JOIN duty_item i ON i.version = l.version
WHERE e.name = 'duties'
ORDER BY l.version, i.code
"""
LIST_OF = """
SELECT version, kind, status, note, created_at, published_at, published_by
FROM duty_list WHERE version = $1
"""
ITEMS_OF = f"SELECT {ITEM_COLUMNS} FROM duty_item WHERE version = $1 ORDER BY code"
IN_FORCE = f"""
SELECT {ITEM_COLUMNS} FROM duty_item
WHERE version = (SELECT version FROM duty_list WHERE kind = $1 AND status = 'published')
ORDER BY code
"""
PAGE = """
SELECT l.version, l.kind, l.status, l.note, l.created_at, l.published_at, l.published_by,
  (SELECT count(*) FROM duty_item i WHERE i.version = l.version) AS items
FROM duty_list l WHERE l.version < $1 AND ($3::text IS NULL OR l.kind = $3)
ORDER BY l.version DESC LIMIT $2
"""
UNITS = "SELECT code, active FROM unit"
TOWNSHIPS = "SELECT code FROM division WHERE level = 'township' AND valid_to IS NULL"

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('duty_list', 0))")
NEXT_VERSION = text("SELECT coalesce(max(version), 0) + 1 FROM duty_list")
ANY_LIST = text("SELECT EXISTS (SELECT FROM duty_list)")
PUBLISHED_VERSION = text(
    "SELECT version FROM duty_list WHERE kind = :kind AND status = 'published'"
)
LOCK_LIST = text("SELECT kind, status FROM duty_list WHERE version = :version FOR UPDATE")
LIST = text(LIST_OF.replace("$1", ":version"))
ITEMS = text(ITEMS_OF.replace("$1", ":version"))
ITEMS_IN_FORCE = text(IN_FORCE.replace("$1", ":kind"))
INSERT_LIST = text("""
INSERT INTO duty_list (version, kind, status, note, created_at, published_at)
VALUES (:version, :kind, :status, :note, :now, :published_at)
""")
COPY_ITEMS = text(f"""
INSERT INTO duty_item (version, {ITEM_COLUMNS})
SELECT :version, {ITEM_COLUMNS} FROM duty_item WHERE version = :source
""")
UPSERT_ITEM = text(f"""
INSERT INTO duty_item (version, {ITEM_COLUMNS})
VALUES (:version, :code, :name_zh, :name_en, :section, :categories, :lead_unit,
  :cooperating_units, :basis, CAST(:exceptions AS jsonb), :clauses, :active)
ON CONFLICT (version, code) DO UPDATE SET
  name_zh = excluded.name_zh, name_en = excluded.name_en, section = excluded.section,
  categories = excluded.categories, lead_unit = excluded.lead_unit,
  cooperating_units = excluded.cooperating_units, basis = excluded.basis,
  exceptions = excluded.exceptions, clauses = excluded.clauses, active = excluded.active
""")
DELETE_ITEM = text("DELETE FROM duty_item WHERE version = :version AND code = :code RETURNING code")
RETIRE = text("UPDATE duty_list SET status = 'retired' WHERE kind = :kind AND status = 'published'")
PUBLISH = text("""
UPDATE duty_list SET status = 'published', published_at = :now, published_by = :actor
WHERE version = :version
""")
ADVANCE_EPOCH = text("UPDATE data_epoch SET value = value + 1 WHERE name = 'duties'")


async def list_of(session: Session, version: int) -> dict[str, Any] | None:
    """The list's own row, or None."""
    row = (await session.execute(LIST, {"version": version})).mappings().first()
    return dict(row) if row else None


async def entries_of(session: Session, version: int) -> tuple[Entry, ...]:
    """The items of `version`, by code, as this transaction sees them."""
    rows = (await session.execute(ITEMS, {"version": version})).mappings()
    return tuple(entry_of(row) for row in rows)


async def entries_in_force(session: Session, kind: str) -> tuple[Entry, ...]:
    """The items of the published list of this kind, by code."""
    rows = (await session.execute(ITEMS_IN_FORCE, {"kind": kind})).mappings()
    return tuple(entry_of(row) for row in rows)


async def read_entries(db: Database, statement: str, which: int | str) -> tuple[Entry, ...]:
    """The items that `ITEMS_OF` finds by version, or `IN_FORCE` by kind."""
    return tuple(entry_of(row) for row in await db.reads.fetch(statement, which))


async def read_units(db: Database) -> dict[str, bool]:
    """Every unit by code, and whether it is in use."""
    return {row["code"]: row["active"] for row in await db.reads.fetch(UNITS)}


async def read_townships(db: Database) -> frozenset[str]:
    """The townships in force, by code."""
    return frozenset(row["code"] for row in await db.reads.fetch(TOWNSHIPS))


async def put(session: Session, version: int, entry: Entry) -> None:
    """Insert or replace one item of a list."""
    await session.execute(UPSERT_ITEM, _params(version, entry))


async def put_all(session: Session, version: int, entries: Sequence[Entry]) -> None:
    """Insert a whole list, in one round of the driver."""
    if entries:
        await session.execute(UPSERT_ITEM, [_params(version, entry) for entry in entries])


async def insert_list(
    session: Session, version: int, kind: str, status: str, *, note: str, now: datetime
) -> None:
    """A new list without items; a published one is the service's own."""
    values = {"version": version, "kind": kind, "status": status, "note": note, "now": now,
              "published_at": now if status == "published" else None}  # fmt: skip
    await session.execute(INSERT_LIST, values)


async def publish(session: Session, version: int, kind: str, actor: UUID, now: datetime) -> None:
    """Put a draft in force instead of the list of its kind before it, and count the epoch up."""
    await session.execute(RETIRE, {"kind": kind})
    await session.execute(PUBLISH, {"version": version, "now": now, "actor": actor})
    await session.execute(ADVANCE_EPOCH)


def entry_of(row: Any) -> Entry:
    """A row of `duty_item` as the rules read it; its JSON may come decoded or as text."""
    exceptions = row["exceptions"]
    if isinstance(exceptions, str):
        exceptions = msgspec.json.decode(exceptions)
    values = {name: row[name] for name in Entry.__dataclass_fields__}
    return msgspec.convert({**values, "exceptions": exceptions}, type=Entry)


def _params(version: int, entry: Entry) -> dict[str, Any]:
    exceptions = msgspec.json.encode(entry.exceptions).decode()
    return {**msgspec.to_builtins(entry), "version": version, "exceptions": exceptions}
