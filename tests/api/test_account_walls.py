"""Who administers and reads whom: inside the own area, and nobody the own account."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from service.auth import schemas
from service.kit.ids import uuid7
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
    login,
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


async def test_a_townships_administrator_cannot_touch_the_county_or_another_township(
    county: Person, township: Person
) -> None:
    high, far = await new(county, COUNTY), await new(county, THERE)
    reaching = await new(county, HERE)
    await given(county, reaching["id"], "auditor", COUNTY)
    mine = await new(township)
    elsewhere = await given(county, far["id"], "township_dispatcher", THERE)
    body = {"login": login(), "name": "王芳"}
    outside, nowhere = (403, "outside_area"), (404, "not_found")
    tried = [
        (await township.post("/v1/accounts", {**body, "area": COUNTY}), outside),
        (await township.post("/v1/accounts", {**body, "area": THERE}), outside),
        (await township.get(f"/v1/accounts/{high['id']}"), nowhere),
        (await patch(township, f"/v1/accounts/{high['id']}", {"reset_password": True}), nowhere),
        (await patch(township, f"/v1/accounts/{far['id']}", {"name": "x"}), nowhere),
        (await patch(township, f"/v1/accounts/{reaching['id']}", {"unlock": True}), outside),
        (await patch(township, f"/v1/accounts/{mine['id']}", {"area": THERE}), outside),
        (await give(township, mine["id"], "township_dispatcher", THERE), outside),
        (await give(township, mine["id"], "administrator", COUNTY), outside),
        (await give(township, mine["id"], "unit_handler", HERE, unit=UNIT), outside),
        (await give(township, mine["id"], "county_dispatcher", HERE), (422, "role_misplaced")),
        (await give(township, far["id"], "grid_worker", VILLAGE), nowhere),
        (await township.post(f"/v1/assignments/{elsewhere['id']}/end"), nowhere),
        (await township.post("/v1/units", unit_body(COUNTY)), outside),
        (await patch(township, f"/v1/units/{UNIT}", {"active": False}), outside),
    ]  # fmt: skip
    assert [refusal(answer) for answer, _ in tried] == [expected for _, expected in tried]


async def test_a_handler_of_a_county_unit_is_out_of_a_townships_hands(
    county: Person, township: Person
) -> None:
    made = await new(township)
    role = await given(county, made["id"], "unit_handler", HERE, unit=UNIT)
    ended = await township.post(f"/v1/assignments/{role['id']}/end")
    reset = await patch(township, f"/v1/accounts/{made['id']}", {"reset_password": True})
    assert refusal(ended) == refusal(reset) == (403, "outside_area")


async def test_nobody_administers_the_own_account(people: People) -> None:
    me = people.make(("administrator", COUNTY))
    mine = (await me.get("/v1/assignments", params={"account": str(me.id)})).json()["items"]
    tried = [
        await patch(me, f"/v1/accounts/{me.id}", {"name": "我"}),
        await give(me, me.id, "auditor", COUNTY),
        await me.post(f"/v1/assignments/{mine[0]['id']}/end"),
    ]
    assert [refusal(answer) for answer in tried] == [(403, "own_account")] * 3


@pytest.mark.parametrize(
    "role", ["grid_worker", "proxy_agent", "unit_handler", "village_dispatcher", "auditor"]
)
async def test_only_an_administrator_administers(role: str, people: People, county: Person) -> None:
    area = VILLAGE if role != "auditor" else COUNTY
    somebody = people.make((role, area, UNIT) if role == "unit_handler" else (role, area))
    other = await new(county)
    tried = [
        await somebody.post("/v1/accounts", {"login": login(), "name": "a", "area": VILLAGE}),
        await patch(somebody, f"/v1/accounts/{other['id']}", {"name": "b"}),
        await give(somebody, other["id"], "grid_worker", VILLAGE),
        await somebody.post(f"/v1/assignments/{uuid7()}/end"),
        await somebody.post("/v1/units", unit_body(VILLAGE)),
        await patch(somebody, f"/v1/units/{UNIT}", {"active": False}),
    ]
    assert [refusal(answer) for answer in tried] == [(403, "forbidden")] * 6
    reads = role in ("village_dispatcher", "auditor")
    for path in ("/v1/accounts", "/v1/assignments"):
        assert (await somebody.get(path)).status_code == (200 if reads else 403)


async def test_an_administrator_who_was_dismissed_administers_no_more(
    app: FastAPI, people: People, county: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = people.make(("administrator", HERE))
    monkeypatch.setattr(app.state.subjects, "_seconds", 60.0)
    assert (await late.get("/v1/me")).json()["roles"] == ["administrator"]
    role = (await county.get("/v1/assignments", params={"account": str(late.id)})).json()["items"]
    monkeypatch.setattr(app.state.subjects, "forget", lambda _account: None)
    assert (await county.post(f"/v1/assignments/{role[0]['id']}/end")).status_code == 200
    answer = await late.post("/v1/accounts", {"login": login(), "name": "a", "area": HERE})
    assert refusal(answer) == (403, "outside_area")
    app.state.subjects._known.clear()


async def found(by: Person, **filters: str) -> set[str]:
    """Ids of every account that `by` finds, over all pages."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {**filters, "limit": "3"} | ({"cursor": cursor} if cursor else {})
        answer = await by.get("/v1/accounts", params=params)
        page = schemas.AccountPage.model_validate(answer.json())
        seen += [str(item.id) for item in page.items]
        cursor = page.next
        if cursor is None:
            assert len(seen) == len(set(seen))
            return set(seen)


