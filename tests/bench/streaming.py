"""Five hundred consoles and fifty reports a second: nothing missed, nothing twice, how late."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.bench import wire
from tests.bench.measure import Bench
from tests.bench.sample import BenchError
from tests.bench.writing import reports

# Accounts share their consoles: of each role so many, as a county's might be.
CONSOLES = {
    "village_dispatcher": 300, "township_dispatcher": 150, "county_dispatcher": 30,
    "grid_worker": 20,
}  # fmt: skip
PER_SECOND = 50
SENDERS = 8
LATEST_SECONDS = 15
CASE = re.compile(rb'^data: \{"id":"([0-9a-f-]{36})".*"seq":(\d+),', re.DOTALL)


@dataclass
class Watched:
    """One console: what areas it covers and when it was told of which case."""

    areas: tuple[str, ...]
    request: bytes
    told: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def concerns(self, grid: str) -> bool:
        return grid.startswith(self.areas)


@dataclass
class Sent:
    """The reports: when each was sent and answered, and its grid."""

    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    grids: dict[str, str] = field(default_factory=dict)


def stream(bench: Bench, seconds: float) -> dict[str, Any]:
    """The figures as JSON. Raises BenchError when an event was missed or told twice."""
    consoles = _consoles(bench)
    sent = asyncio.run(_run(bench, consoles, seconds))
    expected = [
        (console, case)
        for console in consoles
        for case, grid in sent.grids.items()
        if console.concerns(grid)
    ]
    missed = sum(1 for console, case in expected if not console.told.get(case))
    doubled = sum(1 for c in consoles for times in c.told.values() if len(times) > 1)
    strange = sum(
        1 for c in consoles for case in c.told if not c.concerns(sent.grids.get(case, "?"))
    )
    lags = [
        (console.told[case][0] - sent.sent[case]) * 1000
        for console, case in expected
        if console.told.get(case)
    ]
    if missed or doubled or strange:
        raise BenchError(f"{missed} events missed, {doubled} told twice, {strange} out of scope")
    answers = [(sent.answered[c] - sent.sent[c]) * 1000 for c in sent.answered]
    return {
        "consoles": len(consoles),
        "reports": len(sent.grids),
        "reports_per_second": round(len(sent.grids) / seconds, 1),
        "deliveries": len(lags),
        "missed": missed,
        "doubled": doubled,
        "lag_ms": _percentiles(lags),
        "report_ms": _percentiles(answers),
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(np.asarray(values), [50, 99])
    return {"p50": round(p50, 1), "p99": round(p99, 1), "max": round(max(values), 1)}


def _consoles(bench: Bench) -> list[Watched]:
    found = []
    for role, many in CONSOLES.items():
        accounts = bench.data.accounts(role)
        with bench.data.connect() as connection:
            rows = connection.execute(
                "SELECT n, array_agg(area) FROM bench.person WHERE role = %s GROUP BY n ORDER BY n",
                (role,),
            ).fetchall()
        for n in range(many):
            token = bench.server.token(accounts[n % len(accounts)])
            areas = tuple(rows[n % len(rows)][1])
            found.append(Watched(areas, wire.get("/v1/dispatch/stream", token)))
    return found


async def _run(bench: Bench, consoles: list[Watched], seconds: float) -> Sent:
    opened = [asyncio.Event() for _ in consoles]
    watching = [
        asyncio.create_task(_watch(bench.server.port, console, event))
        for console, event in zip(consoles, opened, strict=True)
    ]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in opened)), 30)
    sent = Sent()
    await _report(bench, sent, seconds)
    until = time.perf_counter() + LATEST_SECONDS
    while time.perf_counter() < until and not _complete(consoles, sent):
        await asyncio.sleep(0.2)
    for task in watching:
        if task.done():
            raise BenchError(f"a stream ended: {task.exception()!r}")
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return sent


def _complete(consoles: list[Watched], sent: Sent) -> bool:
    county = next(c for c in consoles if len(c.areas[0]) == 6)
    return all(case in county.told for case in sent.grids)


async def _watch(port: int, console: Watched, opened: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(console.request)
        status = await reader.readline()
        if b" 200 " not in status:
            raise BenchError(f"a stream was answered {status!r}")
        while line := await reader.readline():
            if line == b"event: ready\n":
                opened.set()
            elif (case := CASE.match(line)) and case[2] == b"1":
                console.told[case[1].decode()].append(time.perf_counter())
        raise BenchError("a stream was closed")
    finally:
        writer.close()


async def _report(bench: Bench, sent: Sent, seconds: float) -> None:
    """Send reports at an even rate, whatever the answers take."""
    tokens = [bench.server.token(a) for a in bench.data.accounts("grid_worker")]
    many = round(seconds * PER_SECOND)
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    began = time.perf_counter() + 0.2
    for n, request in enumerate(reports(bench, tokens, many)):
        waiting.put_nowait((began + n / PER_SECOND, request))
    await asyncio.gather(*(_sender(bench.server.port, waiting, sent) for _ in range(SENDERS)))


async def _sender(port: int, waiting: asyncio.Queue[tuple[float, bytes]], sent: Sent) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while not waiting.empty():
            due, request = waiting.get_nowait()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            at = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if b" 201 " not in head.split(b"\r\n", 1)[0] or length is None:
                raise BenchError(f"a report was answered {head!r}")
            case = json.loads(await reader.readexactly(int(length[1])))
            sent.sent[case["id"]], sent.answered[case["id"]] = at, time.perf_counter()
            sent.grids[case["id"]] = case["grid_code"]
    finally:
        writer.close()
