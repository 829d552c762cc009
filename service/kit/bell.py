"""Wakes whoever follows the events, in this process and in others: a hint, never the news itself.

NOTIFY takes a lock over the whole database when its transaction commits, so it has no place in the
gathered statements. The bell rings after their commits, in a statement of its own and at most
every few hundredths of a second, however much is written. A ring that is lost costs a follower its
polling interval.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from service.db import Database

CHANNEL = "gridward_events"
NOTIFY = f"SELECT pg_notify('{CHANNEL}', '')"
PAUSE_SECONDS = 0.03

log = structlog.get_logger()


class Bell:
    """Tells the followers of events that there are new ones."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ring(self) -> None:
        """Say that something was committed; costs nothing while a ring is under way."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._ring())

    async def close(self) -> None:
        """Finish the ring that is under way."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ring(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._db.reads.execute(NOTIFY)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as failed:
                log.warning("bell_failed", error=repr(failed))
            await asyncio.sleep(PAUSE_SECONDS)
