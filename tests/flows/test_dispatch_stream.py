"""The stream of a real server: scoped, in commit order, nothing missed and nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.config import Settings
from service.dispatch.stream.ids import EventIds
from service.dispatch.stream.ids import Place as At
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.conftest import with_database
from tests.consoles import Listener, listening
from tests.people import People, Person
from tests.server import Server

STREAM = "/v1/dispatch/stream"
KEPT = 20


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(settings, tmp_path_factory.mktemp("server") / "log")
    running.start()
    yield running
    running.stop()


def token(who: Person) -> str:
    found: str = who.http.headers["authorization"]
    return found


def heard(*cases: str) -> Any:
    """True when all these cases were told."""
    return lambda listener: set(cases) <= {case for case, _ in listener.steps()}


async def test_each_console_hears_what_it_may_read_and_no_more(
    server: Server, places: list[Place]
) -> None:
    here, there = places[0], places[1]
    async with (
        listening(server.base_url, token(here.village)) as village,
        listening(server.base_url, token(here.county)) as county,
        listening(server.base_url, token(there.worker)) as elsewhere,
        listening(server.base_url, token(here.handler)) as unit,
    ):
        assert {console.status for console in (village, county, elsewhere, unit)} == {200}
        mine = (await here.bring_to("assigned"))["id"]
        other = (await there.report())["id"]
        await county.until(lambda c: {(mine, 6), (other, 1)} <= set(c.steps()))
        await elsewhere.until(heard(other))
        await village.until(lambda c: (mine, 6) in c.steps())
        await unit.until(lambda c: (mine, 6) in c.steps())
    assert village.steps() == [(mine, seq) for seq in range(1, 7)]
    assert elsewhere.steps() == [(other, 1)]
    assert unit.steps()[-1] == (mine, 6)
    assert village.events[0].event == "ready"
    last = village.events[-1].data
    assert last["action"] == "assign"
    assert (last["state"], last["tier"], last["grid_code"]) == ("assigned", 4, here.spot.grid)
    assert last["number"].startswith("511723-")
    assert "23.2" in last["clauses"]
    assert {"amber_at", "due_at", "supervise_at", "level", "category"} <= last.keys()


async def test_a_complaint_is_not_told_to_the_unit_that_it_concerns(
    server: Server, place: Place, people: People
) -> None:
    inside = people.make(
        ("county_dispatcher", place.spot.county), ("unit_handler", place.spot.county, UNIT)
    )
    async with (
        listening(server.base_url, token(inside)) as concerned,
        listening(server.base_url, token(place.county)) as county,
    ):
        complaint = (await place.report(category="1203", concerns_unit=UNIT))["id"]
        after = (await place.report())["id"]
        await county.until(heard(complaint, after))
        await concerned.until(heard(after))
        assert complaint not in [case for case, _ in concerned.steps()]


async def test_a_unit_is_told_that_a_case_has_left_it(server: Server, place: Place) -> None:
    case = await place.bring_to("assigned")
    async with listening(server.base_url, token(place.handler)) as first:
        await asyncio.sleep(0.1)
    async with (
        listening(server.base_url, token(place.handler), first.last_id) as left,
        listening(server.base_url, token(place.other_handler)) as gets,
    ):
        moved = await place.act(place.county, case, "transfer", unit=OTHER_UNIT)
        assert moved.status_code == 200
        await gets.until(lambda c: c.steps() == [(case["id"], 7)])
        await left.until(lambda c: any(t.event == "gone" for t in c.events))
    gone = next(t for t in left.events if t.event == "gone")
    assert gone.data == {"id": case["id"]}
    assert left.steps() == []


async def test_a_console_resumes_by_header_or_query_where_it_stopped(
    server: Server, place: Place
) -> None:
    who = token(place.worker)
    async with listening(server.base_url, who) as first:
        made = [(await place.report())["id"] for _ in range(6)]
        await first.until(heard(*made))
    stopped = next(t.id for t in first.events if t.event == "incident" and t.data["id"] == made[2])
    missed = [(await place.report())["id"] for _ in range(2)]
    expected = [(case, 1) for case in (*made[3:], *missed)]
    async with listening(server.base_url, who, stopped) as by_header:
        await by_header.until(heard(*missed))
    assert by_header.steps() == expected
    async with listening(server.base_url, who, last_event_id=stopped) as by_query:
        await by_query.until(heard(*missed))
    assert by_query.steps() == expected
    assert by_query.events[0].id == stopped


async def test_ids_of_others_changed_ones_and_future_ones_are_refused(
    server: Server, place: Place, settings: Settings
) -> None:
    async with listening(server.base_url, token(place.worker)) as mine:
        case = (await place.report())["id"]
        await mine.until(heard(case))
    ids = EventIds(settings.signing_secret)
    owner = ids.owner(place.worker.id).decode()
    future = f"{ids.shared(At(2**62, 1)).decode()}.{owner}"
    foreign = EventIds(b"the key of another deployment, long enough")
    other = f"{foreign.shared(At(1, 1)).decode()}.{foreign.owner(place.worker.id).decode()}"
    good = mine.last_id
    changed = ("B" if good[0] == "A" else "A") + good[1:]
    asked = [
        (place.county, good, "bad_event_id"), (place.worker, changed, "bad_event_id"),
        (place.worker, good[:-2], "bad_event_id"), (place.worker, "7", "bad_event_id"),
        (place.worker, "é", "bad_event_id"), (place.worker, other, "bad_event_id"),
        (place.worker, future, "event_id_from_future"),
    ]  # fmt: skip
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        for who, last, code in asked:
            for given in ({"headers": {"last-event-id": last.encode()}}, {"query": last}):
                headers = {"authorization": token(who), **given.get("headers", {})}  # type: ignore[dict-item]
                params = {"last_event_id": given["query"]} if "query" in given else {}
                answer = await client.get(STREAM, headers=headers, params=params)
                assert (answer.status_code, answer.json()["code"]) == (400, code), last
        long = await client.get(
            STREAM, headers={"authorization": token(place.worker), "last-event-id": "A" * 201}
        )
        assert long.status_code == 422


async def test_who_may_not_read_gets_no_stream(server: Server, place: Place, app: FastAPI) -> None:
    old = app.state.tokens.issue(place.worker.id, uuid7(), clock.now() - timedelta(hours=2))
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        for bearer, status in (
            (None, 401), (f"Bearer {old}", 401), ("Bearer x", 401),
            (token(place.agent), 403), (token(place.administrator), 403),
        ):  # fmt: skip
            headers = {"authorization": bearer} if bearer else {}
            answer = await client.get(STREAM, headers=headers)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"


async def test_the_head_of_a_stream_comes_at_once(server: Server, place: Place) -> None:
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        answer = await client.head(STREAM, headers={"authorization": token(place.worker)})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert 'rel="describedby"' in answer.headers["link"]


async def test_a_stream_ends_with_its_token(server: Server, place: Place, app: FastAPI) -> None:
    tokens = app.state.tokens
    began = clock.now() - timedelta(seconds=tokens.lifetime_seconds - 3)
    short = tokens.issue(place.worker.id, uuid7(), began)
    async with listening(server.base_url, f"Bearer {short}") as console:
        await console.until(lambda c: c.ended, 10)
    assert (console.events[-1].event, console.events[-1].data["code"]) == ("end", "token_expired")


async def test_a_revoked_assignment_ends_what_a_console_hears(
    server: Server, place: Place, people: People, database_url: str
) -> None:
    both = people.make(
        ("grid_worker", place.spot.grid), ("unit_handler", place.spot.county, OTHER_UNIT)
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        end = "UPDATE assignment SET valid_to = now() WHERE account_id = %s AND role = %s"
        async with listening(server.base_url, token(both)) as console:
            first = (await place.report())["id"]
            await console.until(heard(first))
            connection.execute(end, (both.id, "grid_worker"))
            await asyncio.sleep(3)
            async with listening(server.base_url, token(place.worker)) as still:
                second = (await place.report())["id"]
                await still.until(heard(second))
            await asyncio.sleep(0.3)
            assert [case for case, _ in console.steps()] == [first]
            connection.execute(end, (both.id, "unit_handler"))
            await console.until(lambda c: c.ended, 10)
    assert (console.events[-1].event, console.events[-1].data["code"]) == ("end", "access_revoked")


def committed(database_url: str, cases: set[str]) -> list[tuple[str, int]]:
    """The steps of these cases in commit order, as the tables hold them."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT case_id::text, seq FROM case_event WHERE case_id = ANY(%s::uuid[])"
            " ORDER BY xact, id",
            (list(cases),),
        ).fetchall()


