"""Resources over HTTP: where they stand, whose they are, who is near, and the contact."""

from __future__ import annotations

import math
from typing import Any

import psycopg
import pytest

from geo import crs
from geo.positions import Crs
from service.emergency.schemas.resources import NearestResources, Resource
from service.kit.ids import uuid7
from tests.cases import OTHER_UNIT, UNIT, spots
from tests.emergencies import Scene, allocate, history, refused
from tests.people import People

CONTACT = {"name": "李明远", "phone": "13812345678"}


@pytest.fixture(scope="module")
def scenes(people: People, database_url: str) -> list[Scene]:
    return [Scene(people, spot, database_url) for spot in spots(database_url)]


@pytest.fixture(scope="module")
def scene(scenes: list[Scene]) -> Scene:
    return scenes[0]


async def test_a_resource_stands_where_it_was_declared_in_whatever_system(scene: Scene) -> None:
    lon, lat = scene.spot.lon, scene.spot.lat
    for system in Crs:
        x, y = crs.from_canonical(lon, lat, system)
        made = await scene.registered(location={"lon": x, "lat": y, "crs": system.value})
        shown = Resource.model_validate(made)
        assert (shown.grid, shown.village) == (scene.spot.grid, scene.spot.village)
        assert math.dist(shown.location.coordinates, (lon, lat)) < 1e-7
        assert (shown.raw_position.x, shown.raw_position.y, shown.raw_position.crs) == (
            x, y, system,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"location": {"lon": 107.86, "lat": 31.08}}, "crs_undeclared"),
        ({"location": {"lon": 107.86, "lat": 31.08, "crs": "mars"}}, "enum"),
        ({"location": {"lon": 104.06, "lat": 30.67, "crs": "cgcs2000"}}, "outside_county"),
        ({"location": {"lon": 2.35, "lat": 48.85, "crs": "wgs84"}}, "bad_position"),
        ({"capacity": 0}, "greater_than_equal"),
        ({"kind": "balloon"}, "literal_error"),
        ({"owner_unit": "511723-nobody"}, "unknown_unit"),
        ({"contact": {"phone": "no number"}}, "string_pattern_mismatch"),
    ],
)
async def test_bad_input_is_refused_with_its_place(
    changes: dict[str, Any], code: str, scene: Scene
) -> None:
    body = {"kind": "team", "name": "队", "owner_unit": UNIT, "location": scene.at(), **changes}
    answer = await scene.county.post("/v1/resources", body)
    assert answer.status_code == 422
    assert code in {error["code"] for error in answer.json()["errors"]}


async def test_who_registers_is_the_owner_or_who_dispatches_there(
    scene: Scene, scenes: list[Scene]
) -> None:
    for right in (scene.village, scene.township, scene.county, scene.administrator, scene.handler):
        await scene.registered(right)
    body = {"kind": "team", "name": "队", "owner_unit": UNIT, "location": scene.at()}
    for wrong in (scenes[1].village, scenes[1].township, scene.other_handler, scene.committee):
        assert refused(await wrong.post("/v1/resources", body)) == (403, "not_your_resource")
    for nobody in (scene.worker, scene.auditor, scene.agent, scene.system):
        assert refused(await nobody.post("/v1/resources", body)) == (403, "forbidden")


async def test_an_owner_sees_its_own_and_a_dispatcher_the_whole_county(
    scene: Scene, scenes: list[Scene]
) -> None:
    ours = await scene.registered()
    path = f"/v1/resources/{ours['id']}"
    for reader in (scene.handler, scene.auditor, scene.administrator, scenes[1].village):
        assert (await reader.get(path)).status_code == 200
    for other in (scene.other_handler, scene.committee):
        assert refused(await other.get(path)) == (404, "not_found")
    for nobody in (scene.worker, scene.system):
        assert refused(await nobody.get(path)) == (403, "forbidden")
    listed = (await scene.other_handler.get("/v1/resources?limit=200")).json()["items"]
    assert {row["owner_unit"] for row in listed} <= {OTHER_UNIT}


