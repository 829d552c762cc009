"""Gathers concurrent single requests into one statement and one commit.

There is no timer: whatever arrived while the previous batch was committing is the next batch. The
queue is bounded; beyond it a request is refused with 503 and nothing is taken. If a batch
fails, its elements are retried alone, so that a bad one harms nobody else. An answer goes out
only after its commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from service.errors import AppError, Overloaded

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger()


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    item: T
    answer: asyncio.Future[R]


class Gather(Generic[T, R]):
    """Runs `work(batch) -> results` over what is waiting, at most `lanes` batches at a time.

    `work` returns one result or one exception per element, in order. Two elements that share one
    of `keys(item)` are never in one batch nor in two batches in flight; they go in their order of
    arrival. A failure for which `unknown` holds (the connection was lost, perhaps after the
    commit) is nobody's own: it is told to the whole batch and nothing is tried again here.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        limit: int,
        batch: int,
        lanes: int,
        keys: Callable[[T], tuple[Hashable, ...]],
        unknown: Callable[[Exception], bool] = lambda failure: False,
    ) -> None:
        self._work = work
        self._limit = limit
        self._batch = batch
        self._lanes = lanes
        self._keys = keys
        self._unknown = unknown
        self._queue: deque[_Waiting[T, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._starting = False
        self._held: set[Hashable] = set()
        self._closed = False

    async def submit(self, item: T) -> R:
        """The result of `item` once its batch has committed. Raises Overloaded when full."""
        return await self.enqueue(item)

    def enqueue(self, item: T) -> asyncio.Future[R]:
        """Queue `item` now, in order; the future answers after the commit."""
        if self._closed or len(self._queue) >= self._limit:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiting = _Waiting[T, R](item, loop.create_future())
        self._queue.append(waiting)
        if not self._starting and len(self._running) < self._lanes:
            # After whatever else is ready in this turn of the loop: it comes along.
            self._starting = True
            loop.call_soon(self._start)
        return waiting.answer

    async def close(self) -> None:
        """Take nothing more, finish what was taken."""
        self._closed = True
        while self._queue or self._running:
            self._start()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self) -> None:
        self._starting = False
        while self._queue and len(self._running) < self._lanes:
            batch = self._take()
            if not batch:
                return
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()

    def _take(self) -> list[_Waiting[T, R]]:
        taken: list[_Waiting[T, R]] = []
        left: deque[_Waiting[T, R]] = deque()
        passed_over: set[Hashable] = set()
        while self._queue and len(taken) < self._batch:
            waiting = self._queue.popleft()
            keys = self._keys(waiting.item)
            if self._held.isdisjoint(keys) and passed_over.isdisjoint(keys):
                self._held.update(keys)
                taken.append(waiting)
            else:
                passed_over.update(keys)
                left.append(waiting)
        left.extend(self._queue)
        self._queue = left
        return taken

    async def _run(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            results = await self._attempt(batch)
            for waiting, result in zip(batch, results, strict=True):
                if waiting.answer.done():
                    continue
                if isinstance(result, Exception):
                    waiting.answer.set_exception(result)
                else:
                    waiting.answer.set_result(result)
        finally:
            for waiting in batch:
                self._held.difference_update(self._keys(waiting.item))

    async def _attempt(self, batch: list[_Waiting[T, R]]) -> Sequence[R | Exception]:
        try:
            return await self._work([w.item for w in batch])
        except Exception as failure:  # noqa: BLE001 - any failure belongs to its elements alone
            if len(batch) == 1 or self._unknown(failure):
                return [failure] * len(batch)
            if not isinstance(failure, AppError):
                log.warning("batch_retried_alone", size=len(batch), error=repr(failure))
            alone: list[R | Exception] = []
            for waiting in batch:
                alone.extend(await self._attempt([waiting]))
            return alone
