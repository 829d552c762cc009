"""Runs the worker until it is told to stop, and then lets running jobs end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException

from service.config import Settings
from service.jobs.app import UPKEEP, make_queue
from service.jobs.tasks import jobs
from service.jobs.upkeep import upkeep_for

GRACE_SECONDS = 20.0

log = structlog.get_logger()


class WorkerStopped(Exception):
    """The worker ended although nobody asked it to: it lost the database."""


async def run_worker(settings: Settings, *, concurrency: int = 2) -> None:
    """Run jobs until SIGINT or SIGTERM; running ones get 20 seconds to end, then run again later.

    Raises WorkerStopped when the database goes away.
    """
    queue = make_queue(settings.dsn, jobs(settings), connections=concurrency + 2)
    async with queue.open_async(), upkeep_for(settings, queue) as upkeep:
        worker = asyncio.create_task(
            queue.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE_SECONDS,
                delete_jobs="successful",
                additional_context={UPKEEP: upkeep},
                worker_middleware=[_logged],
            )
        )
        with _stopped_by_signals(worker) as told:
            log.info("worker_started", concurrency=concurrency, jobs=sorted(queue.tasks))
            with contextlib.suppress(asyncio.CancelledError, ConnectorException):
                await worker
        if not told.is_set():
            raise WorkerStopped("the worker lost the database")
        log.info("worker_stopped")


@contextlib.contextmanager
def _stopped_by_signals(worker: asyncio.Task[None]) -> Iterator[asyncio.Event]:
    """SIGINT and SIGTERM stop the worker gently; whether one has come."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def stop() -> None:
        told.set()
        log.info("worker_stopping")
        worker.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _logged(
    process: Callable[[], Awaitable[Any]], context: JobContext, _worker: object
) -> Any:
    """Log a job by name and id, never by its payload, with the time that it took."""
    started = time.perf_counter()
    with structlog.contextvars.bound_contextvars(task=context.job.task_name, job_id=context.job.id):
        result = await process()
        log.info("job_done", ms=round((time.perf_counter() - started) * 1000, 1))
        return result