async def test_a_resource_changes_under_its_version_and_is_retired_for_ever(
    scene: Scene, scenes: list[Scene], database_url: str
) -> None:
    made = await scene.registered(contact=CONTACT)
    path = f"/v1/resources/{made['id']}"
    moved = await scene.county.http.patch(
        path, json={"location": scenes[1].at(), "capacity": 30}, headers={"if-match": '"1"'}
    )
    assert (moved.json()["village"], moved.json()["capacity"]) == (scenes[1].spot.village, 30)
    assert moved.json()["contact"] == made["contact"]
    assert moved.headers["etag"] == '"2"'
    stale = await scene.county.http.patch(path, json={"capacity": 1}, headers={"if-match": '"1"'})
    assert refused(stale) == (412, "stale_version")
    assert refused(await scene.village.http.patch(path, json={"capacity": 1})) == (
        403, "not_your_resource",
    )  # fmt: skip
    cleared = await scene.handler.http.patch(path, json={"contact": {}})
    assert cleared.json()["contact"] is None
    gone = await scene.handler.http.patch(path, json={"status": "retired"})
    assert gone.json()["status"] == "retired"
    again = await scene.handler.http.patch(path, json={"status": "available"})
    assert refused(again) == (409, "resource_not_available")
    listed = (await scene.handler.get("/v1/resources?limit=200")).json()["items"]
    assert made["id"] not in {row["id"] for row in listed}
    retired = (await scene.handler.get("/v1/resources?limit=200&status=retired")).json()["items"]
    assert made["id"] in {row["id"] for row in retired}
    chain = history(database_url, made["id"])
    assert [event.event for event in chain] == ["resource.registered"] + ["resource.changed"] * 3
    assert CONTACT["phone"] not in str(chain)


async def test_a_contact_is_stored_encrypted_shown_masked_and_revealed_for_a_purpose(
    scene: Scene, database_url: str
) -> None:
    made = await scene.registered(contact=CONTACT)
    assert made["contact"] == {"name": "李**", "phone": "138****5678"}
    with psycopg.connect(database_url) as connection:
        (stored,) = connection.execute(
            "SELECT contact_phone FROM resource WHERE id = %s", (made["id"],)
        ).fetchone() or (b"",)
        assert CONTACT["phone"].encode() not in stored
    path = f"/v1/resources/{made['id']}/reveal-contact"
    shown = await scene.village.post(path, {"purpose": "联系抢险队"})
    assert (shown.status_code, shown.json()) == (200, CONTACT)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT actor_id, purpose FROM personal_data_access WHERE subject_id = %s",
            (made["id"],),
        ).fetchall()
    assert rows == [(scene.village.id, "联系抢险队")]
    assert refused(await scene.other_handler.post(path, {"purpose": "x"})) == (404, "not_found")
    for reader in (scene.auditor, scene.administrator):
        assert refused(await reader.post(path, {"purpose": "x"})) == (403, "forbidden")
    nobody = await scene.registered()
    missing = await scene.village.post(
        f"/v1/resources/{nobody['id']}/reveal-contact", {"purpose": "x"}
    )
    assert refused(missing) == (404, "no_contact")


async def test_a_list_is_narrowed_and_paged(scene: Scene, scenes: list[Scene]) -> None:
    made = {(await scene.registered(kind="shelter"))["id"] for _ in range(3)}
    await scenes[2].registered(kind="shelter")
    spot = scene.spot
    box = f"{spot.lon - 0.001},{spot.lat - 0.001},{spot.lon + 0.001},{spot.lat + 0.001}"
    for filters in (f"area={spot.township}", f"bbox={box}", f"area={spot.grid}&unit={UNIT}"):
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            path = f"/v1/resources?kind=shelter&{filters}&limit=2{more}"
            page = (await scene.auditor.get(path)).json()
            seen += [row["id"] for row in page["items"]]
            cursor = page["next"]
        assert sorted(seen) == sorted(made)
    for bad in ("bbox=1,2,3", "bbox=108,31,107,32", "kind=x", "surprise=1", "area=5"):
        assert (await scene.auditor.get(f"/v1/resources?{bad}")).status_code == 422


