"""What is measured: sides that take turns, and what one is to be of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.bench import loadgen, pgbench, wire
from tests.bench.data import BenchData
from tests.bench.sample import BenchError, Sample
from tests.bench.server import Server

Run = Callable[[float], Sample]


@dataclass(frozen=True)
class Side:
    """One way to do the work: plain SQL, or the service with so many connections."""

    label: str
    connections: int
    run: Run
    is_service: bool


@dataclass(frozen=True)
class Aim:
    """What `side` should reach: `least` times the rate of `limit`, or units a second without it.

    With `most_change` the time for a request may differ from that of `limit` by that share.
    """

    side: str
    limit: str | None = None
    least: float | None = None
    most_change: float | None = None


@dataclass(frozen=True)
class Measure:
    """One row of sides that do the same work."""

    name: str
    title: str
    unit: str
    sides: list[Side]
    aims: list[Aim]
    notes: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """What the measurements need: a database, the service on it, a client, a place for files."""

    data: BenchData
    server: Server
    folder: Path
    client: str
    connections: list[int] | None
    random: Random = field(default_factory=lambda: Random(511723))

    def chosen(self, *usual: int) -> list[int]:
        """The numbers of connections to measure: the usual ones, unless others were asked for."""
        return self.connections or list(usual)

    def sql(self, label: str, script: pgbench.Script) -> Side:
        """Plain SQL, 8 clients."""
        return Side(
            label,
            pgbench.CLIENTS,
            lambda seconds: pgbench.run(self.data.url, script, seconds),
            is_service=False,
        )

    def replay(
        self,
        requests: Callable[[float], Iterable[bytes]],
        connections: int,
        *,
        once: bool,
        server: Server | None = None,
    ) -> Run:
        """A run of the service: `requests` for so many seconds are made before the clock runs."""
        path = self.folder / "requests"
        target = server or self.server

        def run(seconds: float) -> Sample:
            wire.write(path, requests(seconds))
            return loadgen.run(
                target.port,
                path,
                connections=connections,
                seconds=seconds,
                client=self.client,
                once=once,
            )

        return run

    def count(self, query: str) -> int:
        """One number from the database."""
        with self.data.connect() as connection:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

    def kept(self, run: Run, query: str, connections: int) -> Run:
        """`run`, after which `query` must count one row more for every answered request.

        Requests that were under way when the clock stopped may be stored as well.
        """

        def checked(seconds: float) -> Sample:
            before = self.count(query)
            sample = run(seconds)
            stored = self.count(query) - before
            if not sample.requests <= stored <= sample.requests + connections:
                raise BenchError(f"{sample.requests} requests answered, but {stored} stored")
            return sample

        return checked


def per_request(run: Run, units: int) -> Run:
    """`run` with its rate in units instead of requests."""
    return lambda seconds: run(seconds).times(units)
