"""Loads callers with what is assigned to them, and remembers them for a few seconds.

The memory only decides which buttons and which index a caller gets. Reads are judged again by
row-level security and writes by the gathered statement, both from the tables at that moment, so a
revoked assignment ends at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import cast
from uuid import UUID

import asyncpg

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import Database
from service.errors import Unauthenticated
from service.kit import clock

LOAD = """
SELECT c.login, c.name, a.role, a.area_code, a.unit_code
FROM account c
LEFT JOIN assignment a ON a.account_id = c.id
  AND a.valid_from <= $2 AND (a.valid_to IS NULL OR a.valid_to > $2)
WHERE c.id = $1 AND c.status = 'active'
ORDER BY a.role, a.area_code
"""
LOAD_MANY = """
SELECT c.id, c.login, c.name, a.role, a.area_code, a.unit_code
FROM account c
LEFT JOIN assignment a ON a.account_id = c.id
  AND a.valid_from <= $2 AND (a.valid_to IS NULL OR a.valid_to > $2)
WHERE c.id = ANY ($1::uuid[]) AND c.status = 'active'
ORDER BY c.id, a.role, a.area_code
"""
REMEMBERED = 50_000


class Subjects:
    """The callers of this process, by account id."""

    def __init__(self, db: Database, cache_seconds: float) -> None:
        self._db = db
        self._seconds = cache_seconds
        self._known: dict[UUID, tuple[float, Subject]] = {}

    async def get(self, account_id: UUID) -> Subject:
        """The active account with its grants. Raises Unauthenticated when gone or disabled."""
        known = self._known.get(account_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        subject = await self.load(account_id, clock.now())
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[account_id] = (time.monotonic() + self._seconds, subject)
        return subject

    async def load(self, account_id: UUID, now: datetime) -> Subject:
        """The account as the tables hold it at this moment. Raises Unauthenticated."""
        rows = await self._db.reads.fetch(LOAD, account_id, now)
        if not rows:
            raise Unauthenticated
        return _subject(account_id, rows, now)

    async def load_many(self, account_ids: Sequence[UUID], now: datetime) -> dict[UUID, Subject]:
        """These accounts as the tables hold them at this moment; who is gone or disabled lacks."""
        rows = await self._db.reads.fetch(LOAD_MANY, account_ids, now)
        grouped = groupby(rows, key=lambda row: cast("UUID", row["id"]))
        return {account: _subject(account, list(found), now) for account, found in grouped}

    def forget(self, account_id: UUID) -> None:
        """Load this account anew next time: its assignments were changed here."""
        self._known.pop(account_id, None)


def _subject(account_id: UUID, rows: Sequence[asyncpg.Record], now: datetime) -> Subject:
    grants = tuple(
        Grant(Role(row["role"]), row["area_code"], row["unit_code"])
        for row in rows
        if row["role"] is not None
    )
    return Subject(account_id, rows[0]["login"], rows[0]["name"], grants, now)
