"""The house's own periodic work: checkpoints, replays that are too old, the queue itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import asyncpg
import psycopg
import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from service.config import Settings
from service.db import Database, Session
from service.kit import clock
from service.kit.audit import Checkpoint, WritersStillRunning, make_checkpoint

BATCH = 5_000
KEEP_FAILED_HOURS = 30 * 24
STATEMENT_TIMEOUT_MS = 60_000
OWNER_CONNECTIONS = 4

OLD_REPLAYS = """
DELETE FROM idempotency_record WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM idempotency_record WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a job may use: settings, the queue, the service's pools, and one of the owner.

    `db` is under row-level security like the service itself. `owner` sees all rows, as cleaning
    up and counting need; nothing that a caller sent runs under it.
    """

    settings: Settings
    queue: App
    db: Database
    owner: asyncpg.Pool


@asynccontextmanager
async def upkeep_for(settings: Settings, queue: App) -> AsyncIterator[Upkeep]:
    """Open what jobs use, and close it. Raises OSError or asyncpg errors without a server."""
    db = Database(settings)
    await db.open()
    try:
        owner = await asyncpg.create_pool(
            settings.dsn,
            min_size=1,
            max_size=OWNER_CONNECTIONS,
            server_settings={
                "application_name": "gridward worker",
                "timezone": "UTC",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(settings.lock_timeout_ms),
            },
        )
        try:
            yield Upkeep(settings, queue, db, owner)
        finally:
            await owner.close()
    finally:
        await db.close()


async def make_audit_checkpoint(upkeep: Upkeep) -> None:
    """Chain a digest over the new events; its log line is the anchor outside the database."""
    try:
        made = await asyncio.to_thread(_checkpoint, upkeep.settings.dsn)
    except WritersStillRunning as waiting:
        log.warning("audit_checkpoint_postponed", reason=str(waiting))
        return
    if made is not None:
        log.info("audit_checkpoint", checkpoint=made.id, up_to_event_id=made.up_to_event_id,
                 events=made.event_count, digest=made.digest.hex())  # fmt: skip


def _checkpoint(dsn: str) -> Checkpoint | None:
    with psycopg.connect(dsn, application_name="gridward audit") as connection:
        return make_checkpoint(connection, clock.now())


class Purge(Protocol):
    """Deletes at most `most` rows that are over at `now`; how many. It does not commit."""

    def __call__(self, session: Session, now: datetime, *, most: int) -> Awaitable[int]: ...


async def purge(upkeep: Upkeep, what: str, some: Purge) -> int:
    """Run `some` batch by batch, each its own transaction, until nothing is left; how many."""
    total, removed = 0, BATCH
    while removed == BATCH:
        async with upkeep.db.session(None) as session:
            removed = await some(session, clock.now(), most=BATCH)
            await session.commit()
        total += removed
    if total:
        log.info("purged", what=what, rows=total)
    return total


async def purge_replays(upkeep: Upkeep) -> None:
    """Forget first answers older than the promised days, a bounded batch a transaction."""
    oldest = clock.now() - timedelta(days=upkeep.settings.idempotency_days)
    total, removed = 0, BATCH
    while removed == BATCH:
        answer: str = await upkeep.owner.execute(OLD_REPLAYS, oldest, BATCH)
        removed = int(answer.rpartition(" ")[2])
        total += removed
    if total:
        log.info("purged", what="idempotency_record", rows=total)


async def rescue_jobs(upkeep: Upkeep) -> None:
    """Put jobs of workers that died back into the queue."""
    manager = upkeep.queue.job_manager
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
            log.warning("job_rescued", task=job.task_name, job_id=job.id)
        except ConnectorException:
            # The same work already waits in a newer job, or somebody else was faster.
            await _give_up(upkeep.queue, job.id)


async def _give_up(queue: App, job_id: int | None) -> None:
    assert job_id is not None
    try:
        await queue.job_manager.finish_job_by_id_async(
            job_id=job_id, status=Status.FAILED, delete_job=True
        )
    except ConnectorException:
        log.info("job_rescued_elsewhere", job_id=job_id)


async def forget_failed_jobs(upkeep: Upkeep) -> None:
    """Delete jobs that ended badly a month ago; good ones are deleted when they end."""
    await upkeep.queue.job_manager.delete_old_jobs(
        nb_hours=KEEP_FAILED_HOURS,
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )
