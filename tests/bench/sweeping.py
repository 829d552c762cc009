"""What a sweep over ten thousand reached limits costs, beside the same rows in plain SQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count

from service.config import Settings
from service.db import WRITER_ROLE, Database
from service.incidents.sweeping import Sweep
from tests.bench.measure import Aim, Bench, Measure, Run, Side
from tests.bench.pgbench import SCRIPTS
from tests.bench.sample import BenchError, Sample

DUE = 10_000
LEAST = 0.2
SQL_SIDE, SERVICE_SIDE = "SQL, 500 in 1 statement", "service, 1 worker"
DONE = (
    "SELECT count(*) FROM case_event WHERE id > (SELECT last_event FROM bench.made)"
    " AND action IN ('escalate', 'mark-overdue')"
)
LEFT = "SELECT count(*) FROM open_incident WHERE next_alarm_at <= now()"


def sweep(bench: Bench) -> Measure:
    """Limits that were reached, half of them of tiers that are left, each acted on once."""
    # The bulk has alarms without clocks: they are looked at once and never again.
    asyncio.run(_swept(bench.data.url))
    runs = count(1)
    sides = [
        Side(SQL_SIDE, 1, _checked(bench, lambda: _by_sql(bench), runs), is_service=False),
        Side(SERVICE_SIDE, 1, _checked(bench, lambda: _by_service(bench), runs), is_service=True),
    ]
    aims = [Aim(SERVICE_SIDE, SQL_SIDE, least=LEAST)]
    title = f"Act on {DUE:,} limits that were reached"
    notes = ["The times are those of a whole sweep: how long until the last of them is acted on."]
    return Measure("sweep", title, "events", sides, aims, notes)


def _checked(bench: Bench, work: Callable[[], float], runs: count[int]) -> Run:
    """A run that makes its own cases due, and after which each has its one event."""

    def run(_seconds: float) -> Sample:
        _make_due(bench, next(runs))
        before = bench.count(DONE)
        seconds = work()
        done, left = bench.count(DONE) - before, bench.count(LEFT)
        if (done, left) != (DUE, 0):
            raise BenchError(f"{DUE} limits were reached: {done} events, {left} still due")
        return Sample(1 / seconds, seconds * 1000, seconds * 1000, 1).times(DUE)

    return run


def _make_due(bench: Bench, run: int) -> None:
    bench.data.own_cases(
        run * DUE,
        (run + 1) * DUE - 1,
        name="DUE",
        state="assigned",
        case_id="bench.case_id(clock_timestamp(), m.n)",
    )
    with bench.data.connect() as connection:
        connection.execute((SCRIPTS / "due_cases.sql").read_text(encoding="utf-8"))
        connection.execute("ANALYZE open_incident")


def _by_sql(bench: Bench) -> float:
    """Seconds for statement after statement until nothing is due."""
    statement = (SCRIPTS / "sweep_batch.sql").read_text(encoding="utf-8")
    with bench.data.connect() as connection:
        connection.execute(f"SET ROLE {WRITER_ROLE}")
        connection.execute("SET jit = off")
        started = time.perf_counter()
        while connection.execute(statement, prepare=True).fetchone() != (0,):
            pass
        return time.perf_counter() - started


def _by_service(bench: Bench) -> float:
    return asyncio.run(_swept(bench.data.url))


async def _swept(url: str) -> float:
    """Seconds for one sweep of the service."""
    db = Database(Settings(DATABASE_URL=url))
    await db.open()
    try:
        started = time.perf_counter()
        await Sweep(db).run()
        return time.perf_counter() - started
    finally:
        await db.close()
