"""The sweep over limits: finds what is due, decides, stores; any number of workers at a time.

What is due is found in the projection of open cases, by the index on the next alarm, so the cost
follows what is due. A worker locks the cases it takes and others pass over them; a decision is
stored only in the version that it was made on, in the same transaction as its events. So each is
taken exactly once, whoever dies when.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from service.db import Database
from service.errors import AppError
from service.incidents import store
from service.incidents.alarms import decide_alarms
from service.incidents.basis import Basis
from service.incidents.case import INCIDENTS, IncidentCase
from service.incidents.categories.cache import CategoryCache
from service.incidents.desk import older_categories
from service.incidents.policies.cache import ResponseCache
from service.incidents.rows import case_of
from service.kit import clock
from service.kit.case_rows import Write

BATCH = 500
LOOK_AGAIN = timedelta(hours=1)

# A case, when to look at it again, and the version that this was decided on.
Later = tuple[UUID, datetime | None, int]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: cases that were acted on, and events that were stored."""

    cases: int
    events: int


class Sweep:
    """Acts on the limits that are reached; make one for a run."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._categories = CategoryCache(db)
        self._response = ResponseCache(db)

    async def run(self, *, batch: int = BATCH) -> Swept:
        """Act on everything that is due now, batch by batch, each its own transaction."""
        cases = events = 0
        while True:
            await self._categories.current()
            await self._response.current()
            taken, writes = await self._some(batch)
            cases += len(writes)
            events += sum(len(write.events) for write in writes)
            if taken < batch:
                return Swept(cases, events)

    async def _some(self, batch: int) -> tuple[int, list[Write]]:
        """How many cases were looked at, and what was stored."""
        async with self._db.writing() as connection, connection.transaction():
            now = clock.now()
            rows = await connection.fetch(store.ALARMED, now, batch)
            cases = [case_of(row) for row in rows]
            on = Basis(
                categories=self._categories.peek(),
                response=self._response.peek(),
                now=now,
                older=await older_categories(self._categories, cases),
            )
            writes, later = _decide(cases, on)
            if later:
                await INCIDENTS.look_later(connection, later)
            stored = await _store(connection, writes, on)
        return len(rows), stored


def _decide(cases: list[IncidentCase], on: Basis) -> tuple[list[Write], list[Later]]:
    """What is to be stored, and when the other cases have to be looked at again."""
    writes: list[Write] = []
    later: list[Later] = []
    for case in cases:
        # A decision that fails half-way has counted its events already; none of them is stored.
        stored_version = case.version
        try:
            write = decide_alarms(case, on)
        except AppError as unknown:
            log.warning("alarm_postponed", incident=str(case.id), error=str(unknown))
            later.append((case.id, on.now + LOOK_AGAIN, stored_version))
            continue
        if write is None:
            later.append((case.id, case.next_alarm_at, stored_version))
        else:
            writes.append(write)
    return writes, later


async def _store(connection: asyncpg.Connection, writes: list[Write], on: Basis) -> list[Write]:
    if not writes:
        return []
    stored = await INCIDENTS.update_automatically(connection, writes, now=on.now)
    return [write for write, is_stored in zip(writes, stored, strict=True) if is_stored]
