"""Workers and the server are killed at random while 10,000 cases are due: each mark is acted on
exactly once, and no act of a person is lost meanwhile.

Most cases come in bulk: their versions are right, their earlier events are not there. A few are
reported over HTTP and have whole chains.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from service.config import Settings
from service.kit import clock
from service.kit.audit import verify
from service.kit.ids import uuid7
from tests.bench import bulk
from tests.cases import Place
from tests.server import Server
from tests.sweeper import Sweeper

DUE, CHAINED = 10_000, 40
SWEEPERS, CLIENTS = 3, 4
FEWEST_KILLS, MOST_KILLS, SERVER_KILLS = 8, 20, 2
MOST_SECONDS = 150

# What can climb has used up its tier's time and is close to its limit; what cannot is far over it.
MAKE_DUE = """
WITH due AS (
  SELECT id, tier < 4 AND state NOT IN ('submitted', 'verifying') AS climbs,
    extract(epoch FROM now())::bigint AS now
  FROM incident WHERE is_open)
UPDATE incident i SET policy_version = 1,
  next_alarm_at = now() - make_interval(secs => 1 + abs(hashtext(i.id::text)) % 3600),
  clocks = CASE WHEN climbs
    THEN jsonb_build_object(
      'tier', jsonb_build_array(now - 90000, now - 30000, now - 3600, now + 9000, 0, '24h'),
      'finish', jsonb_build_array(now - 90000, now - 1800, now + 86400, now + 90000, 0, '3wd'))
    ELSE jsonb_build_object(
      'finish', jsonb_build_array(now - 900000, now - 9000, now - 6000, now - 3000, 0, '3wd')) END
FROM due WHERE due.id = i.id
"""
PROJECT = """
UPDATE open_incident o SET next_alarm_at = i.next_alarm_at
FROM incident i WHERE i.id = o.incident_id
"""
KEEP = "CREATE TABLE bench.before AS SELECT id, version, tier, state FROM incident WHERE is_open"
LEFT = "SELECT count(*) FROM open_incident WHERE next_alarm_at <= now()"
CLIMBING, OVERDUE = (
    Counter({"tier.amber": 1, "tier.due": 1, "finish.amber": 1}),
    Counter({"finish.amber": 1, "finish.due": 1, "finish.supervise": 1}),
)


@pytest.fixture(scope="module")
async def chained(place: Place) -> list[str]:
    """Cases of which every event is there."""
    return [(await place.report())["id"] for _ in range(CHAINED)]


@pytest.fixture(scope="module")
def due(database_url: str, chained: list[str]) -> list[str]:
    """All cases, made due."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        bulk.prepare(connection)
        bulk.load(connection, bulk.Amount(0, opens=DUE - CHAINED), clock.now())
        connection.execute("UPDATE open_incident SET next_alarm_at = NULL")
        connection.execute(MAKE_DUE)
        connection.execute(KEEP)
        connection.execute("VACUUM (ANALYZE) incident, open_incident")
        connection.execute(PROJECT)
        rows = connection.execute("SELECT id::text FROM bench.before").fetchall()
    assert len(rows) == DUE
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(settings, tmp_path_factory.mktemp("server") / "log")
    running.start()
    yield running
    running.stop()


@dataclass
class Urging:
    """Dispatchers who urge on cases all the time; each urging is repeated until it is answered."""

    server: Server
    token: str
    cases: list[str]
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    over: bool = False

    async def work(self, seed: int) -> None:
        choose = random.Random(seed)
        async with httpx.AsyncClient(
            base_url=self.server.base_url, trust_env=False, timeout=20,
            headers={"authorization": self.token},
        ) as client:  # fmt: skip
            while not self.over:
                await self._urge(client, choose.choice(self.cases))

    async def _urge(self, client: httpx.AsyncClient, case: str) -> None:
        key = {"idempotency-key": str(uuid7())}
        while True:
            try:
                answer = await client.post(f"/v1/incidents/{case}/urge", json={}, headers=key)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                self.answered[case] += 1
                return
            self.refused[answer.status_code] += 1
            assert answer.status_code == 503, answer.text


async def _kill_sweepers(sweepers: list[Sweeper], database_url: str) -> int:
    """Kill one after the other until nothing is due or it was often enough; how many had work
    left. Those that live do the rest."""
    choose, kills, until = random.Random(511723), 0, time.monotonic() + MOST_SECONDS
    with psycopg.connect(database_url, autocommit=True) as connection:
        while (left := connection.execute(LEFT).fetchone()) != (0,):
            assert time.monotonic() < until, f"{left} cases are still due after {kills} kills"
            if kills == MOST_KILLS:
                await asyncio.sleep(0.1)
                continue
            victim = choose.choice(sweepers)
            await asyncio.to_thread(victim.wait_until_it_sweeps)
            await asyncio.sleep(choose.uniform(0, 0.25))
            victim.kill()
            kills += connection.execute(LEFT).fetchone() != (0,)
            victim.start()
    return kills