async def test_what_commits_late_is_told_late_and_not_missed(
    server: Server, place: Place, database_url: str
) -> None:
    """A transaction that is older than the others holds them back; none is passed over."""
    late = uuid7()
    async with listening(server.base_url, token(place.worker)) as console:
        base = await place.report()
        await console.until(heard(base["id"]))
        with psycopg.connect(database_url) as slow:
            slow.execute("SET ROLE gridward_writer")
            copy_event(slow, UUID(base["id"]), late)
            others = [(await place.report())["id"] for _ in range(5)]
            await asyncio.sleep(1.5)
            assert not {case for case, _ in console.steps()} & set(others)
        await console.until(heard(*others))
        await console.until(lambda c: (base["id"], 2) in c.steps())
    assert console.steps() == committed(database_url, {base["id"], *others})


def copy_event(connection: psycopg.Connection[Any], case: UUID, actor: UUID) -> None:
    """A second event of the case, as the service would write it, not committed yet."""
    connection.execute(
        "INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, from_state,"
        " to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)"
        " SELECT case_kind, case_id, 2, event, action, %s, from_state, to_state, clauses,"
        " recorded_at, occurred_at, payload, hash, hash FROM case_event WHERE case_id = %s",
        (actor, case),
    )


class Follower:
    """A client that resumes whenever its stream breaks, as a console does."""

    def __init__(self, server: Server, bearer: str) -> None:
        self._server, self._bearer = server, bearer
        self.steps: list[tuple[str, int]] = []
        self.resets = 0
        self._last: str | None = None

    async def follow(self) -> None:
        while True:
            try:
                async with listening(self._server.base_url, self._bearer, self._last) as console:
                    try:
                        while not console.ended:
                            await asyncio.sleep(0.02)
                    finally:
                        self._take(console)
            except (AssertionError, httpx.TransportError):
                await asyncio.sleep(0.1)

    def _take(self, console: Listener) -> None:
        assert console.status == 200
        self.steps += console.steps()
        self.resets += sum(told.event == "reset" for told in console.events)
        if any(told.id for told in console.events):
            self._last = console.last_id


