"""Units, dispatchers and two processes on the same cases at once: nothing lost, nothing half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import msgspec
import psycopg
import pytest
from fastapi import FastAPI

from service.config import Settings
from service.incidents.case import INCIDENTS
from service.kit.advance import Moved
from service.kit.audit import verify
from service.kit.case_rows import Answered, Element, Write
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
class Spoiled:
    """What the first gathered statement of a merge did after its decision was tampered with."""

    results: list[Answered | Exception]
    versions: list[int]


def spoil(
    monkeypatch: pytest.MonkeyPatch, database_url: str, change: Callable[[Write], Element]
) -> list[Spoiled]:
    """Let `change` replace an element of the next statement; what the statement then did."""
    real, seen = INCIDENTS.update, list[Spoiled]()

    async def update(
        connection: asyncpg.Connection, writes: Sequence[Write], **more: Any
    ) -> list[Answered | Exception]:
        if seen:
            return await real(connection, writes, **more)
        [write] = writes
        assert write.partner is not None
        kept = (write.element, write.partner.element)
        changed = change(write)
        (write if changed.case_id == write.case.id else write.partner).element = changed
        results = await real(connection, writes, **more)
        versions = []
        with psycopg.connect(database_url) as other:
            for element in kept:
                row = other.execute(
                    "SELECT version FROM incident WHERE id = %s", (element.case_id,)
                ).fetchone()
                versions += row or ()
        seen.append(Spoiled(results, versions))
        return results

    monkeypatch.setattr(INCIDENTS, "update", update)
    return seen


@pytest.mark.parametrize("behind", ["case", "master"])
async def test_when_either_case_has_moved_neither_changes_and_both_are_looked_at_again(
    place: Place, database_url: str, monkeypatch: pytest.MonkeyPatch, behind: str
) -> None:
    def stale(write: Write) -> Element:
        chosen = write if behind == "case" else write.partner
        assert chosen is not None
        return msgspec.structs.replace(chosen.element, base_version=99)

    master, case = await place.report(), await place.report()
    seen = spoil(monkeypatch, database_url, stale)
    answer = await place.village.post(
        f"/v1/incidents/{case['id']}/merge",
        {"master": master["id"]},
        headers={"idempotency-key": f"half {case['id']}"},
    )
    [first] = seen
    assert [type(r) for r in first.results] == [Moved]
    assert first.versions == [1, 1]
    assert answer.status_code == 200, answer.text
    assert "idempotency-replayed" not in answer.headers
    for found in (case, master):
        assert (await shown(place.village, found))["version"] == 2


async def test_who_may_not_act_on_the_master_changes_neither(
    place: Place, places: list[Place], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(write: Write) -> Element:
        assert write.partner is not None
        return msgspec.structs.replace(write.partner.element, area=places[1].spot.grid)

    master, case = await place.report(), await place.report()
    seen = spoil(monkeypatch, database_url, elsewhere)
    answer = await place.act(place.village, case, "merge", master=master["id"])
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert [s.versions for s in seen] == [[1, 1]]
    for found in (case, master):
        assert (await shown(place.village, found))["version"] == 1


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
        assert verify(connection, case_tables={"incident": ("incident",)}).clean
        taken = connection.execute(
            "SELECT count(*) FROM case_event WHERE event = 'incident.took_in'"
        ).fetchone()
    assert taken is not None
    assert taken[0] > 0
