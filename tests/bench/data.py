"""The benchmark's databases: a county with its grids, people, and a long or a short history.

They are made once, in the cluster of DATABASE_URL, and used again as long as the schema, the
county and the loader are the same. What a run adds is taken away again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import psycopg
import shapely

from geo import synthetic
from geo.data import COUNTY, resource
from geo.synthetic.geojson import PACKED
from service.kit import clock
from service.local.databases import with_database
from service.schema_version import expected_revision
from tests.bench import bulk
from tests.bench.sample import BenchError
from tests.conftest import create_database, migrate
from tests.seed import load_base_data

TEMPLATES = ("gridward_template", "gw_template")
ASKED = (
    "incident",
    "open_incident",
    "case_event",
    "grid",
    "grid_version",
    "division",
    "account",
    "assignment",
)
OPENS = 20_000
BATCHES, BATCH_SIZE = 20, 10_000
MARGIN = 0.01  # about a kilometre: positions in GCJ-02 or BD-09 stay in the county as well

Say = Callable[[str], None]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle that lies inside the county, in EPSG:4490."""

    west: float
    south: float
    east: float
    north: float

    def variables(self) -> dict[str, int]:
        """For pgbench, which draws whole numbers: ten-millionths of a degree."""
        edges = {"west": self.west, "south": self.south, "east": self.east, "north": self.north}
        return {name: round(edge * 10_000_000) for name, edge in edges.items()}


@dataclass(frozen=True)
class BenchData:
    """One database that is ready: `closed` finished cases and OPENS unfinished ones."""

    url: str
    closed: int
    rectangle: Rectangle

    def connect(self) -> psycopg.Connection:
        """A connection as the owner, each statement its own transaction."""
        return psycopg.connect(self.url, autocommit=True)

    def accounts(self, role: str) -> list[UUID]:
        """The accounts with `role`, in the order of their numbers."""
        query = (
            "SELECT bench.account(role, n) FROM (SELECT DISTINCT role, n FROM bench.person"
            " WHERE role = %s) AS p ORDER BY n"
        )
        with self.connect() as connection:
            return [row[0] for row in connection.execute(query, (role,))]

    def own_cases(
        self, first: int, last: int, *, name: str, state: str, case_id: str
    ) -> list[tuple[UUID, UUID]]:
        """Store cases numbered first to last, in their workers' grids: (case, worker) each."""
        values = {"first": first, "last": last, "name": name, "state": state, "case_id": case_id}
        with self.connect() as connection:
            text = (bulk.LOAD / "7_own_cases.sql").read_text(encoding="utf-8").format(**values)
            return connection.execute(text).fetchall()

    def restore(self) -> None:
        """Take away whatever runs added."""
        with self.connect() as connection:
            gone = connection.execute(
                "DELETE FROM incident WHERE reported_at > (SELECT built FROM bench.made)"
            )
            connection.execute(
                "DELETE FROM case_event WHERE id > (SELECT last_event FROM bench.made)"
            )
            connection.execute("TRUNCATE idempotency_record")
            if gone.rowcount:
                connection.execute("VACUUM (ANALYZE) incident, open_incident, case_event")


def server_url() -> str:
    """DATABASE_URL. Raises BenchError."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise BenchError("DATABASE_URL is not set: run the benchmark with `make bench`")
    return url


def ready(closed: int, *, fresh: bool, say: Say) -> BenchData:
    """The database with that many closed cases: the one of an earlier run, or a new one."""
    name, url = f"gridward_bench_{closed}", server_url()
    target = with_database(url, name)
    data = BenchData(target, closed, rectangle())
    if not fresh and _made(url, name, target) == _wanted(closed):
        say(f"{name}: made earlier")
        data.restore()
        return data
    say(f"{name}: making {closed:,} closed and {OPENS:,} open cases …")
    _create(url, name)
    migrate(target)
    load_base_data(target)
    base = clock.now()
    with data.connect() as connection:
        bulk.prepare(connection)
        bulk.load(connection, bulk.Amount(closed, opens=OPENS), base)
        bulk.run(
            connection,
            "6_points",
            batches=BATCHES,
            size=BATCH_SIZE,
            **vars(data.rectangle),
        )
        connection.execute(f"VACUUM (ANALYZE) {', '.join(ASKED)}")
        connection.execute(
            "CREATE TABLE bench.made AS SELECT %s::text AS wanted, now() AS built,"
            " coalesce((SELECT max(id) FROM case_event), 0) AS last_event",
            (_wanted(closed),),
        )
    return data


def rectangle() -> Rectangle:
    """A large rectangle inside the county, with a margin."""
    county = synthetic.load().county.geometry
    shapely.prepare(county)
    west, south, east, north = county.bounds
    steps = [i / 24 for i in range(25)]
    xs = [west + (east - west) * s for s in steps]
    ys = [south + (north - south) * s for s in steps]
    boxes = (
        (x1 + MARGIN, y1 + MARGIN, x2 - MARGIN, y2 - MARGIN)
        for x1 in xs
        for x2 in xs
        if x2 - x1 > 0.1
        for y1 in ys
        for y2 in ys
        if y2 - y1 > 0.1 and county.contains(shapely.box(x1, y1, x2, y2))
    )
    return Rectangle(*max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1])))


def _create(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT datname FROM pg_database WHERE datname = ANY (%s) ORDER BY 1 DESC"
        found = connection.execute(query, (list(TEMPLATES),)).fetchone()
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
    create_database(url, name, found[0] if found else "template1")


def _wanted(closed: int) -> str:
    county = hashlib.sha256(resource(PACKED).read_bytes()).hexdigest()[:16]
    return f"{expected_revision()} {COUNTY} {county} {bulk.digest()} {closed} {OPENS}"


def _made(url: str, name: str, target: str) -> str | None:
    """What the database there was made for; None without one that is complete."""
    with psycopg.connect(url) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, (name,)).fetchone() is None:
            return None
    with psycopg.connect(target) as connection:
        if connection.execute("SELECT to_regclass('bench.made')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT wanted FROM bench.made").fetchone()
        return row[0] if row else None
