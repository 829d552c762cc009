"""The plan register and the catalogues over HTTP: versions, contradictions, who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.config import Settings
from service.emergency.schemas.plans import EmergencyPlan
from service.emergency.seed import default_plans, defaults
from service.kit import clock
from service.seed import seed
from tests.cases import spots
from tests.emergencies import FLOOD, Scene, history, plan, refused
from tests.people import People


@pytest.fixture(scope="module")
def scene(people: People, database_url: str) -> Scene:
    return Scene(people, spots(database_url, 1)[0], database_url)


def today() -> Any:
    return clock.local(clock.now()).date()


async def test_a_county_starts_with_a_plan_for_each_hazard_and_a_catalogue(scene: Scene) -> None:
    page = (await scene.worker.get("/v1/emergency-plans?limit=200")).json()
    found = {row["code"]: EmergencyPlan.model_validate(row) for row in page["items"]}
    assert {p["code"] for p in default_plans(scene.spot.county)} <= found.keys()
    flood = found[FLOOD]
    assert (flood.version, flood.version_in_force, flood.lead_units[0]) == (
        1, 1, "511723-emergency",
    )  # fmt: skip
    assert {contact.tier for contact in flood.contacts} == {2, 3, 4}
    items = (await scene.worker.get("/v1/stock-items?limit=200")).json()["items"]
    assert {i["code"] for i in defaults()["stock_items"]} <= {i["code"] for i in items}
    modes = (await scene.worker.get("/v1/travel-modes")).json()["items"]
    assert {m["mode"] for m in defaults()["travel_modes"]} == {m["mode"] for m in modes}


async def test_loading_the_defaults_again_changes_nothing(settings: Settings) -> None:
    assert (await seed(settings))["emergency"] is False


async def test_a_plan_is_revised_by_versions_and_an_activation_keeps_its_own(
    scene: Scene, database_url: str
) -> None:
    body = plan()
    code, path = body["code"], f"/v1/emergency-plans/{body['code']}"
    made = await scene.administrator.post("/v1/emergency-plans", body)
    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert made.headers["location"] == path
    running = await scene.started(scene.county, plan=code, level=4)
    fields = {k: v for k, v in body.items() if k != "code"}
    later = {**fields, "name_zh": "修订预案", "valid_from": str(today() + timedelta(days=9))}
    revised = (await scene.administrator.http.put(path, json=later)).json()
    # Announced, but the first version holds until its day.
    assert (revised["version"], revised["version_in_force"]) == (2, 1)
    now = {**fields, "levels": [{**fields["levels"][0], "tier": 2}]}
    third = (await scene.administrator.http.put(path, json=now)).json()
    assert (third["version"], third["version_in_force"]) == (3, 3)
    assert (await scene.worker.get(f"{path}?version=2")).json()["name_zh"] == "修订预案"
    assert running["plan_version"] == 1
    # The running one knows level 4 no more than its version does; the new one knows only level 1.
    new = await scene.village.post("/v1/activations", scene.declaring(plan=code, level=4))
    assert refused(new) == (422, "level_not_in_plan")
    retired = await scene.administrator.post(f"{path}/retire")
    assert (retired.status_code, retired.json()["version_in_force"]) == (200, None)
    gone = await scene.village.post("/v1/activations", scene.declaring(plan=code, level=1))
    assert refused(gone) == (422, "unknown_emergency_plan")
    for answer in (
        await scene.administrator.post(f"{path}/retire"),
        await scene.administrator.http.put(path, json=fields),
    ):
        assert refused(answer) == (409, "emergency_plan_retired")
    listed = str((await scene.worker.get("/v1/emergency-plans?limit=200")).json())
    assert f"'{code}'" not in listed
    with psycopg.connect(database_url) as connection:
        (case,) = connection.execute(
            "SELECT case_id FROM case_event WHERE case_kind = 'emergency_plan'"
            " AND payload ->> 'code' = %s LIMIT 1",
            (code,),
        ).fetchone() or (None,)
    assert [e.event for e in history(database_url, case)] == [
        "emergency_plan.published", "emergency_plan.revised", "emergency_plan.revised",
        "emergency_plan.retired",
    ]  # fmt: skip


async def test_a_level_may_be_left_to_a_higher_tier(scene: Scene) -> None:
    body = plan()
    await scene.administrator.post("/v1/emergency-plans", body)
    declared = scene.declaring(plan=body["code"], level=1)
    assert refused(await scene.village.post("/v1/activations", declared)) == (
        403, "level_above_tier",
    )  # fmt: skip
    assert (await scene.county.post("/v1/activations", declared)).status_code == 201


async def test_a_plan_holds_in_its_own_area_and_time(scene: Scene) -> None:
    elsewhere = plan(area=scene.spot.township)
    await scene.administrator.post("/v1/emergency-plans", elsewhere)
    other = scene.declaring(plan=elsewhere["code"], level=4, area=scene.spot.county)
    assert refused(await scene.county.post("/v1/activations", other)) == (
        422, "plan_of_another_area",
    )  # fmt: skip
    for days in ({"valid_from": str(today() + timedelta(days=1))},
                 {"valid_to": str(today() - timedelta(days=1))}):  # fmt: skip
        body = plan(**days)
        assert (await scene.administrator.post("/v1/emergency-plans", body)).status_code == 201
        answer = await scene.county.post(
            "/v1/activations", scene.declaring(plan=body["code"], level=4)
        )
        assert refused(answer) == (422, "unknown_emergency_plan")


GOOD = plan("x-1")
LEVELS: list[dict[str, Any]] = GOOD["levels"]
CONTACTS: list[dict[str, Any]] = GOOD["contacts"]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"lead_units": ["511723-nobody"]}, "unknown_unit", "/lead_units/0"),
        ({"levels": [LEVELS[0], LEVELS[0]]}, "duplicate", "/levels"),
        ({"levels": [LEVELS[1], {**LEVELS[1], "level": 3, "tier": 2},
                     {**LEVELS[1], "level": 2, "tier": 2}, {**LEVELS[1], "tier": 4}]},
         "duplicate", "/levels"),
        ({"levels": [{**LEVELS[0], "tier": 2}, {**LEVELS[1], "tier": 3}]}, "tiers_contradict",
         "/levels"),
        ({"contacts": [*CONTACTS[:2], CONTACTS[1]]}, "tier_missing", "/contacts"),
        ({"contacts": [{"tier": 3, "unit": "511723-emergency"}, *CONTACTS]}, "wrong_tier",
         "/contacts/0"),
        ({"contacts": [{"tier": 2, "role": "county_dispatcher"}, *CONTACTS]}, "wrong_tier",
         "/contacts/0"),
        ({"contacts": [{"tier": 2}, *CONTACTS]}, "one_contact", "/contacts/0"),
        ({"contacts": CONTACTS[:2]}, "too_short", "/contacts"),
        ({"valid_to": "2025-01-01"}, "period", "/"),
        ({"levels": []}, "too_short", "/levels"),
        ({"area": "511723001001001"}, "string_pattern_mismatch", "/area"),
        ({"code": "洪水"}, "string_pattern_mismatch", "/code"),
    ],
)  # fmt: skip
async def test_a_plan_that_contradicts_itself_is_refused_with_every_place(
    changes: dict[str, Any], code: str, pointer: str, scene: Scene
) -> None:
    body = plan(**changes) if "code" not in changes else {**plan(), **changes}
    answer = await scene.administrator.post("/v1/emergency-plans", body)
    assert answer.status_code == 422
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    there = await scene.administrator.get(f"/v1/emergency-plans/{plan(body['code'])['code']}")
    assert there.status_code in (404, 422)


async def test_who_may_edit_plans_is_the_administrator_of_the_area(
    scene: Scene, people: People
) -> None:
    for person in (scene.county, scene.worker, scene.handler, scene.auditor):
        answer = await person.post("/v1/emergency-plans", plan())
        assert refused(answer) == (403, "forbidden")
    township = people.make(("administrator", scene.spot.township))
    assert refused(await township.post("/v1/emergency-plans", plan())) == (403, "outside_area")
    own = plan(area=scene.spot.township)
    assert (await township.post("/v1/emergency-plans", own)).status_code == 201
    assert refused(await township.post(f"/v1/emergency-plans/{FLOOD}/retire")) == (
        403, "outside_area",
    )  # fmt: skip
    twice = await township.post("/v1/emergency-plans", own)
    assert refused(twice) == (409, "code_taken")
    item = {"code": "x-y", "name_zh": "甲", "name_en": "x", "measure_zh": "个", "measure_en": "x"}
    assert refused(await township.post("/v1/stock-items", item)) == (403, "forbidden")


async def test_the_catalogue_is_edited_and_what_is_out_of_use_is_received_no_more(
    scene: Scene,
) -> None:
    item = {"code": "t-lamp", "name_zh": "头灯", "name_en": "Head lamps", "measure_zh": "个",
            "measure_en": "pieces"}  # fmt: skip
    made = await scene.administrator.post("/v1/stock-items", item)
    assert (made.status_code, made.json()) == (201, {**item, "active": True})
    assert refused(await scene.administrator.post("/v1/stock-items", item)) == (409, "code_taken")
    point = await scene.supplied()
    path = f"/v1/resources/{point['id']}/movements"
    entry = {"item": "t-lamp", "kind": "receive", "quantity": 5}
    assert (await scene.county.post(path, entry)).status_code == 201
    changed = await scene.administrator.http.patch(
        "/v1/stock-items/t-lamp", json={"active": False, "name_zh": "旧头灯"}
    )
    assert (changed.json()["active"], changed.json()["name_zh"]) == (False, "旧头灯")
    assert refused(await scene.county.post(path, entry)) == (422, "unknown_stock_item")
    # What is there may still be handed out.
    issued = await scene.county.post(path, {**entry, "kind": "issue"})
    assert issued.json()["balance"] == 0
    missing = await scene.administrator.http.patch("/v1/stock-items/none", json={})
    assert refused(missing) == (404, "not_found")