async def _kill_server(server: Server, urging: Urging) -> None:
    """Each time after some more answers."""
    for _ in range(SERVER_KILLS):
        enough = sum(urging.answered.values()) + 20
        while sum(urging.answered.values()) < enough:
            await asyncio.sleep(0.02)
        server.kill()
        await asyncio.to_thread(server.start)


@pytest.fixture(scope="module")
async def urged(
    settings: Settings,
    server: Server,
    place: Place,
    due: list[str],
    chained: list[str],
    database_url: str,
) -> Counter[str]:
    """Everything has been acted on under kills; how often each case was urged."""
    token = place.county.http.headers["authorization"]
    urging = Urging(server, token, [*chained, *due[:: DUE // 200]])
    clients = [asyncio.create_task(urging.work(seed)) for seed in range(CLIENTS)]
    sweepers = [Sweeper(settings) for _ in range(SWEEPERS)]
    try:
        kills, _ = await asyncio.gather(
            _kill_sweepers(sweepers, database_url), _kill_server(server, urging)
        )
    finally:
        urging.over = True
        await asyncio.gather(*clients)
        for sweeper in sweepers:
            sweeper.kill()
    assert kills >= FEWEST_KILLS, "the kills must fall in the middle"
    assert sum(urging.answered.values()) > CLIENTS
    return urging.answered


def automatic(database_url: str) -> dict[UUID, Counter[str]]:
    """For each case, how often each rule was acted on."""
    found: dict[UUID, Counter[str]] = {}
    with psycopg.connect(database_url) as connection:
        for case, rule in connection.execute(
            "SELECT case_id, payload ->> 'rule' FROM case_event WHERE payload ? 'automatic'"
        ):
            found.setdefault(case, Counter())[rule] += 1
    return found


def test_each_mark_is_acted_on_exactly_once(urged: Counter[str], database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        before = connection.execute("SELECT id, tier, state FROM bench.before").fetchall()
    acted = automatic(database_url)
    for case, tier, state in before:
        climbs = tier < 4 and state not in ("submitted", "verifying")
        assert acted[case] == (CLIMBING if climbs else OVERDUE), case


def test_no_case_climbs_twice_and_what_cannot_climb_does_not(
    urged: Counter[str], database_url: str
) -> None:
    query = (
        "SELECT count(*) FILTER (WHERE b.tier = 4 OR b.state IN ('submitted', 'verifying')"
        "   OR (i.tier = b.tier + 1 AND i.state = 'reported')), count(*)"
        " FROM bench.before b JOIN incident i USING (id)"
    )
    with psycopg.connect(database_url) as connection:
        assert connection.execute(query).fetchone() == (DUE, DUE)


def test_versions_count_events_and_what_is_open_is_mirrored(
    urged: Counter[str], database_url: str
) -> None:
    columns = "id, state, tier, unit_code, amber_at, supervise_at, next_alarm_at, level, grid_code"
    mirrored = columns.replace("id,", "incident_id,", 1)
    with psycopg.connect(database_url) as connection:
        wrong = connection.execute(
            "SELECT i.id FROM bench.before b JOIN incident i USING (id) LEFT JOIN LATERAL"
            " (SELECT count(*) AS n, min(e.seq) AS low, max(e.seq) AS high FROM case_event e"
            "  WHERE e.case_id = i.id AND e.seq > b.version) AS e ON true"
            " WHERE i.version <> b.version + e.n OR e.low <> b.version + 1 OR e.high <> i.version"
        ).fetchall()
        assert wrong == []
        differing = connection.execute(
            f"(SELECT {columns} FROM incident WHERE is_open EXCEPT SELECT {mirrored}"
            f" FROM open_incident) UNION ALL (SELECT {mirrored} FROM open_incident EXCEPT"
            f" SELECT {columns} FROM incident WHERE is_open)"
        ).fetchall()
        assert differing == []


def test_no_act_is_lost_and_none_is_done_twice(urged: Counter[str], database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            "SELECT case_id::text, count(*) FROM case_event WHERE action = 'urge' GROUP BY 1"
        ).fetchall()
    assert dict(rows) == dict(urged)


def test_chains_are_whole(urged: Counter[str], chained: list[str], database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for case in chained:
            report = verify(connection, case_tables={"incident": ("incident",)}, case_id=UUID(case))
            assert report.clean, report
