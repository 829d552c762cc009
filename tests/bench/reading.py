"""Lists and positions against the same questions in plain SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlencode
from uuid import UUID

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import APP_ROLE
from service.incidents.offered import RULE_COLUMNS
from service.incidents.present import incident_json
from service.incidents.store import Filters, list_query
from tests.bench import wire
from tests.bench.data import BATCH_SIZE, BATCHES
from tests.bench.measure import Aim, Bench, Measure, Side, per_request
from tests.bench.pgbench import SCRIPTS, Script
from tests.bench.sample import BenchError
from tests.bench.writing import POINT

PAGE = 50
CONNECTIONS = 16
FASTEST = 12_000
JSON_SQL, WALLED_SQL = "SQL making JSON", "the same with RLS"
POINT_SQL = "SQL point look-up"
BATCH_SQL = "SQL, 1 statement a batch"


def page(bench: Bench) -> Measure:
    """The fifty newest open cases of a township, for its dispatchers."""
    dispatchers = bench.data.accounts("township_dispatcher")
    with bench.data.connect() as connection:
        query = "SELECT area FROM bench.person WHERE role = 'township_dispatcher' ORDER BY n"
        areas = [row[0] for row in connection.execute(query)]
    quoted = ", ".join(f"'{area}'" for area in areas)
    township = f"(ARRAY[{quoted}])[:n]"
    shared = {"townships": str(len(areas))}
    plain = {"json": incident_json(geometry=False), "columns": RULE_COLUMNS, "township": township}
    walled = {"statement": _statement(areas[0], township)}
    sides = [
        bench.sql(JSON_SQL, Script("list_json", shared | plain, {})),
        bench.sql(WALLED_SQL, Script("list_walls", shared | walled, {}, role=APP_ROLE)),
    ]
    tokens = [bench.server.token(a) for a in dispatchers]
    requests = [wire.get("/v1/incidents?open=true", token) for token in tokens]
    for request in requests:
        status, body = bench.server.send(request)
        if status != 200 or len(json.loads(body)["items"]) != PAGE:
            raise BenchError(f"a list was answered {status}: {body[:500]!r}")
    for connections in bench.chosen(CONNECTIONS):
        run = bench.replay(lambda _seconds: requests, connections, once=False)
        sides.append(Side(f"service, {connections}", connections, run, is_service=True))
    aim = Aim(f"service, {CONNECTIONS}", JSON_SQL, 0.2)
    return Measure("list", "Page of 50 newest open cases of a township", "pages", sides, [aim])


def _statement(area: str, township: str) -> str:
    """The service's own statement for a township's dispatcher, its parameters drawn by pgbench."""
    grants = (Grant(Role.TOWNSHIP_DISPATCHER, area),)
    subject = Subject(UUID(int=0), "", "", grants, datetime.now(UTC))
    found = list_query(subject, Filters(open_only=True), None, PAGE + 1)
    if found is None or found[1] != [area, PAGE + 1]:
        raise BenchError("the list's statement has other parameters than the benchmark knows")
    values = ["md5('township_dispatcher ' || :n)::uuid::text", township, str(PAGE + 1)]
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], found[0])


def locate(bench: Bench) -> Measure:
    """Which grid is at one position."""
    variables = bench.data.rectangle.variables()
    sides = [bench.sql(POINT_SQL, Script("locate_one", {"point": POINT}, variables))]
    tokens = [bench.server.token(a) for a in bench.data.accounts("grid_worker")]

    def requests(seconds: float) -> Iterator[bytes]:
        edges, random = bench.data.rectangle, bench.random
        for n in range(round(seconds * FASTEST)):
            where = {
                "lon": f"{random.uniform(edges.west, edges.east):.7f}",
                "lat": f"{random.uniform(edges.south, edges.north):.7f}",
                "crs": "wgs84",
            }
            yield wire.get(f"/v1/grids/locate?{urlencode(where)}", tokens[n % len(tokens)])

    for request in islice(requests(1), 5):
        status, body = bench.server.send(request)
        if status != 200 or not re.search(rb'"511723\d{9}"', body):
            raise BenchError(f"a position was answered {status}: {body[:500]!r}")
    for connections in bench.chosen(CONNECTIONS):
        run = bench.replay(requests, connections, once=False)
        sides.append(Side(f"service, {connections}", connections, run, is_service=True))
    return Measure("locate", "Locate one position", "positions", sides, [])


def batch(bench: Bench) -> Measure:
    """Which grids are at ten thousand positions."""
    script = Script("locate_batch", {}, {"batches": BATCHES})
    sql = bench.sql(BATCH_SQL, script)
    sides = [Side(sql.label, sql.connections, per_request(sql.run, BATCH_SIZE), is_service=False)]
    requests = _batches(bench)
    status, body = bench.server.send(requests[0])
    if status != 200 or _codes(body) != _codes_by_sql(bench):
        raise BenchError(f"a batch was answered {status}, or not as by SQL: {body[:500]!r}")
    for connections in bench.chosen(4):
        run = per_request(bench.replay(lambda _s: requests, connections, once=False), BATCH_SIZE)
        sides.append(Side(f"service, {connections}", connections, run, is_service=True))
    aims = [Aim(f"service, {c}", least=50_000) for c in bench.chosen(4)]
    return Measure("batch", "Locate a batch of 10,000", "positions", sides, aims)


def _codes(body: bytes) -> list[str]:
    return [item["code"] for item in json.loads(body)["items"]]


def _codes_by_sql(bench: Bench) -> list[str]:
    """The grids of the first batch, by the statement that pgbench runs."""
    text = (SCRIPTS / "locate_batch.sql").read_text(encoding="utf-8")
    statement = text.partition("\n")[2].replace(":batch", "0")
    with bench.data.connect() as connection:
        return [row[2] for row in connection.execute(statement)]


def _batches(bench: Bench) -> list[bytes]:
    tokens = [bench.server.token(a) for a in bench.data.accounts("grid_worker")]
    with bench.data.connect() as connection:
        query = "SELECT lon, lat FROM bench.point WHERE batch = %s ORDER BY n"
        batches = [connection.execute(query, (n,)).fetchall() for n in range(BATCHES)]
    bodies = ({"crs": "wgs84", "points": [[x, y] for x, y in points]} for points in batches)
    return [
        wire.post("/v1/grids/locate", tokens[n % len(tokens)], json.dumps(body))
        for n, body in enumerate(bodies)
    ]
