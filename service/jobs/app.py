"""The queue as procrastinate's App: its schema `jobs`, and this deployment's jobs as tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.jobs.tasks import Job

SCHEMA = "jobs"
UPKEEP = "upkeep"
# A failed job runs again after 2, 4, 8 … seconds; the eighth failure is the last.
ATTEMPTS = 8
WAIT_BASE_SECONDS = 2


def queue_conninfo(dsn: str) -> str:
    """`dsn` with the queue's schema as the only place where names are looked up."""
    options = str(conninfo_to_dict(dsn).get("options") or "")
    return make_conninfo(
        dsn,
        options=f"{options} -c search_path={SCHEMA}".strip(),
        application_name="gridward queue",
    )


def make_queue(dsn: str, jobs: Iterable[Job], *, connections: int = 4) -> App:
    """A queue on the database at `dsn` that knows `jobs`; the caller opens it."""
    connector = PsycopgConnector(
        conninfo=queue_conninfo(dsn), min_size=1, max_size=connections, timeout=10
    )
    queue = App(connector=connector)
    for job in jobs:
        _register(queue, job)
    return queue


def _register(queue: App, job: Job) -> None:
    async def run(context: JobContext, /, **payload: Any) -> None:
        await job.work(context.additional_context[UPKEEP], **payload)

    async def tick(context: JobContext, /, timestamp: int) -> None:
        await job.work(context.additional_context[UPKEEP])

    if job.cron is None:
        retry = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=WAIT_BASE_SECONDS)
        queue.task(name=job.name, pass_context=True, retry=retry)(run)
        return
    # A periodic job is not retried: the next tick is. While one waits, no other is added.
    task = queue.task(name=job.name, pass_context=True, queueing_lock=job.name)(tick)
    queue.periodic(cron=job.cron)(task)