async def test_no_event_is_missed_or_doubled_while_the_server_is_killed(
    server: Server, places: list[Place], database_url: str
) -> None:
    """Reports and steps go on, by the server and by another process, while it dies twice."""
    here, there = places[0], places[1]
    followers = {who: Follower(server, token(getattr(here, who))) for who in ("worker", "county")}
    tasks = [asyncio.create_task(f.follow()) for f in followers.values()]
    await asyncio.sleep(0.5)
    mine: set[str] = set()
    other: set[str] = set()
    stop = asyncio.Event()

    async def work(place: Place, made: set[str]) -> None:
        while not stop.is_set():
            case = await place.report()
            made.add(case["id"])
            await place.act(place.worker, case, "accept")

    async def work_over_http(made: set[str]) -> None:
        headers = {"authorization": token(here.worker)}
        async with httpx.AsyncClient(
            base_url=server.base_url, headers=headers, trust_env=False
        ) as client:
            while not stop.is_set():
                body = here.body()
                made.add(body["id"])
                try:
                    await client.post("/v1/incidents", json=body)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    workers = [
        asyncio.create_task(w) for w in (work(here, mine), work(there, other), work_over_http(mine))
    ]
    for _ in range(2):
        await asyncio.sleep(1.5)
        server.kill()
        await asyncio.to_thread(server.start)
    await asyncio.sleep(1)
    stop.set()
    await asyncio.gather(*workers)
    expected = {"worker": committed(database_url, mine),
                "county": committed(database_url, mine | other)}  # fmt: skip
    deadline = time.monotonic() + 10
    await asyncio.sleep(1.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert time.monotonic() < deadline
    for who, follower in followers.items():
        assert len(expected[who]) > 100
        assert follower.resets == 0
        assert follower.steps == expected[who], who


async def test_a_server_that_is_told_to_stop_says_farewell_and_does_not_hang(
    server: Server, place: Place
) -> None:
    async with listening(server.base_url, token(place.worker)) as console:
        case = (await place.report())["id"]
        await console.until(heard(case))
        began = time.monotonic()
        process = server._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 15)
        assert time.monotonic() - began < 8
        assert code in (0, -signal.SIGTERM)
        await console.until(lambda c: c.ended)
    assert (console.events[-1].event, console.events[-1].data["code"]) == ("end", "closing")
    await asyncio.to_thread(server.start)
    log = server._log.read_text()
    assert "Traceback" not in log
    assert "without completing" not in log
    assert os.getpid() != process.pid


