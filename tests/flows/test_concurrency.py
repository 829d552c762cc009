"""Many at once on one thing: one winner, no lost update, no 5xx."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from service.config import Settings
from service.main import create_app
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.people import Person


async def test_ten_dispatchers_accept_at_once_and_one_wins(place: Place) -> None:
    case = await place.report()
    answers = await asyncio.gather(*(place.act(place.county, case, "accept") for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 9
    assert (await place.county.get(f"/v1/incidents/{case['id']}")).json()["version"] == 2


async def test_one_version_is_taken_once_however_many_ask_with_it(place: Place) -> None:
    case = await place.bring_to("handling")
    etag = f'"{case["version"]}"'
    path = f"/v1/incidents/{case['id']}/transfer"
    answers = await asyncio.gather(
        *(
            place.county.post(path, {"unit": unit}, headers={"if-match": etag})
            for unit in [UNIT, OTHER_UNIT] * 5
        )
    )
    statuses = sorted(a.status_code for a in answers)
    assert statuses == [200] + [412] * 9


async def test_the_same_report_twenty_times_at_once_is_one_incident(place: Place) -> None:
    body = place.body()
    answers = await asyncio.gather(*(place.worker.post("/v1/incidents", body) for _ in range(20)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("idempotency-replayed" in a.headers for a in answers) == 19


async def test_the_same_key_with_different_bodies_at_once_has_one_winner(place: Place) -> None:
    key = {"idempotency-key": "contested"}
    answers = await asyncio.gather(
        *(
            place.worker.post("/v1/incidents", place.body(description=f"第{n}份"), headers=key)
            for n in range(8)
        )
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


async def test_one_id_claimed_by_two_people_at_once_belongs_to_one(place: Place) -> None:
    body = place.body()
    answers = await asyncio.gather(
        *(who.post("/v1/incidents", body) for who in (place.worker, place.second_worker))
    )
    assert sorted(a.status_code for a in answers) == [201, 409]


async def test_a_batch_with_a_bad_element_harms_nobody_else(place: Place) -> None:
    taken = await place.report()
    bodies = [place.body() for _ in range(15)]
    bodies.insert(7, place.body(id=taken["id"]))
    answers = await asyncio.gather(
        *(place.second_worker.post("/v1/incidents", body) for body in bodies)
    )
    assert [a.status_code for a in answers] == [201] * 7 + [409] + [201] * 8


async def test_a_case_that_somebody_else_has_locked_is_409_and_not_500(
    app: FastAPI, place: Place, database_url: str
) -> None:
    case = await place.report()
    free = await place.report()
    holder = await asyncpg.connect(database_url)
    try:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM incident WHERE id = $1 FOR UPDATE", UUID(case["id"]))
        locked, other = await asyncio.gather(
            place.act(place.worker, case, "accept"), place.act(place.worker, free, "accept")
        )
        assert (locked.status_code, locked.json()["code"]) == (409, "busy")
        assert other.status_code == 200
        await transaction.rollback()
    finally:
        await holder.close()
    assert (await place.act(place.worker, case, "accept")).status_code == 200


async def test_a_full_queue_refuses_and_takes_nothing(app: FastAPI, place: Place) -> None:
    desk = app.state.incidents
    limit, desk._reports._limit = desk._reports._limit, 0
    body = place.body()
    try:
        refused = await place.worker.post("/v1/incidents", body)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"]
    finally:
        desk._reports._limit = limit
    assert (await place.worker.post("/v1/incidents", body)).status_code == 201


async def test_two_processes_in_turn_never_act_on_what_they_only_remember(
    app: FastAPI, settings: Settings, place: Place
) -> None:
    """Each process remembers the case as it wrote it; the other has moved it on meanwhile."""
    second = create_app(settings)
    async with second.router.lifespan_context(second):
        there = httpx.ASGITransport(app=second)

        async def act(person: Person, elsewhere: bool, action: str, **body: Any) -> httpx.Response:
            if not elsewhere:
                return await place.act(person, case, action, **body)
            async with httpx.AsyncClient(
                transport=there, base_url="http://gridward.test", headers=person.http.headers
            ) as http:
                return await place.act(Person(person.id, person.login, http), case, action, **body)

        case = await place.report()
        life = [
            (place.worker, "accept"), (place.worker, "arrive"), (place.worker, "handle"),
            (place.worker, "submit"), (place.village, "verify"), (place.village, "close"),
        ]  # fmt: skip
        for n, (person, action) in enumerate(life):
            answer = await act(person, n % 2 == 1, action)
            assert answer.status_code == 200, (action, answer.text)
            assert answer.json()["version"] == n + 2
        # The first process last saw it being verified, and would have let it be closed.
        again = await act(place.village, False, "close")
        assert (again.status_code, again.json()["code"]) == (409, "action_not_allowed")
        assert (await act(place.village, False, "reopen")).status_code == 200
        # The second one last saw it closed, and would have refused for its state.
        assigned = await act(place.village, True, "assign", unit=None, account=str(place.worker.id))
        assert assigned.status_code == 200, assigned.text
