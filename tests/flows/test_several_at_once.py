"""Units, dispatchers and two processes on the same cases at once: nothing lost, nothing half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest
from fastapi import FastAPI

from service.auth.subject import Subject
from service.config import Settings
from service.errors import Forbidden
from service.incidents import rules, store
from service.incidents.case import INCIDENTS
from service.incidents.deciding import ActItem, decide_act
from service.incidents.together.commands import Joint
from service.kit import clock
from service.kit.advance import Moved
from service.kit.audit import verify
from service.kit.case_rows import Answered, Write
from service.main import create_app
from tests.cases import Place
from tests.people import People, Person
from tests.together import Unit, events, make_unit, on_order, ordered, shown


@pytest.fixture(scope="module")
async def second(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.ASGITransport]:
    """Another process of the service on the same database."""
    other = create_app(settings)
    async with other.router.lifespan_context(other):
        yield httpx.ASGITransport(app=other)


@pytest.fixture
def units(database_url: str, people: People, place: Place) -> list[Unit]:
    return [make_unit(database_url, people, place.spot.county) for _ in range(4)]


def there(person: Person, second: httpx.ASGITransport) -> Person:
    """The same person, asking the other process."""
    http = httpx.AsyncClient(
        transport=second, base_url="http://gridward.test", headers=person.http.headers
    )
    return Person(person.id, person.login, http)


async def until_taken(ask: Any) -> list[int]:
    """Ask again while somebody else is at the case; the statuses, in order."""
    seen: list[int] = []
    for _ in range(50):
        answer = await ask()
        seen.append(answer.status_code)
        if answer.status_code != 409 or answer.json()["code"] != "busy":
            return seen
    return seen


async def test_four_units_in_two_processes_lose_nothing(
    place: Place, units: list[Unit], second: httpx.ASGITransport
) -> None:
    case = await place.bring_to("handling")
    await place.act(place.county, case, "call", units=[u.code for u in units])
    orders = await ordered(place, case, *[u.code for u in units])

    async def work(unit: Unit, order: dict[str, Any], away: bool) -> list[int]:
        who = there(unit.handler, second) if away else unit.handler
        seen = await until_taken(lambda: place.act(who, case, "answer", answer="on_the_way"))
        for action, body in (("accept", {}), ("submit", {"note": unit.code})):
            seen += await until_taken(lambda a=action, b=body: on_order(who, case, order, a, **b))
        return seen + await until_taken(lambda: place.act(who, case, "arrive-call"))

    results = await asyncio.gather(
        *(work(u, o, n % 2 == 1) for n, (u, o) in enumerate(zip(units, orders, strict=True)))
    )
    assert {status for seen in results for status in seen} <= {200, 409}
    assert all(seen.count(200) == 4 for seen in results), results
    found = await shown(place.county, case)
    assert [o["state"] for o in found["sub_orders"]] == ["submitted"] * 4
    assert [o["feedback"] for o in found["sub_orders"]] == [u.code for u in units]
    assert [c["state"] for c in found["calls"]] == ["arrived"] * 4
    assert [e["seq"] for e in await events(place.county, case)] == list(
        range(1, found["version"] + 1)
    )


async def test_merges_from_two_processes_leave_no_chain_and_no_half(
    place: Place, second: httpx.ASGITransport
) -> None:
    village, far = place.village, there(place.village, second)
    for _ in range(3):
        ids = [(await place.report())["id"] for _ in range(5)]
        pairs = [(a, b) for a in ids for b in ids if a != b]
        answers = await asyncio.gather(
            *(
                place.act(far if n % 2 else village, a, "merge", master=b)
                for n, (a, b) in enumerate(pairs)
            )
        )
        assert {a.status_code for a in answers} <= {200, 409}, [a.text for a in answers]
        cases = [await shown(place.county, {"id": i}) for i in ids]
        masters = {c["id"]: c["master"]["id"] for c in cases if c["master"]}
        taken = [pairs[n] for n, a in enumerate(answers) if a.status_code == 200]
        assert sorted(taken) == sorted(masters.items())
        assert taken
        for case in cases:
            assert sorted(case["merged"]) == sorted(
                i for i, m in masters.items() if m == case["id"]
            )
            assert not (case["merged"] and case["master"])


async def test_a_master_that_moved_on_elsewhere_is_looked_at_again(
    place: Place, second: httpx.ASGITransport
) -> None:
    """Here the master is remembered as it was; the other process has closed it meanwhile."""
    worker, village = there(place.worker, second), there(place.village, second)
    for end, status in (("accept", 200), ("void", 409)):
        master, case = await place.report(), await place.report()
        moved = await place.act(worker if end == "accept" else village, master, end)
        assert moved.status_code == 200, moved.text
        answer = await place.act(place.village, case, "merge", master=master["id"])
        assert answer.status_code == status, answer.text
        seen = await shown(place.village, case)
        assert seen["state"] == ("merged" if status == 200 else "reported")


@dataclass
class Pair:
    """A merge that is decided and not stored yet."""

    write: Write
    subject: Subject
    ids: list[UUID]


async def decided(app: FastAPI, place: Place, key: str | None = None) -> Pair:
    ids = [UUID((await place.report())["id"]) for _ in range(2)]
    subject = await app.state.subjects.get(place.village.id)
    command = rules.Command("merge", joint=Joint(other=ids[1]))
    item = ActItem(subject, ids[0], command, key, b"0123456789abcdef")
    async with app.state.db.writing() as connection:
        cases = await store.cases(connection, ids)
    write = decide_act(item, cases[ids[0]], app.state.categories.peek(), clock.now(), cases[ids[1]])
    return Pair(write, subject, ids)


@pytest.mark.parametrize("behind", ["case", "master"])
async def test_when_either_case_has_moved_neither_changes(
    app: FastAPI, place: Place, behind: str
) -> None:
    key = f"half {uuid4()}"
    pair = await decided(app, place, key)
    assert pair.write.partner is not None
    stale = pair.write if behind == "case" else pair.write.partner
    stale.element = msgspec.structs.replace(stale.element, base_version=99)
    async with app.state.db.writing() as connection:
        results = await INCIDENTS.update(connection, [pair.write], now=clock.now(), epochs={})
        assert [type(r) for r in results] == [Moved]
        stale.element = msgspec.structs.replace(stale.element, base_version=1)
        stored = await INCIDENTS.update(connection, [pair.write], now=clock.now(), epochs={})
        assert [type(r) for r in stored] == [Answered]
        again = await INCIDENTS.update(connection, [pair.write], now=clock.now(), epochs={})
        assert [type(r) for r in again] == [Moved]
    for found in pair.ids:
        assert (await shown(place.village, {"id": str(found)}))["version"] == 2


async def test_who_may_not_act_on_the_master_changes_neither(
    app: FastAPI, place: Place, places: list[Place], database_url: str
) -> None:
    pair = await decided(app, place)
    partner = pair.write.partner
    assert partner is not None
    partner.element = msgspec.structs.replace(partner.element, area=places[1].spot.grid)
    async with app.state.db.writing() as connection:
        results = await INCIDENTS.update(connection, [pair.write], now=clock.now(), epochs={})
    assert [type(r) for r in results] == [Forbidden]
    for found in pair.ids:
        assert (await shown(place.village, {"id": str(found)}))["version"] == 1


async def test_an_answer_and_the_case_as_read_say_the_same_of_its_parts(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("handling")
    await place.act(place.county, case, "call", units=[u.code for u in units[:2]])
    deadline = "2099-03-06T18:00:00+08:00"
    task = {"unit": units[2].code, "task": "清淤", "deadline": deadline}
    acted = (await place.act(place.county, case, "request-help", sub_orders=[task])).json()
    read = await shown(place.county, case)
    parts = ("co_units", "closing_rule", "sub_orders", "calls", "merged", "master",
             "available_actions")  # fmt: skip
    assert {p: acted[p] for p in parts} == {p: read[p] for p in parts}
    listed = (await place.county.get(f"/v1/incidents?number={case['number']}")).json()["items"]
    assert listed[0]["available_actions"] == read["available_actions"]
    assert acted["co_units"] == sorted(u.code for u in units[:3])


def test_the_chains_of_all_these_cases_are_whole(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert verify(connection, case_tables={"incident": "incident"}).clean
        taken = connection.execute(
            "SELECT count(*) FROM case_event WHERE event = 'incident.took_in'"
        ).fetchone()
    assert taken is not None
    assert taken[0] > 0