async def test_a_dispatcher_finds_who_can_handle_in_the_own_area_and_nobody_else(
    people: People, county: Person
) -> None:
    worker = people.make(("grid_worker", VILLAGE), name="网格员")
    far = people.make(("grid_worker", OTHER_VILLAGE))
    clerk = people.make(("unit_handler", HERE, TOWN_UNIT))
    both = people.make(("grid_worker", VILLAGE), ("auditor", COUNTY))
    town = people.make(("township_dispatcher", HERE))
    village = people.make(("village_dispatcher", VILLAGE))

    of_town = await found(town, area=VILLAGE)
    assert {str(worker.id), str(clerk.id), str(both.id)} <= of_town
    assert str(far.id) not in of_town
    assert str(clerk.id) not in await found(village, area=VILLAGE)
    assert await found(town, unit=TOWN_UNIT) == {str(clerk.id)}
    workers = await found(town, area=VILLAGE, role="grid_worker")
    assert str(worker.id) in workers
    assert str(clerk.id) not in workers
    assert await found(town, area=OTHER_VILLAGE, role="grid_worker") == set()
    assert str(far.id) in await found(county, area=OTHER_VILLAGE, role="grid_worker")
    assert await found(town, login=worker.login) == {str(worker.id)}

    shown = (await town.get(f"/v1/accounts/{both.id}")).json()
    assert [role["area"] for role in shown["assignments"]] == [VILLAGE]
    assert (await town.get(f"/v1/accounts/{far.id}")).status_code == 404


async def test_a_cursor_belongs_to_its_caller_and_filters(county: Person, people: People) -> None:
    for _ in range(3):
        await new(county)
    cursor = (await county.get("/v1/accounts?limit=1")).json()["next"]
    other = people.make(("administrator", COUNTY))
    for by, query in ((other, ""), (county, "&status=active"), (county, "x")):
        answer = await by.get(f"/v1/accounts?limit=1&cursor={cursor}{query}")
        assert refusal(answer) == (400, "bad_cursor")


async def test_the_other_issuers_subject_is_shown_to_administrators_only(
    county: Person, people: People
) -> None:
    made = await new(county, oidc_subject="sub-hidden")
    town = people.make(("township_dispatcher", HERE))
    assert (await town.get(f"/v1/accounts/{made['id']}")).json()["oidc_subject"] is None
    assert "sub-hidden" in (await county.get(f"/v1/accounts/{made['id']}")).text


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "role=king", "area=12", "status=odd", "unit=%20", "login=A",
     "area=５１１７２３"],
)  # fmt: skip
async def test_a_bad_filter_is_refused(query: str, county: Person) -> None:
    answer = await county.get(f"/v1/accounts?{query}")
    assert refusal(answer) == (422, "invalid_input")
