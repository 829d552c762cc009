"""Jobs exist exactly when the change that asked for them does, and run once a tick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import psycopg
import pytest
from croniter import croniter
from procrastinate import App
from procrastinate.periodic import PeriodicDeferrer

from service.config import Settings
from service.db import Database
from service.jobs.app import UPKEEP, make_queue
from service.jobs.enqueue import enqueue
from service.jobs.tasks import Job, every, jobs
from service.jobs.upkeep import BATCH, Upkeep, purge_replays, rescue_jobs, upkeep_for
from service.kit import clock
from service.kit.ids import uuid7
from tests.flows.chains import Chain, Rows, incident

WAITING = "SELECT task_name, args FROM jobs.procrastinate_jobs WHERE status = 'todo' ORDER BY id"


@pytest.fixture(scope="module")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The service's pools."""
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def owner(database_url: str) -> Iterator[Rows]:
    """The owner's connection, with an empty queue."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE jobs.procrastinate_jobs CASCADE")
        connection.execute("TRUNCATE audit_checkpoint")
        yield connection


def waiting(connection: Rows) -> list[tuple[Any, ...]]:
    """The name and the payload of each waiting job."""
    return connection.execute(WAITING).fetchall()


@asynccontextmanager
async def opened_queue(settings: Settings, *known: Job) -> AsyncIterator[App]:
    """An open queue that knows these jobs, or all of the product's."""
    queue = make_queue(settings.dsn, known or jobs(settings))
    async with queue.open_async():
        yield queue


async def work_off(queue: App, upkeep: Upkeep | None = None) -> None:
    """Run what is waiting, then stop."""
    await queue.run_worker_async(
        wait=False, install_signal_handlers=False, listen_notify=False,
        delete_jobs="successful", additional_context={UPKEEP: upkeep},
    )  # fmt: skip


async def test_a_job_of_a_session_is_there_after_the_commit(db: Database, owner: Rows) -> None:
    async with db.session(uuid7()) as session:
        assert await enqueue(session, "tell", {"id": "文", "n": 1}) is not None
        assert waiting(owner) == []
        await session.commit()
    assert waiting(owner) == [("tell", {"id": "文", "n": 1})]


async def test_a_rollback_leaves_no_job(db: Database, owner: Rows) -> None:
    async with db.session(None) as session:
        await enqueue(session, "tell")
        await session.rollback()
    for pool in (db.reads, db.writes):
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await enqueue(connection, "tell")
            await transaction.rollback()
    assert waiting(owner) == []


async def test_a_gathered_write_enqueues_on_its_own_connection(db: Database, owner: Rows) -> None:
    async with db.writes.acquire() as connection, connection.transaction():
        await enqueue(connection, "tell", {"id": 1}, queue="notices")
        await enqueue(connection, "tell", {"id": 2}, run_at=clock.now() + timedelta(hours=1))
    assert [payload["id"] for _, payload in waiting(owner)] == [1, 2]


async def test_work_that_already_waits_is_not_queued_twice(db: Database, owner: Rows) -> None:
    async with db.session(None) as session:
        assert await enqueue(session, "refresh", unique="tiles") is not None
        assert await enqueue(session, "refresh", unique="tiles") is None
        assert await enqueue(session, "refresh", unique="other tiles") is not None
        await session.commit()
    assert len(waiting(owner)) == 2


async def test_the_roles_of_the_service_see_nothing_of_the_queue(db: Database) -> None:
    for pool in (db.reads, db.writes):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.fetch("SELECT * FROM jobs.procrastinate_jobs")


async def test_a_worker_runs_an_enqueued_job_with_its_payload(
    settings: Settings, db: Database, owner: Rows
) -> None:
    told = []

    async def tell(upkeep: object, **payload: Any) -> None:
        told.append((upkeep, payload))

    async with db.session(None) as session:
        await enqueue(session, "tell", {"id": 7})
        await enqueue(session, "tell", {"id": 8}, run_at=clock.now() + timedelta(hours=1))
        await session.commit()
    async with opened_queue(settings, Job("tell", tell)) as queue:
        await work_off(queue)
    assert told == [(None, {"id": 7})]
    assert [payload["id"] for _, payload in waiting(owner)] == [8]


