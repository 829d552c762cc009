"""All SQL of approvals; every list is bound to what its caller may read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Database, Session, as_actor
from service.duties.case import APPROVALS, ApprovalCase
from service.duties.workflow import OPEN_STATES

_OPEN = ", ".join(f"'{s}'" for s in sorted(OPEN_STATES))
READABLE = (
    "(d.target_area ^@ ANY ($2::text[]) OR ARRAY[d.requesting_unit, d.target_unit] && $3::text[]"
    " OR d.requested_by = $1::uuid)"
)
COLUMNS = APPROVALS.names
ONE = as_actor(f"SELECT {COLUMNS} FROM dispatch_approval d WHERE {READABLE} AND d.id = $4")
PAGE = as_actor(f"""
SELECT {COLUMNS} FROM dispatch_approval d WHERE {READABLE}
  AND ($4::text[] IS NULL OR d.state = ANY ($4::text[]))
  AND ($5::uuid IS NULL OR d.case_id = $5::uuid)
  AND ($6::text IS NULL OR d.target_area ^@ $6::text)
  AND ($7::timestamptz IS NULL OR (d.requested_at, d.id) < ($7::timestamptz, $8::uuid))
ORDER BY d.requested_at DESC, d.id DESC LIMIT $9
""")
# What a dispatch may lean on: the newest approval of this very dispatch that is still good.
VALID = """
SELECT id FROM dispatch_approval
WHERE case_id = $1 AND category_code = $2 AND target_area = $3 AND state = 'approved'
  AND (target_unit IS NULL OR target_unit = $4::text) AND expires_at > $5
ORDER BY decided_at DESC LIMIT 1
"""
RUN_OUT = f"""
SELECT {COLUMNS} FROM dispatch_approval WHERE expires_at <= $1 AND state IN ({_OPEN})
ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
PENDING = text(f"""
SELECT EXISTS (SELECT FROM dispatch_approval
  WHERE case_id = :case_id AND target_area = :area AND state IN ({_OPEN}))
""")
TARGET = text("""
SELECT EXISTS (SELECT FROM division WHERE code = :area AND valid_to IS NULL
               AND level IN ('township', 'village')) AS known
""")
UNIT = text("SELECT code, tier, area_code, active FROM unit WHERE code = :unit")


async def readable(db: Database, caller: Subject, approval_id: UUID) -> ApprovalCase | None:
    """The approval, when the caller may read it."""
    row = await db.reads.fetchrow(ONE, *_scope(caller), approval_id)
    return None if row is None else APPROVALS.read(row)


async def page(
    db: Database, caller: Subject, *, states: Sequence[str], case_id: UUID | None,
    area: str | None, after: tuple[datetime, UUID] | None, limit: int,
) -> list[ApprovalCase]:  # fmt: skip
    """What the caller may read, newest first."""
    at, last = after or (None, None)
    rows = await db.reads.fetch(
        PAGE, *_scope(caller), list(states) or None, case_id, area, at, last, limit
    )
    return [APPROVALS.read(row) for row in rows]


def _scope(caller: Subject) -> tuple[str, list[str], list[str]]:
    prefixes = caller.area_prefixes(Permission.DISPATCH_APPROVAL_READ)
    return str(caller.account_id), list(prefixes), sorted(caller.units)


async def one(session: Session, statement: Any, **values: Any) -> Any:
    """The first row of one of the statements above, or None."""
    return (await session.execute(statement, values)).first()


async def run_out(connection: asyncpg.Connection, now: datetime, most: int) -> list[ApprovalCase]:
    """At most `most` open approvals whose time is over, locked; others' locked ones are left."""
    return [APPROVALS.read(row) for row in await connection.fetch(RUN_OUT, now, most)]