@pytest.fixture
def forgetful(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server that can give only the last few events again."""
    monkeypatch.setenv("GRIDWARD_STREAM_REPLAY", str(KEPT))
    running = Server(settings, tmp_path_factory.mktemp("forgetful") / "log")
    running.start()
    yield running
    running.stop()


async def test_who_was_away_too_long_is_told_to_read_the_queue_again(
    forgetful: Server, place: Place
) -> None:
    who = token(place.worker)
    async with listening(forgetful.base_url, who) as first:
        await first.until(lambda c: c.events)
        begun = first.events[0].id
        made = [(await place.report())["id"] for _ in range(2 * KEPT)]
        await first.until(heard(*made))
        recent = first.events[-3].id
    async with listening(forgetful.base_url, who, begun) as away:
        await away.until(lambda c: c.events)
        after = (await place.report())["id"]
        await away.until(heard(after))
    assert away.events[0].event == "reset"
    assert away.events[0].data == {"reason": "too_old", "kept": KEPT}
    assert away.steps() == [(after, 1)]
    async with listening(forgetful.base_url, who, away.events[0].id) as resumed:
        await resumed.until(heard(after))
    assert resumed.steps() == [(after, 1)]
    async with listening(forgetful.base_url, who, recent) as back:
        await back.until(heard(after))
    assert back.steps() == [(made[-2], 1), (made[-1], 1), (after, 1)]


async def test_an_idle_stream_has_a_heartbeat_and_ends_with_its_client(
    forgetful: Server, place: Place
) -> None:
    def consoles() -> str:
        text = httpx.get(f"{forgetful.base_url}/metrics", trust_env=False).text
        return next(line for line in text.splitlines() if line.startswith("gridward_consoles "))

    async with listening(forgetful.base_url, token(place.worker)) as idle:
        await idle.until(lambda c: c.events)
        assert consoles() == "gridward_consoles 1.0"
        await idle.until(lambda c: c.comments, 17)
        assert idle.comments == [": heartbeat"]
    deadline = time.monotonic() + 3
    while consoles() != "gridward_consoles 0.0":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_long_transaction_elsewhere_on_the_server_holds_nobody_back(
    database_url: str, place: Place
) -> None:
    """One in this database does, until it ends: what it wrote must not be missed."""
    horizon = "SELECT gw_event_horizon()"
    mine = "SELECT pg_current_xact_id()"
    with (
        psycopg.connect(with_database(database_url, "postgres")) as elsewhere,
        psycopg.connect(database_url) as here,
        psycopg.connect(database_url, autocommit=True) as reader,
    ):

        def value(connection: psycopg.Connection, query: str) -> int:
            return int(str((connection.execute(query).fetchone() or (0,))[0]))

        other = value(elsewhere, mine)
        await place.report()
        assert value(reader, horizon) > other
        own = value(here, mine)
        await place.report()
        assert value(reader, horizon) == own
        here.rollback()
        assert value(reader, horizon) > own
