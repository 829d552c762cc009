"""Lists of incidents: filters, keyset pages, and what a caller's scope leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.incidents.shown import IncidentPage
from tests.cases import Place
from tests.people import Person


async def ids(who: Person, **params: Any) -> list[str]:
    answer = await who.get("/v1/incidents", params=params)
    assert answer.status_code == 200, answer.text
    IncidentPage.model_validate(answer.json())
    return [row["id"] for row in answer.json()["items"]]


async def walk(who: Person, **params: Any) -> list[str]:
    """All ids of a list, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {**params, **({"cursor": cursor} if cursor else {})}
        page = (await who.get("/v1/incidents", params=query)).json()
        found += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


async def test_pages_hold_every_row_once_newest_first(places: list[Place]) -> None:
    place = places[0]
    made = [(await place.report())["id"] for _ in range(7)]
    found = await walk(place.village, limit=3)
    assert [i for i in found if i in made] == made[::-1]
    assert len(found) == len(set(found))
    every = await walk(place.county, limit=200)
    assert set(made) <= set(every)


async def test_rows_that_arrive_meanwhile_do_not_shift_a_page(place: Place) -> None:
    made = [(await place.report())["id"] for _ in range(4)]
    first = (await place.worker.get("/v1/incidents", params={"limit": 2})).json()
    await place.report()
    second = await place.worker.get("/v1/incidents", params={"limit": 2, "cursor": first["next"]})
    seen = [row["id"] for row in first["items"] + second.json()["items"]]
    assert seen == made[::-1]


async def test_each_filter_narrows(places: list[Place]) -> None:
    place = places[1]
    cover = await place.report(description="河滨路井盖丢失 ABC")
    rubbish = await place.report(category="0601", description="垃圾外溢")
    closed = await place.report(category="0601", self_handled={"note": "已清"})
    climbed = await place.report()
    await place.act(place.worker, climbed, "escalate")
    who = place.township
    assert set(await ids(who, category="06")) == {rubbish["id"], closed["id"]}
    assert await ids(who, category="0502", tier=2) == [climbed["id"]]
    assert await ids(who, q="井盖丢失 abc") == [cover["id"]]
    assert closed["id"] not in await ids(who, open=True)
    assert await ids(who, state="closed") == [closed["id"]]
    assert set(await ids(who, state=["closed", "reported"], category="06")) == {
        rubbish["id"], closed["id"]}  # fmt: skip
    assert set(await ids(who, level=3)) == {rubbish["id"], closed["id"]}
    assert await ids(who, number=cover["number"]) == [cover["id"]]
    assert await ids(who, area=place.spot.grid, category="0502") == [climbed["id"], cover["id"]]
    assert await ids(who, area=places[2].spot.township) == []
    lon, lat = place.spot.lon, place.spot.lat
    near = f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"
    far = f"{lon + 0.5},{lat + 0.5},{lon + 0.6},{lat + 0.6}"
    assert len(await ids(who, bbox=near)) == 4
    assert await ids(who, bbox=far) == []
    assert len(await ids(who, bbox="73,3,135,53")) == 4
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await ids(who, since=soon) == []
    assert len(await ids(who, until=soon)) == 4


async def test_positions_come_on_request(place: Place) -> None:
    await place.report()
    plain = (await place.worker.get("/v1/incidents")).json()["items"][0]
    located = (await place.worker.get("/v1/incidents?geometry=true")).json()["items"][0]
    assert "location" not in plain
    assert located["location"]["type"] == "Point"


async def test_a_scope_of_several_areas_is_one_list(places: list[Place], people: Any) -> None:
    two = people.make(
        ("grid_worker", places[0].spot.grid), ("village_dispatcher", places[1].spot.village)
    )
    made = [(await places[turn % 3].report())["id"] for turn in range(6)]
    mine = [i for turn, i in enumerate(made) if turn % 3 != 2]
    found = await walk(two, limit=2)
    assert [i for i in found if i in made] == mine[::-1]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0}, {"limit": 201}, {"limit": "many"}, {"area": "51172"}, {"area": "abc"},
        {"state": "flying"}, {"tier": 9}, {"level": 0}, {"category": "5"}, {"since": "yesterday"},
        {"bbox": "1,2,3"}, {"bbox": "a,b,c,d"}, {"bbox": "108,31,107,32"}, {"bbox": "0,0,0,0"},
        {"bbox": "-200,0,10,10"}, {"number": "'; DROP TABLE"}, {"q": "x\0y"}, {"open": "perhaps"},
    ],
)  # fmt: skip
async def test_a_bad_filter_is_a_clear_problem(place: Place, params: dict[str, Any]) -> None:
    answer = await place.village.get("/v1/incidents", params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_a_cursor_of_another_list_or_a_changed_one_is_refused(place: Place) -> None:
    for _ in range(3):
        await place.report()
    page = (await place.village.get("/v1/incidents", params={"limit": 1})).json()
    for cursor, params in (
        (page["next"], {"category": "05"}),
        (page["next"][:-2] + "AA", {}),
        ("AAAA", {}),
        ("é", {}),
        ("x" * 400, {}),
    ):
        answer = await place.village.get("/v1/incidents", params={"cursor": cursor, **params})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), cursor