async def test_the_nearest_are_those_that_can_be_there_in_time_the_quickest_first(
    scene: Scene,
) -> None:
    """About 95 km to a degree of longitude and 111 km to one of latitude here."""
    east = await scene.registered(kind="vehicle", name="东", location=scene.at(east=0.004))
    north = await scene.registered(kind="vehicle", name="北", location=scene.at(north=0.0038))
    here = await scene.registered(kind="vehicle", name="此")
    spot = scene.spot
    asked = f"lon={spot.lon}&lat={spot.lat}&crs=cgcs2000&kind=vehicle"
    found = (await scene.village.get(f"/v1/resources/nearest?{asked}&mode=walk")).json()
    shown = NearestResources.model_validate(found)
    # In degrees the northern one is nearer, on the ground the eastern one is.
    assert [str(item.id) for item in shown.items] == [here["id"], east["id"], north["id"]]
    assert (shown.speed_kmh, shown.detour_factor) == (4.5, 1.3)
    for item in shown.items:
        assert item.travel_minutes == pytest.approx(item.distance_m * 1.3 / 75, abs=0.06)
    assert shown.items[1].distance_m == pytest.approx(381, rel=0.01)
    in_time = shown.items[1].travel_minutes + 0.1
    soon = await scene.village.get(
        f"/v1/resources/nearest?{asked}&mode=walk&within_minutes={in_time}"
    )
    assert [item["id"] for item in soon.json()["items"]] == [here["id"], east["id"]]
    by_car = (await scene.village.get(f"/v1/resources/nearest?{asked}&within_minutes=0.9")).json()
    assert len(by_car["items"]) == 3
    # What is in use or out of use is not offered.
    await scene.county.http.patch(f"/v1/resources/{east['id']}", json={"status": "unavailable"})
    activation = await scene.started(scene.county)
    assert (await allocate(scene.county, north, activation)).status_code == 200
    free = (await scene.village.get(f"/v1/resources/nearest?{asked}&mode=walk")).json()["items"]
    assert [item["id"] for item in free] == [here["id"]]
    used = await scene.village.get(f"/v1/resources/nearest?{asked}&mode=walk&allocated=true")
    assert [item["id"] for item in used.json()["items"]] == [here["id"], north["id"]]
    await scene.ended(activation, scene.county)


async def test_the_nearest_supply_point_that_has_an_item(scene: Scene) -> None:
    full = await scene.supplied(5)
    await scene.registered(kind="supply_point", name="空")
    spot = scene.spot
    asked = f"lon={spot.lon}&lat={spot.lat}&crs=cgcs2000&item=quilt"
    found = (await scene.village.get(f"/v1/resources/nearest?{asked}")).json()["items"]
    assert [item["id"] for item in found] == [full["id"]]


async def test_other_figures_give_other_times(scene: Scene) -> None:
    body = {"name_zh": "直升机", "name_en": "Helicopter", "speed_kmh": 200, "detour_factor": 1}
    put = await scene.administrator.http.put("/v1/travel-modes/helicopter", json=body)
    assert put.json() == {"mode": "helicopter", **body}
    await scene.registered(kind="vehicle", location=scene.at(north=0.002))
    asked = f"lon={scene.spot.lon}&lat={scene.spot.lat}&crs=cgcs2000&mode=helicopter"
    found = (await scene.village.get(f"/v1/resources/nearest?{asked}")).json()
    assert (found["speed_kmh"], found["detour_factor"]) == (200, 1)
    for bad in ({"speed_kmh": 0}, {"detour_factor": 0.9}, {"speed_kmh": 1e9}):
        refusal = await scene.administrator.http.put(
            "/v1/travel-modes/helicopter", json={**body, **bad}
        )
        assert refused(refusal) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lon=107.86&lat=31.08", "missing"),
        ("lon=107.86&lat=31.08&crs=mars", "enum"),
        ("lon=104.06&lat=30.67&crs=cgcs2000", "outside_county"),
        ("lon=0&lat=0&crs=wgs84", "bad_position"),
        ("lon=nan&lat=31&crs=wgs84", "less_than_equal"),
    ],
)
async def test_a_position_that_cannot_be_is_refused(query: str, code: str, scene: Scene) -> None:
    answer = await scene.village.get(f"/v1/resources/nearest?{query}")
    assert answer.status_code == 422
    assert code in {error["code"] for error in answer.json()["errors"]}


async def test_an_unknown_way_of_travelling_is_named_with_the_known(scene: Scene) -> None:
    asked = f"lon={scene.spot.lon}&lat={scene.spot.lat}&crs=cgcs2000&mode=teleport"
    answer = await scene.village.get(f"/v1/resources/nearest?{asked}")
    assert refused(answer) == (422, "unknown_travel_mode")
    assert "car" in answer.json()["detail"]


async def test_a_client_made_id_is_registered_once(scene: Scene) -> None:
    body = {"id": str(uuid7()), "kind": "team", "name": "队", "owner_unit": UNIT,
            "location": scene.at()}  # fmt: skip
    first = await scene.county.post("/v1/resources", body)
    again = await scene.county.post("/v1/resources", body)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await scene.county.post("/v1/resources", {**body, "name": "另一队"})
    assert refused(other) == (409, "idempotency_key_reused")
    theirs = await scene.handler.post("/v1/resources", body)
    assert refused(theirs) == (409, "id_taken")
