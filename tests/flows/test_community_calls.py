"""社区呼叫 over HTTP: who is called, what they answer, what the record says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.incidents.store import cases
from service.incidents.together.calls import expire_calls
from service.kit import clock
from tests.cases import UNIT, Place
from tests.people import People, Person
from tests.together import Unit, events, make_unit, shown


@pytest.fixture
def unit(database_url: str, people: People, place: Place) -> Unit:
    return make_unit(database_url, people, place.spot.county)


async def called(place: Place, by: Person, **body: Any) -> dict[str, Any]:
    """A case that the grid worker has accepted, with a call made on it."""
    case = await place.report()
    await place.act(place.worker, case, "accept")
    answer = await place.act(by, case, "call", **body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_called_unit_sets_out_accepts_and_arrives(place: Place, unit: Unit) -> None:
    case = await called(place, place.worker, units=[unit.code], note="请携带围挡")
    (call,) = case["calls"]
    assert (call["unit"], call["state"], call["note"]) == (unit.code, "waiting", "请携带围挡")
    assert call["called_by"] == str(place.worker.id)
    assert call["answer_due"] > call["called_at"]
    offered = (await shown(unit.handler, case))["available_actions"]
    assert {"answer", "arrive-call"} <= set(offered)
    assert not {"call", "submit", "return", "accept"} & set(offered)
    for action, body, state in (
        ("answer", {"answer": "on_the_way"}, "on_the_way"),
        ("answer", {"answer": "accept"}, "accepted"),
        ("arrive-call", {"note": "两人到场"}, "arrived"),
    ):
        answer = await place.act(unit.handler, case, action, **body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["calls"][0]["state"] == state
        assert answer.json()["state"] == "accepted"
    (call,) = (await shown(place.village, case))["calls"]
    assert (call["outcome"], call["answered_by"]) == ("arrived", str(unit.handler.id))
    assert call["arrived_at"] >= call["answered_at"] >= call["called_at"]
    told = [(e["event"], e["payload"].get("call_state")) for e in await events(place.village, case)]
    assert told[-4:] == [
        ("incident.called", None), ("incident.answered", "on_the_way"),
        ("incident.answered", "accepted"), ("incident.called_arrived", "arrived"),
    ]  # fmt: skip
    again = await place.act(unit.handler, case, "answer", answer="refuse", note="晚了")
    assert (again.status_code, again.json()["code"]) == (409, "call_over")


async def test_a_refusal_needs_its_reason_and_ends_the_units_part(place: Place, unit: Unit) -> None:
    case = await called(place, place.village, units=[unit.code])
    without = await place.act(unit.handler, case, "answer", answer="refuse")
    assert without.status_code == 422
    refused = await place.act(unit.handler, case, "answer", answer="refuse", note="另有险情")
    assert refused.status_code == 200
    (call,) = (await shown(place.village, case))["calls"]
    assert (call["state"], call["reason"], call["outcome"]) == ("refused", "另有险情", "refused")
    assert (await unit.handler.get(f"/v1/incidents/{case['id']}")).status_code == 404
    assert (await place.act(unit.handler, case, "answer", answer="accept")).status_code == 404
    once_more = await place.act(place.village, case, "call", units=[unit.code])
    assert [c["state"] for c in once_more.json()["calls"]] == ["refused", "waiting"]


async def test_the_next_tier_is_called_and_answers(place: Place) -> None:
    case = await called(place, place.worker, units=[], next_tier=True)
    (call,) = case["calls"]
    assert (call["unit"], call["tier"], call["area"]) == (None, 2, place.spot.village)
    worker = await place.act(place.worker, case, "answer", answer="accept")
    assert (worker.status_code, worker.json()["code"]) == (403, "forbidden")
    answer = await place.act(place.village, case, "answer", answer="accept")
    assert answer.status_code == 200
    assert (await place.act(place.village, case, "arrive-call")).status_code == 200
    over = await place.act(place.village, case, "arrive-call")
    assert (over.status_code, over.json()["code"]) == (409, "call_over")


async def test_the_county_has_no_tier_above_to_call(place: Place) -> None:
    case = await place.bring_to("accepted")
    answer = await place.act(place.county, case, "call", units=[], next_tier=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_higher_tier")


async def test_who_was_not_called_answers_nothing(place: Place, unit: Unit) -> None:
    case = await place.bring_to("assigned")
    await place.act(place.county, case, "call", units=[unit.code])
    main = await place.act(place.handler, case, "answer", answer="accept")
    assert (main.status_code, main.json()["code"]) == (403, "not_called")
    dispatcher = await place.act(place.county, case, "arrive-call")
    assert (dispatcher.status_code, dispatcher.json()["code"]) == (403, "not_called")
    stranger = await place.act(place.other_handler, case, "answer", answer="accept")
    assert stranger.status_code == 404
    (call,) = (await shown(place.county, case))["calls"]
    assert (call["state"], call["answered_by"]) == ("waiting", None)


async def test_a_call_names_units_that_are_there_and_cover_the_place(
    place: Place, places: list[Place], database_url: str, people: People, unit: Unit
) -> None:
    elsewhere = make_unit(database_url, people, places[1].spot.village)
    case = await place.bring_to("accepted", category="1203", concerns_unit=unit.code)
    for body, status, code, pointer in (
        ({"units": ["no-such-unit"]}, 422, "bad_assignee", "/units/0"),
        ({"units": [UNIT, elsewhere.code]}, 422, "bad_assignee", "/units/1"),
        ({"units": [unit.code]}, 422, "bad_assignee", "/units/0"),
        ({"units": []}, 422, "invalid_input", ""),
        ({"units": [UNIT, UNIT]}, 422, "invalid_input", ""),
    ):
        answer = await place.act(place.county, case, "call", **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
        assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert (await shown(place.county, case))["version"] == case["version"]
    assert (await place.act(place.county, case, "call", units=[UNIT])).status_code == 200
    twice = await place.act(place.county, case, "call", units=[UNIT])
    assert (twice.status_code, twice.json()["code"]) == (409, "already_called")


async def test_a_call_by_a_lower_tier_than_holds_the_case_is_refused(place: Place) -> None:
    case = await place.bring_to("accepted")
    answer = await place.act(place.village, case, "call", units=[UNIT])
    assert (answer.status_code, answer.json()["code"]) == (403, "held_by_higher_tier")


async def test_an_unanswered_call_is_over_in_the_case_as_stored(
    place: Place, unit: Unit, app: Any
) -> None:
    case = await called(place, place.worker, units=[unit.code], next_tier=True)
    await place.act(unit.handler, case, "answer", answer="on_the_way")
    async with app.state.db.writing() as connection:
        stored = (await cases(connection, [UUID(case["id"])]))[UUID(case["id"])]
    assert expire_calls(stored, clock.now()) == []
    late = expire_calls(stored, clock.now() + timedelta(days=2))
    assert [(c.tier, c.state, c.outcome) for c in late] == [(2, "unanswered", "escalated")]
    assert [c.state for c in stored.calls] == ["on_the_way", "unanswered"]


async def test_a_called_unit_finds_its_calls_and_nobody_elses(
    place: Place, unit: Unit, people: People, database_url: str
) -> None:
    other = make_unit(database_url, people, place.spot.county)
    made = [await called(place, place.worker, units=[unit.code, other.code]) for _ in range(3)]
    first = (await unit.handler.get("/v1/calls?limit=2")).json()
    second = (await unit.handler.get(f"/v1/calls?limit=2&cursor={first['next']}")).json()
    found = [*first["items"], *second["items"]]
    assert second["next"] is None
    assert [c["incident"]["id"] for c in found] == [c["id"] for c in reversed(made)]
    assert {c["unit"] for c in found} == {unit.code}
    await place.act(unit.handler, made[0], "answer", answer="accept")
    waiting = (await unit.handler.get("/v1/calls?state=waiting")).json()["items"]
    assert len(waiting) == 2
    foreign = await unit.handler.get(f"/v1/calls?unit={other.code}")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert (await place.worker.get("/v1/calls")).json() == {"items": [], "next": None}
    assert (await place.administrator.get("/v1/calls")).status_code == 403


async def test_ten_answers_at_once_lose_nothing(
    place: Place, people: People, database_url: str
) -> None:
    units = [make_unit(database_url, people, place.spot.county) for _ in range(10)]
    case = await called(place, place.village, units=[u.code for u in units])
    answers = await asyncio.gather(
        *(place.act(u.handler, case, "answer", answer="accept") for u in units)
    )
    assert {a.status_code for a in answers} == {200}
    calls = (await shown(place.village, case))["calls"]
    assert [c["state"] for c in calls] == ["accepted"] * 10
    assert {c["answered_by"] for c in calls} == {str(u.handler.id) for u in units}


async def test_a_case_that_ends_ends_its_calls_and_says_so(place: Place, unit: Unit) -> None:
    case = await place.report()
    await place.act(place.worker, case, "accept")
    await place.act(place.worker, case, "call", units=[unit.code])
    assert (await place.act(place.village, case, "void")).status_code == 200
    (call,) = (await shown(place.village, case))["calls"]
    assert (call["state"], call["outcome"]) == ("unanswered", "case_void")