async def test_a_job_that_fails_is_tried_again_later(
    settings: Settings, db: Database, owner: Rows
) -> None:
    async def fail(_upkeep: object) -> None:
        raise ValueError("not today")

    async with db.session(None) as session:
        await enqueue(session, "fail")
        await session.commit()
    async with opened_queue(settings, Job("fail", fail)) as queue:
        await work_off(queue)
    left = owner.execute(
        "SELECT status::text, attempts, scheduled_at > now() FROM jobs.procrastinate_jobs"
    ).fetchall()
    assert left == [("todo", 1, True)]


async def test_two_workers_make_one_checkpoint_a_tick(settings: Settings, owner: Rows) -> None:
    incident(owner)
    tick = time.time() // 300 * 300
    job = next(j for j in jobs(settings) if j.name == "audit.checkpoint")
    runs = []

    async def counted(upkeep: Upkeep) -> None:
        runs.append(1)
        await job.work(upkeep)

    known = Job(job.name, counted, job.cron)
    async with (
        opened_queue(settings, known) as one,
        opened_queue(settings, known) as two,
        upkeep_for(settings, one) as upkeep,
    ):
        for _ in range(2):
            deferrers = [PeriodicDeferrer(registry=q.periodic_registry) for q in (one, two)]
            await asyncio.gather(
                *(d.defer_jobs(d.get_previous_tasks(at=tick + 1)) for d in deferrers)
            )
            await asyncio.gather(work_off(one, upkeep), work_off(two, upkeep))
            Chain(owner).append()
    assert len(runs) == 1
    assert owner.execute("SELECT count(*) FROM audit_checkpoint").fetchone() == (1,)


async def test_two_makers_at_the_same_time_make_one_chain(settings: Settings, owner: Rows) -> None:
    Chain(owner).append()
    job = next(j for j in jobs(settings) if j.name == "audit.checkpoint")
    async with opened_queue(settings) as queue, upkeep_for(settings, queue) as upkeep:
        await asyncio.gather(*(job.work(upkeep) for _ in range(4)))
    assert owner.execute("SELECT count(*) FROM audit_checkpoint").fetchone() == (1,)


async def test_every_job_of_the_house_runs(settings: Settings, owner: Rows) -> None:
    async with opened_queue(settings) as queue, upkeep_for(settings, queue) as upkeep:
        for job in jobs(settings):
            assert job.name in queue.tasks
            await job.work(upkeep)


async def test_old_replays_are_forgotten_in_batches_and_recent_ones_kept(
    settings: Settings, owner: Rows
) -> None:
    owner.execute(
        "INSERT INTO idempotency_record (actor_id, key, request_hash, status, body, created_at)"
        " SELECT %s, n::text, '', 200, '{}', now() - make_interval(days => CASE"
        " WHEN n > %s THEN %s ELSE %s END) FROM generate_series(1, %s) n",
        (uuid7(), BATCH + 10, settings.idempotency_days - 1, settings.idempotency_days + 1,
         BATCH + 13),
    )  # fmt: skip
    async with opened_queue(settings) as queue, upkeep_for(settings, queue) as upkeep:
        await purge_replays(upkeep)
    assert owner.execute("SELECT count(*) FROM idempotency_record").fetchone() == (3,)


async def test_jobs_of_a_worker_that_died_go_back_into_the_queue(
    settings: Settings, owner: Rows
) -> None:
    stalled = (
        "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, status, queueing_lock)"
        " VALUES ('default', %s, 'doing', %s)"
    )
    with owner.transaction():
        owner.execute("SET LOCAL search_path = jobs")
        owner.execute(stalled, ("lost", None))
        owner.execute(stalled, ("lost twice", "lost twice"))
        owner.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock)"
            " VALUES ('default', 'lost twice', 'lost twice')"
        )
    async with opened_queue(settings) as queue, upkeep_for(settings, queue) as upkeep:
        await rescue_jobs(upkeep)
    assert sorted(name for name, _ in waiting(owner)) == ["lost", "lost twice"]
    assert owner.execute("SELECT count(*) FROM jobs.procrastinate_jobs").fetchone() == (2,)


@pytest.mark.parametrize("minutes", [1, 2, 5, 7, 30, 59, 60, 61, 90, 180, 719, 1439, 1440, 10_000])
def test_a_schedule_never_leaves_more_minutes_than_asked(minutes: int) -> None:
    ticks = croniter(every(minutes), 0)
    times = [ticks.get_next(float) for _ in range(200)]
    longest = max(later - earlier for earlier, later in pairwise([0.0, *times]))
    assert longest <= min(minutes, 1440) * 60
