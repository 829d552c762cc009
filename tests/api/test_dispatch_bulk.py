"""One action on many cases: each row by itself, strangers harm nobody, a replay does nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.dispatch.schemas import BulkResult
from service.kit.ids import uuid7
from tests.cases import UNIT, Place
from tests.people import Person

BULK = "/v1/dispatch/bulk"


async def bulk(
    who: Person, action: str, items: list[Any], key: str | None = None, **body: Any
) -> httpx.Response:
    rows = [item if isinstance(item, dict) else {"id": item} for item in items]
    headers = {"idempotency-key": key} if key else {}
    sent = {"action": action, "items": rows, "input": body}
    return await who.post(BULK, sent, headers=headers)


def results(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    BulkResult.model_validate(answer.json())
    return [
        row["result"] if row["problem"] is None else row["problem"]["code"]
        for row in answer.json()["items"]
    ]


async def test_every_row_has_its_own_result_in_order(places: list[Place]) -> None:
    here, there = places[0], places[1]
    good = [(await here.report())["id"] for _ in range(3)]
    moved_on = (await here.report())["id"]
    assert (await here.act(here.village, moved_on, "accept")).status_code == 200
    above = (await here.bring_to("reported"))["id"]
    strange = (await there.report())["id"]
    nowhere = str(uuid7())
    stale = {"id": (await here.report())["id"], "expected_version": 7}
    exact = {"id": (await here.report())["id"], "expected_version": 1}
    rows = [good[0], strange, good[1], nowhere, moved_on, stale, above, exact, good[2]]
    answer = await bulk(here.village, "accept", rows, note="统一受理")
    assert results(answer) == [
        "applied", "not_found", "applied", "not_found", "action_not_allowed", "stale_version",
        "held_by_higher_tier", "applied", "applied",
    ]  # fmt: skip
    items = answer.json()["items"]
    assert [item["id"] for item in items] == [r["id"] if isinstance(r, dict) else r for r in rows]
    assert items[0]["incident"]["state"] == "accepted"
    assert items[5]["problem"]["current_version"] == 1
    assert (await there.worker.get(f"/v1/incidents/{strange}")).json()["state"] == "reported"
    told = (await here.village.get(f"/v1/incidents/{good[0]}/timeline")).json()["items"]
    assert told[-1]["payload"]["note"] == "统一受理"


async def test_a_replay_does_nothing_twice_and_finishes_what_was_left(place: Place) -> None:
    cases = [(await place.report())["id"] for _ in range(4)]
    key = f"key {uuid4()}"
    first = await bulk(place.village, "accept", cases, key)
    assert results(first) == ["applied"] * 4
    assert "idempotency-replayed" not in first.headers
    again = await bulk(place.village, "accept", cases, key)
    assert results(again) == ["duplicate"] * 4
    assert again.headers["idempotency-replayed"] == "true"
    assert [r["incident"] for r in again.json()["items"]] == [
        r["incident"] for r in first.json()["items"]
    ]
    other = await bulk(place.village, "accept", cases[:2], key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    timeline = (await place.village.get(f"/v1/incidents/{cases[0]}/timeline")).json()["items"]
    assert [step["action"] for step in timeline] == ["report", "accept"]


async def test_two_bulks_over_the_same_cases_at_once_apply_each_case_once(place: Place) -> None:
    cases = [(await place.report())["id"] for _ in range(20)]
    answers = await asyncio.gather(
        *(bulk(who, "accept", cases) for who in (place.village, place.township, place.county))
    )
    for outcomes in zip(*(results(answer) for answer in answers), strict=True):
        assert sorted(outcomes) == ["action_not_allowed", "action_not_allowed", "applied"]


async def test_two_hundred_cases_are_assigned_in_one_request(place: Place) -> None:
    cases = [case["id"] for case in await asyncio.gather(*(place.report() for _ in range(200)))]
    assert set(results(await bulk(place.village, "accept", cases))) == {"applied"}
    assigned = await bulk(place.village, "assign", cases, str(uuid4()), unit=UNIT)
    assert set(results(assigned)) == {"applied"}
    assert {row["incident"]["holder"]["unit"] for row in assigned.json()["items"]} == {UNIT}


async def test_what_the_action_cannot_take_is_refused_before_anything_is_done(
    place: Place,
) -> None:
    case = (await place.report())["id"]
    answers: list[tuple[dict[str, Any], str]] = [
        ({"action": "reject", "items": [{"id": case}], "input": {}}, "/input/note"),
        ({"action": "accept", "items": [{"id": case}], "input": {"unit": UNIT}}, "/input/unit"),
        ({"action": "assign", "items": [{"id": case}], "input": {}}, "/input"),
        ({"action": "report", "items": [{"id": case}]}, "/action"),
        ({"action": "fly", "items": [{"id": case}]}, "/action"),
        ({"action": "accept", "items": []}, "/items"),
        ({"action": "accept", "items": [{"id": case}, {"id": case}]}, "/"),
        ({"action": "accept", "items": [{"id": str(uuid7())} for _ in range(201)]}, "/items"),
        ({"action": "accept", "items": [{"id": "1"}]}, "/items/0/id"),
        ({"action": "accept", "items": [{"id": case, "version": 1}]}, "/items/0/version"),
        ({"action": "accept", "items": [{"id": case, "expected_version": 0}]},
         "/items/0/expected_version"),
        ({"items": [{"id": case}]}, "/action"),
    ]  # fmt: skip
    for body, pointer in answers:
        answer = await place.village.post(BULK, body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    shown = (await place.village.get(f"/v1/incidents/{case}")).json()
    assert (shown["state"], shown["version"]) == ("reported", 1)


async def test_a_role_without_the_action_is_told_so_in_each_row(place: Place) -> None:
    case = (await place.report())["id"]
    assert results(await bulk(place.auditor, "accept", [case])) == ["forbidden"]
    assert results(await bulk(place.agent, "accept", [case])) == ["not_found"]


@pytest.mark.parametrize(("language", "part"), [("en", "no such thing"), ("zh", "没有找到")])
async def test_a_row_speaks_the_callers_language(language: str, part: str, place: Place) -> None:
    body = {"action": "accept", "items": [{"id": str(uuid7())}]}
    answer = await place.village.post(BULK, body, headers={"accept-language": language})
    assert part in answer.json()["items"][0]["problem"]["detail"]
