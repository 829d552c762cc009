"""Simulating a draft over HTTP, against cases that were really played."""

from __future__ import annotations

import copy
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from service.incidents.policies import simulation_schemas
from service.incidents.policies.seed import defaults
from tests.cases import Place
from tests.people import People, Person
from tests.worktimes import enter_years

COUNTY = "511723"


@pytest.fixture(scope="module")
async def admin(people: People) -> Person:
    made = people.make(("administrator", COUNTY))
    await enter_years(made)
    return made


@pytest.fixture(scope="module")
async def played(places: list[Place]) -> dict[str, str]:
    """Cases with their ids: a manhole cover (L2) closed, one void, rubbish in two townships."""
    closed = await places[0].bring_to("closed")
    void = await places[0].bring_to("void")
    here = await places[0].report(category="0601")
    there = await places[1].report(category="0601")
    return {name: case["id"] for name, case in
            (("closed", closed), ("void", void), ("here", here), ("there", there))}  # fmt: skip


async def draft(admin: Person, body: dict[str, Any]) -> int:
    answer = await admin.post("/v1/response-policies", {"policy": body})
    assert answer.status_code == 201, answer.text
    version: int = answer.json()["version"]
    return version


async def simulated(who: Person, version: int, **asked: Any) -> dict[str, Any]:
    answer = await who.post(f"/v1/response-policies/{version}/simulate", asked)
    assert answer.status_code == 200, answer.text
    simulation_schemas.Simulation.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


async def test_the_newest_cases_are_replayed_under_the_draft_and_the_policy_in_force(
    admin: Person, played: dict[str, str]
) -> None:
    version = await draft(admin, copy.deepcopy(defaults().policy))
    found = await simulated(admin, version)
    assert (found["version"], found["in_force"]) == (version, 1)
    assert (found["cases"], found["open"], found["without_calendar"]) == (3, 2, 0)
    steps = {s["step"]: s for s in found["steps"]}
    # Reported once each, and the cover climbed three tiers before it was accepted.
    assert steps["accept"]["draft"]["judged"] == 6
    assert steps["accept"]["in_force"] == steps["accept"]["draft"]
    assert steps["finish"]["draft"] == {"judged": 3, "late": 0, "supervised": 0}
    tiers = {t["tier"]: t["draft"]["stays"] for t in found["tiers"]}
    assert tiers == {1: 3, 2: 1, 3: 1}
    assert found["totals"]["draft"] == {"late": 0, "escalated": 0, "supervised": 0}
    assert found["examples"] == []
    assert found["first_reported_at"] < found["last_reported_at"]


async def test_only_the_area_and_category_that_are_asked_are_replayed(
    admin: Person, played: dict[str, str], places: list[Place]
) -> None:
    version = await draft(admin, copy.deepcopy(defaults().policy))
    spot = places[0].spot
    for asked, cases in (
        ({"category": "06"}, 2), ({"category": "0601"}, 2), ({"category": "0602"}, 0),
        ({"area": spot.township}, 2), ({"area": spot.village}, 2), ({"area": spot.grid}, 2),
        ({"area": spot.grid, "category": "0502"}, 1), ({"last": 1}, 1), ({"last": 2}, 2),
        ({"area": "511723999"}, 0), ({"area": "511799"}, 0),
    ):  # fmt: skip
        found = await simulated(admin, version, **asked)
        assert found["cases"] == cases, asked
    nothing = await simulated(admin, version, category="0602")
    assert nothing["first_reported_at"] is None


async def test_what_would_have_been_late_is_shown_by_example(
    admin: Person, place: Place, database_url: str
) -> None:
    late = await place.report(category="0502")
    assert (await place.act(place.worker, late, "accept")).status_code == 200
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE case_event SET recorded_at = recorded_at - interval '29 minutes'"
            " WHERE case_id = %s AND seq = 1",
            (late["id"],),
        )
    body = copy.deepcopy(defaults().policy)
    body["levels"]["2"]["accept"] = "20min"
    found = await simulated(admin, await draft(admin, body), last=1)
    accept = found["steps"][0]
    # 29 minutes are within today's 30, and beyond 120 % of the draft's 20.
    assert accept["draft"] == {"judged": 1, "late": 1, "supervised": 1}
    assert accept["in_force"] == {"judged": 1, "late": 0, "supervised": 0}
    assert found["totals"]["draft"] == {"late": 1, "escalated": 0, "supervised": 1}
    assert found["examples"] == [
        {
            "id": late["id"],
            "number": late["number"],
            "category": "0502",
            "level": 2,
            "grid": place.spot.grid,
            "draft": {"late": ["accept"], "escalated": [], "supervised": True},
            "in_force": {"late": [], "escalated": [], "supervised": False},
        }
    ]


async def test_a_draft_that_contradicts_itself_is_not_replayed(admin: Person) -> None:
    body = copy.deepcopy(defaults().policy)
    del body["levels"]["2"]
    version = await draft(admin, body)
    refused = await admin.post(f"/v1/response-policies/{version}/simulate", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "response_policy_invalid")
    assert refused.json()["errors"][0]["pointer"] == "/levels/2"


@pytest.mark.parametrize(
    "body", [{"last": 0}, {"last": 10_001}, {"area": "5117"}, {"category": "6"}, {"extra": 1}]
)
async def test_what_cannot_be_asked_is_refused(admin: Person, body: dict[str, Any]) -> None:
    assert (await admin.post("/v1/response-policies/1/simulate", body)).status_code == 422


async def test_a_version_that_is_not_there_is_404(admin: Person) -> None:
    assert (await admin.post("/v1/response-policies/999999/simulate", {})).status_code == 404


async def test_the_histories_are_shown_to_the_countys_administrators_alone(
    app: FastAPI, place: Place, people: People, played: dict[str, str]
) -> None:
    query = "SELECT count(*) FROM gw_incident_histories('511723', NULL, 100, 1000)"
    local = people.make(("administrator", place.spot.township))
    elsewhere = people.make(("administrator", "511799"))
    for who in (place.worker, place.county, place.auditor, local, elsewhere):
        async with app.state.db.reads.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('gridward.actor', $1, true)", str(who.id))
            assert await connection.fetchval(query) == 0, who


async def test_a_worker_who_accepts_is_judged_by_being_there_and_not_by_an_assignment(
    admin: Person, places: list[Place]
) -> None:
    """As the clocks of the running case are; a history with an extension is replayed as well."""
    place = places[2]
    case = await place.report(category="0601")
    assert (await place.act(place.worker, case, "accept")).status_code == 200
    version = await draft(admin, copy.deepcopy(defaults().policy))
    found = await simulated(admin, version, area=place.spot.village, category="0601")
    judged = {step["step"]: step["draft"]["judged"] for step in found["steps"]}
    assert judged == {"accept": 1, "assign": 0, "on_site": 1, "finish": 1, "close": 0}
    for who, action, body in (
        (place.county, "assign", {}),
        (place.handler, "arrive", {}),
        (place.handler, "extend", {"duration": "1wh"}),
        (place.county, "approve-extension", {}),
    ):
        answer = await place.act(who, case, action, **body)
        assert answer.status_code == 200, answer.text
    found = await simulated(admin, version, area=place.spot.village, category="0601")
    judged = {step["step"]: step["draft"]["judged"] for step in found["steps"]}
    assert judged == {"accept": 1, "assign": 0, "on_site": 2, "finish": 1, "close": 0}
