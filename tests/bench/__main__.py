"""`python -m tests.bench`: the service and the same work in plain SQL, in turn, in one run."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from service.config import ROOT
from service.kit import clock
from tests.bench import (
    data,
    figures,
    history,
    loadgen,
    machine,
    queueing,
    reading,
    streaming,
    sweeping,
    writing,
)
from tests.bench.measure import Bench, Measure
from tests.bench.outcome import Outcome, outcome_of, show, show_machine
from tests.bench.sample import BenchError, Sample
from tests.bench.server import serving

LOCAL = ROOT / ".local"
SHORT = 10_000
WARM_SECONDS = 1.0
LOCK = 511_723
# Those that only read come first: they find the data as it was made.
MEASURES: dict[str, Callable[[Bench], Measure] | None] = {
    "locate": reading.locate,
    "batch": reading.batch,
    "list": reading.page,
    "queue": queueing.queue,
    "history": None,
    "indicators": figures.year,
    "act": writing.act,
    "report": writing.report,
    "sweep": sweeping.sweep,
}
# Takes longer than a minute, and is asked for by name: `--only stream`.
STREAM, STREAM_SECONDS = "stream", 60.0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = ",".join(MEASURES)
    parser.add_argument("--only", default=names, help=f"some of {names}, or {STREAM}")
    parser.add_argument("--seconds", type=float, default=6, help="length of each run")
    parser.add_argument("--rounds", type=int, default=3, help="how often the sides take turns")
    parser.add_argument("--connections", default="", help="instead of the usual ones: 1,16,64")
    parser.add_argument("--incidents", type=int, default=1_000_000, help="finished cases")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service")
    parser.add_argument("--client", choices=("wrk", "python"), default=loadgen.default_client())
    parser.add_argument("--fresh", action="store_true", help="make the data anew")
    parser.add_argument("--quick", action="store_true", help="100,000 cases, short runs")
    parser.add_argument("--output", type=Path, default=LOCAL / "bench.json")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seconds, options.rounds, options.incidents = 2, 1, 100_000
    options.only = [name.strip() for name in options.only.split(",")]
    if unknown := [name for name in options.only if name not in (*MEASURES, STREAM)]:
        parser.error(f"unknown measurement: {', '.join(unknown)}; there are {names}")
    options.connections = [int(c) for c in options.connections.split(",") if c] or None
    return options


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns 1 when a run failed. Aims that are not met do not fail it."""
    options = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    # Leave through the blocks that end the service and take away what was added.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with _alone():
            _run(options, console)
    except BenchError as failed:
        console.print(f"FAILED: {failed}", style="bold red", markup=False, highlight=False)
        return 1
    return 0


def _run(options: argparse.Namespace, console: Console) -> None:
    started = time.monotonic()
    with ExitStack() as stack:
        say = console.print
        made = data.ready(options.incidents, fresh=options.fresh, say=say)
        stack.callback(made.restore)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridward-bench-")))
        with made.connect() as connection:
            facts = machine.facts(connection, options.client)
        show_machine(console, facts)
        server = stack.enter_context(serving(made.url, workers=options.workers))
        bench = Bench(made, server, folder, options.client, options.connections)
        outcomes = []
        for name in (n for n in MEASURES if n in options.only):
            outcomes.append(_measured(bench, name, options, say))
            show(console, outcomes[-1])
        streamed = None
        if STREAM in options.only:
            streamed = streaming.stream(bench, 10.0 if options.quick else STREAM_SECONDS)
            console.print_json(data=streamed)
    seconds = round(time.monotonic() - started)
    _write(options, facts, outcomes, seconds, streamed)
    console.print(f"{seconds} s; figures in {options.output}", highlight=False)


def _measured(
    bench: Bench, name: str, options: argparse.Namespace, say: Callable[[str], None]
) -> Outcome:
    make = MEASURES[name]
    if make is not None:
        return _in_turn(make(bench), options)
    short = data.ready(SHORT, fresh=options.fresh, say=say)
    with serving(short.url, workers=options.workers) as server:
        return _in_turn(history.lists(bench, short, server), options)


def _in_turn(measure: Measure, options: argparse.Namespace) -> Outcome:
    """Warm every side up, then let them take turns, so that a slow moment hits all of them."""
    samples: dict[str, list[Sample]] = {side.label: [] for side in measure.sides}
    for side in measure.sides:
        side.run(WARM_SECONDS)
    for _ in range(options.rounds):
        for side in measure.sides:
            samples[side.label].append(side.run(options.seconds))
    return outcome_of(measure, samples)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Only one benchmark at a time on a server: two would measure, and count, each other."""
    with psycopg.connect(data.server_url(), autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row != (True,):
            raise BenchError("another benchmark is running on this server")
        yield


def _write(
    options: argparse.Namespace,
    facts: dict[str, Any],
    outcomes: list[Outcome],
    seconds: int,
    streamed: dict[str, Any] | None,
) -> None:
    found = {
        "measured_at": clock.iso(clock.now()),
        "took_seconds": seconds,
        "incidents": {"closed": options.incidents, "open": data.OPENS, "short_history": SHORT},
        "workers": options.workers,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "machine": facts,
        "measurements": [outcome.as_json() for outcome in outcomes],
        "stream": streamed,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
