"""The console in tests: clocks set by hand, and streams read as a client reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

TABLES = ("incident", "open_incident")


def set_clock(
    database_url: str,
    case: str,
    due: timedelta | None,
    *,
    amber: timedelta | None = None,
    supervise: timedelta | None = None,
) -> None:
    """Let the case be due so long from now (None: no clock runs), amber and supervised so too."""
    now = datetime.now(UTC)

    def at(offset: timedelta | None) -> datetime | None:
        return None if offset is None else now + offset

    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE open_incident SET due_at = coalesce(%s::timestamptz, 'infinity'),"
            " amber_at = %s, supervise_at = %s WHERE incident_id = %s",
            (at(due), at(amber), at(supervise), case),
        )


def give_co_units(database_url: str, case: str, units: list[str]) -> None:
    """Let these units help with the case."""
    with psycopg.connect(database_url) as connection:
        for table, key in zip(TABLES, ("id", "incident_id"), strict=True):
            connection.execute(f"UPDATE {table} SET co_units = %s WHERE {key} = %s", (units, case))


@dataclass(frozen=True)
class Told:
    """One event as a client gets it."""

    event: str
    id: str
    data: Any


@dataclass
class Listener:
    """Reads a stream in the background; `events` grows."""

    events: list[Told] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    status: int = 0
    ended: bool = False
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def last_id(self) -> str:
        """The id to resume with."""
        return next(told.id for told in reversed(self.events) if told.id)

    def steps(self, event: str = "incident") -> list[tuple[str, int]]:
        """Case and seq of each step told, in order."""
        return [(t.data["id"], t.data["seq"]) for t in self.events if t.event == event]

    async def until(self, true: Any, seconds: float = 15) -> None:
        """Wait until `true(self)`, or fail with what was told."""
        try:
            async with asyncio.timeout(seconds):
                while not true(self):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not told in {seconds} s: {self.events[-20:]}") from None


@asynccontextmanager
async def listening(
    base_url: str, token: str, last: str | None = None, **params: str
) -> AsyncIterator[Listener]:
    """A listener on the stream of a real server; it is open when this is entered."""
    heard = Listener()
    headers = {"authorization": token, **({"last-event-id": last} if last else {})}

    async def listen() -> None:
        async with (
            httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False) as client,
            client.stream("GET", "/v1/dispatch/stream", params=params, timeout=60) as answer,
        ):
            heard.status = answer.status_code
            heard.opened.set()
            await _read(answer, heard)
        heard.ended = True

    task = asyncio.create_task(listen())
    opened = asyncio.create_task(heard.opened.wait())
    try:
        await asyncio.wait({task, opened}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert heard.opened.is_set(), task
        yield heard
    finally:
        opened.cancel()
        task.cancel()
        await asyncio.gather(task, opened, return_exceptions=True)


async def _read(answer: httpx.Response, heard: Listener) -> None:
    fields: dict[str, str] = {}
    try:
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                heard.comments.append(line)
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                data = json.loads(fields.get("data", "null"))
                heard.events.append(Told(fields.get("event", ""), fields.get("id", ""), data))
                fields = {}
    except httpx.TransportError:
        return
