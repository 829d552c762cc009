"""Duplicates and 并案 over HTTP: proposed, merged, declined, split off; both cases tell it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import psycopg
import pytest

from tests.cases import Place
from tests.people import People
from tests.together import Unit, events, make_unit, ordered, shown

METRES = 110_900.0


def near(place: Place, metres: float) -> dict[str, Any]:
    """A position so many metres south of the place."""
    spot = place.spot
    return {"lon": spot.lon, "lat": spot.lat - metres / METRES, "crs": "cgcs2000"}


async def proposed(place: Place, case: dict[str, Any], by: str = "county") -> list[dict[str, Any]]:
    answer = await getattr(place, by).get(f"/v1/incidents/{case['id']}/duplicates")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_what_may_be_the_same_is_proposed_nearest_first(
    places: list[Place], database_url: str
) -> None:
    place = places[2]
    case = await place.report(category="0802")
    wanted = [await place.report(category="0802", location=near(place, m)) for m in (60, 10, 90)]
    await place.report(category="0802", location=near(place, 130))
    await place.report(category="0801")
    old = await place.report(category="0802", location=near(place, 5))
    void = await place.report(category="0802", location=near(place, 6))
    await place.act(place.village, void, "void")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE incident SET reported_at = reported_at - interval '31 days' WHERE id = %s",
            (old["id"],),
        )
    found = await proposed(place, case)
    assert [c["id"] for c in found] == [wanted[i]["id"] for i in (1, 0, 2)]
    for metres, shown_case in zip((10, 60, 90), found, strict=True):
        assert math.isclose(shown_case["distance_m"], metres, abs_tol=1)
        assert shown_case["mergeable"] is True
    assert await proposed(place, case, "village") == found
    assert (
        await places[0].village.get(f"/v1/incidents/{case['id']}/duplicates")
    ).status_code == 404


async def test_a_merged_case_follows_its_master(place: Place) -> None:
    master = await place.bring_to("assigned")
    case = await place.report()
    merged = await place.act(place.village, case, "merge", master=master["id"], note="同一处")
    assert merged.status_code == 200, merged.text
    assert (merged.json()["state"], merged.json()["available_actions"]) == ("merged", ["split-off"])
    assert merged.json()["master"] == {
        "id": master["id"], "number": master["number"], "state": "assigned",
    }  # fmt: skip
    assert (await shown(place.village, case))["master"] == merged.json()["master"]
    seen = await shown(place.county, master)
    assert seen["merged"] == [case["id"]]
    assert (seen["state"], seen["version"]) == ("assigned", master["version"] + 1)
    last = (await events(place.county, master))[-1]
    assert (last["event"], last["payload"]["incident"]) == ("incident.took_in", case["id"])
    assert (await events(place.village, case))[-1]["event"] == "incident.merged"
    for who, action in (
        (place.handler, "arrive"), (place.handler, "submit"), (place.county, "verify"),
        (place.county, "close"),
    ):  # fmt: skip
        assert (await place.act(who, master, action)).status_code == 200
    followed = await shown(place.worker, case)
    assert (followed["state"], followed["master"]["state"]) == ("merged", "closed")
    late = await place.act(place.village, case, "split-off")
    assert (late.status_code, late.json()["code"]) == (409, "master_is_closed")


async def test_who_cannot_see_the_master_still_learns_how_it_stands(
    place: Place, places: list[Place]
) -> None:
    there = places[1]
    case, master = await place.report(), await there.report()
    assert (await place.act(place.county, case, "merge", master=master["id"])).status_code == 200
    assert (await place.worker.get(f"/v1/incidents/{master['id']}")).status_code == 404
    assert (await shown(place.worker, case))["master"]["state"] == "reported"


async def test_what_was_merged_in_error_is_split_off_again(place: Place) -> None:
    master, case = await place.report(), await place.report()
    await place.act(place.village, case, "merge", master=master["id"])
    lower = await place.act(place.worker, case, "split-off")
    assert (lower.status_code, lower.json()["code"]) == (403, "forbidden")
    back = await place.act(place.village, case, "split-off", note="两处")
    assert back.status_code == 200, back.text
    assert (back.json()["state"], back.json()["master"]) == ("accepted", None)
    assert (await shown(place.village, master))["merged"] == []
    told = [e["event"] for e in await events(place.village, master)]
    assert told == ["incident.reported", "incident.took_in", "incident.let_out"]
    assert (await place.act(place.village, case, "assign")).status_code == 200


async def test_what_is_declined_is_not_proposed_again(places: list[Place]) -> None:
    place = places[2]
    case = await place.report(category="0804")
    other = await place.report(category="0804")
    assert [c["id"] for c in await proposed(place, case)] == [other["id"]]
    declined = await place.act(place.village, case, "decline-duplicate", duplicate=other["id"])
    assert (declined.status_code, declined.json()["state"]) == (200, "reported")
    assert await proposed(place, case) == []
    assert await proposed(place, other) == []
    assert (await events(place.village, case))[-1]["payload"]["duplicate"] == other["id"]


async def test_chains_circles_and_closed_masters_are_refused(
    place: Place, people: People, database_url: str
) -> None:
    first, second, third = [await place.report() for _ in range(3)]
    assert (await place.act(place.village, first, "merge", master=second["id"])).status_code == 200
    closed = await place.bring_to("closed")
    busy = await place.bring_to("assigned")
    unit: Unit = make_unit(database_url, people, place.spot.county)
    await ordered(place, busy, unit.code)
    for case, master, code in (
        (third, third, "merged_into_itself"),
        (third, first, "master_is_merged"),
        (second, third, "is_a_master"),
        (second, first, "is_a_master"),
        (third, closed, "master_is_closed"),
        (busy, third, "sub_orders_open"),
        (first, third, "action_not_allowed"),
    ):
        answer = await place.act(place.county, case, "merge", master=master["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, code), code
    itself = await place.act(place.county, third, "decline-duplicate", duplicate=third["id"])
    assert (itself.status_code, itself.json()["code"]) == (409, "merged_into_itself")
    assert (await shown(place.county, third))["version"] == 1


async def test_a_master_outside_ones_scope_is_unknown(place: Place, places: list[Place]) -> None:
    case, far = await place.report(), await places[1].report()
    for master in (far["id"], "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"):
        answer = await place.act(place.village, case, "merge", master=master)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_case")
        answer = await place.act(place.village, case, "decline-duplicate", duplicate=master)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_case")
    assert (await shown(place.village, case))["version"] == 1


async def test_both_change_or_neither_whoever_comes_at_once(place: Place) -> None:
    """Many merges, one into the other and back, into one master, with steps between."""
    for _ in range(3):
        one, two, *more = [await place.report() for _ in range(6)]
        answers = await asyncio.gather(
            place.act(place.village, one, "merge", master=two["id"]),
            place.act(place.township, two, "merge", master=one["id"]),
            *(place.act(place.village, c, "merge", master=two["id"]) for c in more),
            place.act(place.worker, two, "accept"),
            place.act(place.worker, one, "accept"),
        )
        assert all(a.status_code in (200, 409) for a in answers), [a.text for a in answers]
        cases = [await shown(place.county, c) for c in (one, two, *more)]
        merged = {c["id"]: c["master"]["id"] for c in cases if c["state"] == "merged"}
        assert merged
        for case in cases:
            assert sorted(case["merged"]) == sorted(i for i, m in merged.items() if m == case["id"])
            assert not (case["merged"] and case["state"] == "merged")
            told = await events(place.county, case)
            assert [e["seq"] for e in told] == list(range(1, case["version"] + 1))


async def test_a_replayed_merge_gives_the_first_answer_and_changes_nothing(place: Place) -> None:
    master, case = await place.report(), await place.report()
    path, body = f"/v1/incidents/{case['id']}/merge", {"master": master["id"]}
    key = {"idempotency-key": f"merge {case['id']}"}
    answers = [await place.village.post(path, body, headers=key) for _ in range(3)]
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert (await shown(place.village, master))["version"] == 2
    other = await place.village.post(path, {"master": case["id"]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize("body", [{}, {"master": "x"}, {"master": None}])
async def test_a_merge_names_its_master(place: Place, body: dict[str, Any]) -> None:
    case = await place.report()
    assert (await place.village.post(f"/v1/incidents/{case['id']}/merge", body)).status_code == 422
