"""Reports and actions against the same rows written by plain SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from uuid import UUID

from service.kit import clock
from service.kit.ids import uuid7
from tests.bench import wire
from tests.bench.bulk import WORKERS
from tests.bench.measure import Aim, Bench, Measure, Side
from tests.bench.pgbench import Script
from tests.bench.sample import BenchError

FASTEST = 14_000  # requests a second that are prepared
BLOCK = 2_000  # cases that go through a step before the next step begins
SYSTEMS = ("gcj02", "wgs84", "cgcs2000", "bd09")
FOUR, ONE = "SQL in 4 round trips", "SQL in 1 statement"
REPORTED = "SELECT count(*) FROM incident WHERE reported_at > (SELECT built FROM bench.made)"
ACTED = (
    "SELECT count(*) FROM case_event"
    " WHERE id > (SELECT last_event FROM bench.made) AND action <> 'report'"
)

POINT = "ST_SetSRID(ST_MakePoint(:lon::float8 / 1e7, :lat::float8 / 1e7), 4490)"
PLACE = f"""(SELECT {POINT} AS location, :lon::float8 / 1e7 AS lon, :lat::float8 / 1e7 AS lat) AS p,
LATERAL (
  SELECT v.code FROM grid_version v
  WHERE v.valid_to IS NULL AND length(v.code) = 15 AND ST_Covers(v.geom, p.location)
  ORDER BY substr(v.code, 13, 1) = '8' DESC, v.code LIMIT 1) AS g,
LATERAL (SELECT bench.new_id() AS id, md5('grid_worker ' || :worker)::uuid AS worker) AS who"""
VALUES = """
  who.id, '511723-SQL-' || who.id, '0802', 1, 3, 'grid_worker',
  '路灯连续三晚不亮，老人出行不便，请尽快派人查看', now(), now(), who.worker, 'reported', 1, 1,
  sha256(uuid_send(who.id)), now(), left(g.code, 6), left(g.code, 9), left(g.code, 12), g.code,
  p.location, p.lon, p.lat, 'cgcs2000', 8,
  (floor((p.lat + 90) * 50) * 18000 + floor((p.lon + 180) * 50))::int, '{}', 0, ARRAY['23.2']"""
EVENT = """'incident.reported', 'report', md5('grid_worker ' || :worker)::uuid,
  'grid_worker', NULL, 'reported', ARRAY['23.2'], now(), now(),
  '{"category": "0802", "grid": "511723001001001", "level": 3}',
  decode(repeat('00', 32), 'hex'), sha256('event')"""
CHANGES = """state = CASE state WHEN 'on_site' THEN 'handling' ELSE 'on_site' END,
  version = version + 1, head_hash = sha256('event'), last_event_at = now(),
  handler_ids = ARRAY[assignee_id]"""


def report(bench: Bench) -> Measure:
    """Reports at real positions, each with an id of its client's making."""
    shared = {"workers": str(WORKERS), "values": VALUES, "place": PLACE, "event": EVENT}
    variables = bench.data.rectangle.variables()
    sides = [
        bench.sql(FOUR, Script("report_four", shared, variables)),
        bench.sql(ONE, Script("report_one", shared, variables)),
    ]
    tokens = [bench.server.token(a) for a in bench.data.accounts("grid_worker")]
    aims = [Aim("service, 16", FOUR, 0.8), Aim("service, 64", FOUR, 1.0)]

    def requests(seconds: float) -> Iterator[bytes]:
        return reports(bench, tokens, round(seconds * FASTEST))

    status, body = bench.server.send(next(requests(1)))
    if status != 201 or json.loads(body)["state"] != "reported":
        raise BenchError(f"a report was answered {status}: {body!r}")
    for connections in bench.chosen(1, 16, 64):
        run = bench.replay(requests, connections, once=True)
        checked = bench.kept(run, REPORTED, connections)
        sides.append(Side(f"service, {connections}", connections, checked, is_service=True))
    return Measure("report", "Report an incident", "reports", sides, aims)


def reports(bench: Bench, tokens: list[str], number: int) -> Iterator[bytes]:
    """Requests that report incidents inside the county, one a token in turn."""
    edges, random = bench.data.rectangle, bench.random
    now = clock.iso(clock.now())
    for n in range(number):
        lon = random.uniform(edges.west, edges.east)
        lat = random.uniform(edges.south, edges.north)
        body = (
            f'{{"id":"{uuid7()}","category":"0802","location":{{"lon":{lon:.7f},"lat":{lat:.7f},'
            f'"crs":"{SYSTEMS[n % 4]}","accuracy_m":8.5}},"description":'
            f'"路灯连续三晚不亮，老人出行不便，请尽快派人查看","occurred_at":"{now}",'
            '"channel":"grid_worker"}'
        )
        yield wire.post("/v1/incidents", tokens[n % len(tokens)], body)


STEPS = (
    ("accept", "{}"),
    ("arrive", '{"location":{"lon":107.9,"lat":31.1,"crs":"wgs84","accuracy_m":6}}'),
    ("handle", '{"note":"已联系电力公司，正在更换灯具"}'),
    ("submit", '{"note":"灯具已更换，试亮正常"}'),
)
SQL_CASES = 20_000
SQL_CASE = "('01900000-0000-7000-8000-' || lpad({n}::text, 12, '0'))::uuid"


def act(bench: Bench) -> Measure:
    """Accept, arrive, handle and submit on the workers' own cases, one request each."""
    bench.data.own_cases(
        1, SQL_CASES, name="ACT", state="accepted", case_id=SQL_CASE.format(n="m.n")
    )
    shared = {
        "changes": CHANGES,
        "case_id": SQL_CASE.format(n=":n"),
        "payload": """'{"note": "已联系电力公司，正在更换灯具"}'""",
    }
    sides = [
        bench.sql(FOUR, Script("act_four", shared, {"cases": SQL_CASES})),
        bench.sql(ONE, Script("act_one", shared, {"cases": SQL_CASES})),
    ]
    tokens = {a: bench.server.token(a) for a in bench.data.accounts("grid_worker")}
    numbers = count(1)

    def requests(seconds: float) -> Iterator[bytes]:
        blocks = max(1, round(seconds * FASTEST / len(STEPS) / BLOCK))
        return (request for _ in range(blocks) for request in _lives(bench, tokens, next(numbers)))

    first = next(iter(requests(1)))
    status, body = bench.server.send(first)
    if status != 200 or json.loads(body)["state"] != "accepted":
        raise BenchError(f"an action was answered {status}: {body!r}")
    for connections in bench.chosen(16):
        run = bench.kept(bench.replay(requests, connections, once=True), ACTED, connections)
        sides.append(Side(f"service, {connections}", connections, run, is_service=True))
    return Measure(
        "act", "Act on one's own case", "actions", sides, [Aim("service, 16", FOUR, 0.5)]
    )


def _lives(bench: Bench, tokens: dict[UUID, str], block: int) -> Iterator[bytes]:
    """The steps of a block of new cases: all take one step before any takes the next."""
    cases = bench.data.own_cases(
        block * BLOCK,
        (block + 1) * BLOCK - 1,
        name="OWN",
        state="reported",
        case_id="bench.case_id(clock_timestamp(), m.n)",
    )
    for version, (action, body) in enumerate(STEPS, start=1):
        for case, worker in cases:
            once = f'Idempotency-Key: {uuid7()}\r\nIf-Match: "{version}"\r\n'
            yield wire.post(f"/v1/incidents/{case}/{action}", tokens[worker], body, once)
