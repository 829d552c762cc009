"""Processes that do nothing but sweep limits, for tests that kill them."""

from __future__ import annotations

import asyncio
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from service.config import Settings
from service.db import Database
from service.incidents.sweeping import Sweep

BATCH = 100
READY_SECONDS = 60

# Each process is forked from one that has loaded the service: a kill costs no start.
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.sweeper"])


class Sweeper:
    """A process of its own that sweeps in small batches until it is killed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: BaseProcess
        self._ready: Connection
        self.start()

    def start(self) -> None:
        """Start it; it goes its way by itself."""
        self._ready, tell = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_run, args=(self._settings, tell))
        self._process.start()
        tell.close()

    def wait_until_it_sweeps(self) -> None:
        """Return as soon as it has begun."""
        assert self._ready.poll(READY_SECONDS), "the sweeper does not begin"
        assert self._ready.recv() == "sweeping"

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self._process.kill()
        self._process.join()
        self._ready.close()


def _run(settings: Settings, ready: Connection) -> None:
    asyncio.run(_sweep(settings, ready))


async def _sweep(settings: Settings, ready: Connection) -> None:
    db = Database(settings)
    await db.open()
    sweep = Sweep(db)
    ready.send("sweeping")
    while True:
        await sweep.run(batch=BATCH)
        await asyncio.sleep(0.02)
