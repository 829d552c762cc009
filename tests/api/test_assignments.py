"""Roles given and ended over HTTP, and the units that some of them need."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.auth import schemas
from service.auth.unit_actions import unit_id
from service.kit import clock
from service.kit.ids import uuid7
from tests.logins import events
from tests.offices import (
    COUNTY,
    HERE,
    OTHER_VILLAGE,
    THERE,
    TOWN_UNIT,
    UNIT,
    VILLAGE,
    give,
    given,
    new,
    patch,
    prepare,
    refusal,
    unit_body,
)
from tests.people import People, Person


@pytest.fixture(scope="module", autouse=True)
def places(database_url: str) -> None:
    """The places and units that these tests name."""
    prepare(database_url)


@pytest.fixture(scope="module")
def county(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def township(people: People) -> Person:
    return people.make(("administrator", HERE))


async def test_a_role_begins_and_ends_at_once(
    township: Person, people: People, database_url: str
) -> None:
    made = await new(township)
    async with people.acting_as(UUID(made["id"])) as http:
        assert (await http.get("/v1/me")).json()["permissions"] == []
        role = await given(township, made["id"], "village_dispatcher", VILLAGE)
        me = schemas.Me.model_validate((await http.get("/v1/me")).json())
        assert me.roles == ["village_dispatcher"]
        assert (me.areas, me.units) == ([VILLAGE], [])
        assert "incident:assign" in me.permissions
        ended = await township.post(f"/v1/assignments/{role['id']}/end", {"note": "轮岗"})
        assert schemas.AssignmentOut.model_validate(ended.json()).valid_to is not None
        assert (await http.get("/v1/me")).json()["roles"] == []
    again = await township.post(f"/v1/assignments/{role['id']}/end")
    assert refusal(again) == (409, "already_ended")
    assert events(database_url, role["id"]) == ["assignment.granted", "assignment.ended"]


async def test_a_role_to_come_can_be_taken_back(township: Person, people: People) -> None:
    made = await new(township)
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    role = await given(township, made["id"], "grid_worker", VILLAGE, valid_from=tomorrow)
    async with people.acting_as(UUID(made["id"])) as http:
        assert (await http.get("/v1/me")).json()["roles"] == []
    ended = (await township.post(f"/v1/assignments/{role['id']}/end")).json()
    assert ended["valid_to"] == ended["valid_from"]
    await given(township, made["id"], "grid_worker", VILLAGE, valid_from=tomorrow)


async def test_the_same_role_is_given_once_even_in_parallel(township: Person) -> None:
    made = await new(township)
    answers = await asyncio.gather(
        *(give(township, made["id"], "grid_worker", VILLAGE) for _ in range(3))
    )
    assert sorted(a.status_code for a in answers) == [201, 409, 409]
    assert (await give(township, made["id"], "proxy_agent", VILLAGE)).status_code == 201


async def test_a_client_made_id_makes_a_grant_replayable(township: Person) -> None:
    made = await new(township)
    more = {"id": str(uuid7())}
    first = await given(township, made["id"], "grid_worker", VILLAGE, **more)
    assert await given(township, made["id"], "grid_worker", VILLAGE, **more) == first
    other = await give(township, made["id"], "proxy_agent", VILLAGE, **more)
    assert refusal(other) == (409, "idempotency_key_reused")


PAST, SOON = "2020-01-01T00:00:00+08:00", "2090-01-01T00:00:00+08:00"
BAD_GRANTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "an area of thirteen digits": ({"area": f"{VILLAGE}1"}, 422, "invalid_input"),
    "a role of another level": ({"area": HERE}, 422, "role_misplaced"),
    "a handler without a unit": ({"role": "unit_handler", "area": HERE}, 422, "role_misplaced"),
    "a unit that does not work there": (
        {"role": "unit_handler", "area": THERE, "unit": TOWN_UNIT}, 422, "role_misplaced",
    ),
    "a unit that does not exist": (
        {"role": "unit_handler", "area": HERE, "unit": "no-such"}, 422, "unknown_unit",
    ),
    "a person as a system": ({"role": "integration_client", "area": HERE}, 422, "role_misplaced"),
    "a grid that does not exist": (
        {"role": "grid_worker", "area": f"{VILLAGE}999"}, 422, "unknown_area",
    ),
    "full-width digits": ({"area": "511723１００"}, 422, "invalid_input"),
    "a start in the past": ({"valid_from": PAST}, 422, "bad_period"),
    "an end before the start": ({"valid_from": SOON, "valid_to": SOON}, 422, "bad_period"),
    "a time without offset": ({"valid_to": "2090-01-01T00:00:00"}, 422, "invalid_input"),
    "an unknown role": ({"role": "king"}, 422, "invalid_input"),
    "an account that does not exist": ({"account_id": str(uuid7())}, 404, "not_found"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_GRANTS)
async def test_a_bad_grant_is_refused(case: str, county: Person) -> None:
    more, status, code = BAD_GRANTS[case]
    made = await new(county)
    body = {"account_id": made["id"], "role": "grid_worker", "area": VILLAGE, **more}
    answer = await county.post("/v1/assignments", body)
    assert refusal(answer) == (status, code), answer.text


async def test_assignments_are_listed_inside_the_area_with_those_that_ended_on_request(
    county: Person, township: Person
) -> None:
    made = await new(county, HERE)
    here = await given(county, made["id"], "grid_worker", VILLAGE)
    there = await given(county, made["id"], "grid_worker", OTHER_VILLAGE)

    async def listed(by: Person, **more: str) -> list[str]:
        params = {"account": made["id"], **more}
        answer = await by.get("/v1/assignments", params=params)
        page = schemas.AssignmentPage.model_validate(answer.json())
        return [str(item.id) for item in page.items]

    assert await listed(county) == [here["id"], there["id"]]
    assert await listed(township) == [here["id"]]
    assert await listed(county, area=THERE) == [there["id"]]
    await county.post(f"/v1/assignments/{here['id']}/end")
    assert await listed(county) == [there["id"]]
    assert await listed(county, ended="true") == [here["id"], there["id"]]


@pytest.mark.parametrize(("area", "tier"), [(COUNTY, 4), (HERE, 3), (VILLAGE, 2)])
async def test_a_units_tier_follows_from_its_area(
    area: str, tier: int, county: Person, database_url: str
) -> None:
    body = unit_body(area)
    made = await county.post("/v1/units", body)
    assert made.status_code == 201, made.text
    assert schemas.UnitOut.model_validate(made.json()).tier == tier
    assert refusal(await county.post("/v1/units", body)) == (409, "unit_taken")
    assert events(database_url, unit_id(body["code"])) == ["unit.created"]


async def test_a_unit_out_of_use_takes_nobody(
    township: Person, people: People, database_url: str
) -> None:
    body = unit_body(HERE)
    await township.post("/v1/units", body)
    path = f"/v1/units/{body['code']}"
    changed = await patch(township, path, {"active": False, "name_zh": "旧站"})
    assert (changed.json()["active"], changed.json()["name_zh"]) == (False, "旧站")
    assert changed.json()["name_en"] == "Station"
    made = await new(township)
    refused = await give(township, made["id"], "unit_handler", HERE, unit=body["code"])
    assert refusal(refused) == (422, "unknown_unit")
    assert events(database_url, unit_id(body["code"])) == ["unit.created", "unit.changed"]
    worker = people.make(("grid_worker", VILLAGE))
    listed = (await worker.get("/v1/units", params={"area": VILLAGE, "active": "true"})).json()
    codes = [schemas.UnitOut.model_validate(item).code for item in listed["items"]]
    assert codes == sorted(codes)
    assert {UNIT, TOWN_UNIT} <= set(codes)
    assert body["code"] not in codes
    assert refusal(await patch(township, "/v1/units/no-such", {"active": True}))[0] == 404
