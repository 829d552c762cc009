"""The console's queue against the same page in plain SQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from uuid import UUID

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import APP_ROLE
from service.dispatch.store import Wanted, queue_query
from service.incidents.offered import RULE_COLUMNS
from service.incidents.present import incident_json
from tests.bench import wire
from tests.bench.measure import Aim, Bench, Measure, Side
from tests.bench.pgbench import Script
from tests.bench.reading import JSON_SQL, PAGE, WALLED_SQL
from tests.bench.sample import BenchError

CONNECTIONS = 16
TIERS = (1, 2, 3, 4)
FULL = "?" + "&".join(f"tier={tier}" for tier in TIERS)


def queue(bench: Bench) -> Measure:
    """The fifty most urgent open cases of a township; with the counts and at its own tier too."""
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
        bench.sql(JSON_SQL, Script("queue_json", shared | plain, {})),
        bench.sql(WALLED_SQL, Script("list_walls", shared | walled, {}, role=APP_ROLE)),
    ]
    tokens = [bench.server.token(account) for account in dispatchers]
    for label, path, least in (
        ("service", f"{FULL}&counts=false", PAGE), ("with counts", FULL, PAGE),
        ("own tier", "?counts=false", 1),
    ):  # fmt: skip
        requests = [wire.get(f"/v1/dispatch/queue{path}", token) for token in tokens]
        for request in requests:
            status, body = bench.server.send(request)
            if status != 200 or len(json.loads(body)["items"]) < least:
                raise BenchError(f"a queue was answered {status}: {body[:500]!r}")
        for connections in bench.chosen(CONNECTIONS):
            run = bench.replay(lambda _s, made=requests: made, connections, once=False)  # type: ignore[misc]
            sides.append(Side(f"{label}, {connections}", connections, run, is_service=True))
    aim = Aim(f"service, {CONNECTIONS}", JSON_SQL, 0.2)
    return Measure("queue", "Queue of a township, 50 most urgent", "pages", sides, [aim])


def _statement(area: str, township: str) -> str:
    """The service's own statement for a township's dispatcher, its parameters drawn by pgbench."""
    grants = (Grant(Role.TOWNSHIP_DISPATCHER, area),)
    subject = Subject(UUID(int=0), "", "", grants, datetime.now(UTC))
    now = datetime.now(UTC)
    found = queue_query(subject, Wanted(tiers=TIERS), now, None, PAGE + 1)
    if found is None or found[1] != [now, area, list(TIERS), PAGE + 1]:
        raise BenchError("the queue's statement has other parameters than the benchmark knows")
    values = ["md5('township_dispatcher ' || :n)::uuid::text", "now()", township,
              "ARRAY[1, 2, 3, 4]", str(PAGE + 1)]  # fmt: skip
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], found[0])
