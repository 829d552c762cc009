"""Follows the events once a process and feeds all its consoles.

The order is that of commits: by transaction, up to the oldest transaction still running. A long
transaction anywhere on the server therefore holds events back until it ends; it never makes one
be missed. NOTIFY only wakes the reader (see `service.kit.bell`); it looks by itself as well.
No console holds a session, a connection or a cursor of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog
from prometheus_client import Gauge
from starlette.datastructures import State

from service.auth.guards import Visit
from service.auth.permissions import Permission
from service.auth.subjects import Subjects
from service.config import Settings
from service.db import Database
from service.dispatch import store
from service.dispatch.errors import EventIdFromFuture
from service.dispatch.stream.consoles import Console, Consoles
from service.dispatch.stream.history import History
from service.dispatch.stream.ids import EventIds, Place
from service.errors import Forbidden, Overloaded, Unavailable
from service.kit import clock
from service.kit.bell import CHANNEL

BATCH = 1_000
POLL_SECONDS = 0.5
# What is written within it goes out together: the more there was to send, the longer, so that
# hundreds of consoles that all hear everything leave the process time for its other work.
GATHER_SECONDS, MOST_GATHER_SECONDS = 0.02, 0.25
FRAMES_PER_SECOND = 5_000
RETRY_SECONDS = 1.0
START_SECONDS = 10.0
# How soon a revoked assignment ends what a console gets.
SWEEP_SECONDS = 2.0
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
        TimeoutError)  # fmt: skip

OPEN = Gauge("gridward_consoles", "Consoles that follow the events")
log = structlog.get_logger()


class Hub:
    """The process's reader of events, with its consoles. It starts with the first console."""

    def __init__(self, db: Database, subjects: Subjects, settings: Settings) -> None:
        self._db = db
        self._subjects = subjects
        self._limit = settings.stream_consoles
        self._size = settings.stream_replay
        self.ids = EventIds(settings.signing_secret)
        self._history = History(self.ids, self._size)
        self._consoles = Consoles()
        self._read = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def admit(self, who: Visit, last_event_id: str | None) -> Console:
        """A console for `who`, to be opened where it stopped.

        Raises Forbidden, Overloaded, Unavailable, BadEventId, EventIdFromFuture.
        """
        if not who.subject.has(Permission.INCIDENT_READ):
            raise Forbidden
        if len(self._consoles) >= self._limit:
            raise Overloaded
        account = who.subject.account_id
        after = self.ids.read(last_event_id, account) if last_event_id else None
        self._start()
        try:
            await asyncio.wait_for(self._read.wait(), START_SECONDS)
        except TimeoutError:
            raise Unavailable from None
        if after is not None and after > self._history.position:
            # Another process may have been ahead of this one, but not of the database.
            horizon = int(await self._db.reads.fetchval(store.HORIZON))
            if after.xact >= horizon:
                raise EventIdFromFuture(pointer="/Last-Event-ID")
        return Console(who.subject, self.ids.owner(account), after or self._history.position)

    @asynccontextmanager
    async def opened(self, console: Console, ends: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The stream of an admitted console, until its token ends (epoch seconds)."""
        console.open_with(self._opening(console))
        self._consoles.add(console)
        OPEN.inc()
        loop = asyncio.get_running_loop()
        left = max(0.0, ends - clock.now().timestamp())
        expiry = loop.call_later(left, console.end, "token_expired")
        try:
            yield console.chunks()
        finally:
            expiry.cancel()
            self._consoles.remove(console)
            OPEN.dec()

    async def close(self) -> None:
        """Say farewell to every console and stop."""
        self.say_farewell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say_farewell(self) -> None:
        """End every stream: the service stops."""
        for console in self._consoles:
            console.end("closing")

    def _opening(self, console: Console) -> list[bytes]:
        """The first frames: where the stream begins, and what came since it stopped."""
        history, after = self._history, console.after
        if after < history.floor:
            console.after = history.position
            told = b'{"reason":"too_old","kept":%d}' % self._size
            return [_frame(b"reset", self._id(console, history.position), told)]
        ready = _frame(b"ready", self._id(console, after), b"{}")
        return [ready, *console.frames_of(history.after(after))]

    def _id(self, console: Console, place: Place) -> bytes:
        return b"%b.%b" % (self.ids.shared(place), console.owner)

    def _start(self) -> None:
        if not self._tasks:
            for work in (self._follow(), self._sweep()):
                self._tasks.append(asyncio.get_running_loop().create_task(_logged(work)))

    async def _follow(self) -> None:
        """Read events for ever; when the connection is lost, go on where it was."""
        while True:
            connection: asyncpg.Connection | None = None
            try:
                connection = await self._db.following()
                await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
                await self._read_on(connection)
            except LOST as failure:
                log.warning("stream_interrupted", error=repr(failure))
            finally:
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RETRY_SECONDS)

    async def _read_on(self, connection: asyncpg.Connection) -> None:
        if not self._read.is_set():
            self._history.begin(await connection.fetch(store.LAST_EVENTS, self._size))
            self._read.set()
        while True:
            self._wake.clear()
            frames = await self._catch_up(connection)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            pause = max(GATHER_SECONDS, frames / FRAMES_PER_SECOND)
            await asyncio.sleep(min(MOST_GATHER_SECONDS, pause))

    async def _catch_up(self, connection: asyncpg.Connection) -> int:
        """Read and pass on what there is; how many frames that made."""
        frames, many = 0, BATCH
        while many == BATCH:
            at = self._history.position
            rows = await connection.fetch(store.EVENTS_AFTER, str(at.xact), at.event, BATCH)
            frames += self._consoles.deliver(self._history.add(rows))
            many = len(rows)
        return frames

    async def _sweep(self) -> None:
        """Hold every console to what its account may read now."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._judge_anew()
            except LOST as failure:
                log.warning("stream_sweep_failed", error=repr(failure))

    async def _judge_anew(self) -> None:
        accounts = {console.subject.account_id for console in self._consoles}
        if not accounts:
            return
        found = await self._subjects.load_many(list(accounts), clock.now())
        for console in self._consoles:
            now = found.get(console.subject.account_id)
            if console.subject.account_id not in accounts:
                continue
            if now is None or not now.has(Permission.INCIDENT_READ):
                self._consoles.remove(console)
                console.end("access_revoked")
            elif now.grants != console.subject.grants:
                self._consoles.change(console, now)


def _frame(event: bytes, identity: bytes, data: bytes) -> bytes:
    return b"id: %b\nevent: %b\nretry: 2000\ndata: %b\n\n" % (identity, event, data)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("stream_failed")
        raise


@asynccontextmanager
async def streaming(state: State) -> AsyncIterator[None]:
    """`state.stream` for as long as the application runs."""
    state.stream = hub = Hub(state.db, state.subjects, state.settings)
    try:
        yield
    finally:
        await hub.close()
