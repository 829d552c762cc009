"""One incident's whole life over HTTP, and the ways it may turn."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from geo import crs
from geo.positions import Crs
from service.incidents.shown import Incident
from service.kit.ids import uuid7
from service.kit.timeline import Timeline
from tests.cases import OTHER_UNIT, UNIT, Place


async def test_a_case_climbs_every_tier_is_handled_verified_by_another_and_closed(
    place: Place,
) -> None:
    case = await place.report()
    path = f"/v1/incidents/{case['id']}"
    assert (case["state"], case["holder"]["tier"]) == ("reported", 1)
    assert case["grid_code"] == case["holder"]["area"] == place.spot.grid
    assert re.fullmatch(r"511723-\d{6}-\d{7,}", case["number"])
    holders = {2: place.spot.village, 3: place.spot.township, 4: place.spot.county}
    for tier, who in ((2, place.worker), (3, place.village), (4, place.township)):
        answer = await place.act(who, case, "escalate")
        assert answer.status_code == 200, answer.text
        assert answer.json()["holder"]["tier"] == tier
        assert answer.json()["holder"]["area"] == holders[tier]
    for who, action, body in (
        (place.county, "accept", {}),
        (place.county, "assign", {"unit": UNIT}),
        (place.handler, "arrive", {}),
        (place.handler, "handle", {"note": "更换井盖"}),
        (place.handler, "submit", {"note": "已更换"}),
        (place.county, "verify", {"result": "passed"}),
        (place.county, "close", {}),
        (place.worker, "follow-up", {"satisfaction": "satisfied"}),
    ):
        answer = await place.act(who, case, action, **body)
        assert answer.status_code == 200, f"{action}: {answer.text}"
        assert 'rel="describedby"' in answer.headers["link"]
        assert "/v1/plan/clauses/23.2" in answer.headers["link"]
    final = await place.village.get(path)
    assert final.json()["state"] == "followed_up"
    timeline = Timeline.model_validate((await place.auditor.get(f"{path}/timeline")).json())
    assert [e.action for e in timeline.items] == [
        "report", "escalate", "escalate", "escalate", "accept", "assign", "arrive", "handle",
        "submit", "verify", "close", "follow-up",
    ]  # fmt: skip
    assert all("23.2" in e.clauses for e in timeline.items)
    assert [e.seq for e in timeline.items] == list(range(1, 13))
    handler_id = place.handler.id
    assert [e.actor_id for e in timeline.items if e.action == "verify"] != [handler_id]


async def test_every_way_in_gives_the_same_grid(place: Place) -> None:
    found = set()
    for system in Crs:
        lon, lat = crs.from_canonical(place.spot.lon, place.spot.lat, system)
        case = await place.report(location={"lon": lon, "lat": lat, "crs": system.value})
        found.add(case["grid_code"])
        at = case["location"]["coordinates"]
        assert abs(at[0] - place.spot.lon) < 1e-7
        assert abs(at[1] - place.spot.lat) < 1e-7
        assert case["raw_position"]["crs"] == system.value
        assert case["raw_position"]["x"] == lon
    assert found == {place.spot.grid}


async def test_who_fixed_it_at_once_reports_and_closes_in_one_call(place: Place) -> None:
    case = await place.report(category="0601", self_handled={"note": "已清扫"})
    assert (case["state"], case["verification"], case["version"]) == ("closed", "self", 2)
    assert case["holder"]["account"] == str(place.worker.id)
    refused = await place.worker.post(
        "/v1/incidents", place.body(category="0301", self_handled={"note": "已扑灭"})
    )
    assert refused.status_code == 409
    assert refused.json()["code"] == "self_handle_not_allowed"


async def test_any_worker_reports_anywhere_in_the_county_but_reads_only_its_own(
    places: list[Place],
) -> None:
    here, there = places[0], places[1]
    answer = await here.worker.post("/v1/incidents", there.body())
    assert answer.status_code == 201
    case = answer.json()
    assert case["grid_code"] == there.spot.grid
    assert case["available_actions"] == []
    assert (await here.worker.get(f"/v1/incidents/{case['id']}")).status_code == 404
    assert (await there.worker.get(f"/v1/incidents/{case['id']}")).status_code == 200


async def test_the_handler_may_not_verify_and_a_failed_verification_does_not_close(
    place: Place,
) -> None:
    case = await place.report()
    for action in ("accept", "assign"):
        body = {"unit": None, "account": str(place.county.id)} if action == "assign" else {}
        answer = await place.act(place.county, case, action, **body)
        assert answer.status_code == 200, answer.text
    for action in ("arrive", "submit"):
        assert (await place.act(place.county, case, action)).status_code == 200
    own = await place.act(place.county, case, "verify")
    assert (own.status_code, own.json()["code"]) == (403, "verifier_is_handler")
    failed = await place.act(place.second_county, case, "verify", result="failed")
    assert failed.json()["verification"] == "failed"
    assert "close" not in failed.json()["available_actions"]
    closed = await place.act(place.second_county, case, "close")
    assert (closed.status_code, closed.json()["code"]) == (409, "not_verified")
    assert (await place.act(place.second_county, case, "rework")).status_code == 200
    again = await place.act(place.county, case, "arrive")
    assert again.status_code == 200


async def test_after_the_second_return_the_case_climbs_by_itself(place: Place) -> None:
    case = await place.report()
    await place.act(place.township, case, "accept")
    for returns in (1, 2):
        await place.act(place.township, case, "assign")
        answer = await place.act(place.handler, case, "return")
        assert answer.status_code == 200, answer.text
        case = answer.json() if answer.status_code == 200 else case
        # The unit has let go of it and sees it no more.
        assert (await place.handler.get(f"/v1/incidents/{case['id']}")).status_code == 404
        assert case["returns"] == returns
    assert case["holder"]["tier"] == 2


async def test_a_transfer_takes_the_case_from_one_unit_to_another(place: Place) -> None:
    case = await place.bring_to("on_site")
    moved = await place.act(place.county, case, "transfer", unit=OTHER_UNIT)
    assert moved.json()["holder"]["unit"] == OTHER_UNIT
    assert (await place.act(place.handler, case, "submit")).status_code == 404
    assert (await place.act(place.other_handler, case, "arrive")).status_code == 200


async def test_a_stale_version_is_412_and_changes_nothing(place: Place) -> None:
    case = await place.report()
    path = f"/v1/incidents/{case['id']}"
    seen = (await place.village.get(path)).headers["etag"]
    assert seen == '"1"'
    assert (await place.act(place.worker, case, "accept")).headers["etag"] == '"2"'
    stale = await place.village.post(f"{path}/escalate", {"note": "x"}, headers={"if-match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert stale.json()["current_version"] == 2
    assert (await place.village.get(path)).json()["version"] == 2
    fresh = await place.village.post(f"{path}/escalate", {"note": "x"}, headers={"if-match": '"2"'})
    assert fresh.status_code == 200


async def test_a_replay_gets_the_first_answer_and_another_body_is_refused(place: Place) -> None:
    body = place.body()
    first = await place.worker.post("/v1/incidents", body)
    again = await place.worker.post("/v1/incidents", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await place.worker.post("/v1/incidents", {**body, "description": "别的"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    stolen = await place.second_worker.post("/v1/incidents", body)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "id_taken")
    key = {"idempotency-key": "accept-1"}
    path = f"/v1/incidents/{body['id']}/accept"
    done = await place.worker.post(path, {}, headers=key)
    replay = await place.worker.post(path, {}, headers=key)
    assert (done.status_code, replay.status_code) == (200, 200)
    assert done.content == replay.content
    reused = await place.worker.post(path, {"note": "x"}, headers=key)
    assert reused.status_code == 409
    # A step that its own state allows again is still taken once for a key.
    await place.act(place.worker, body["id"], "arrive")
    progress = f"/v1/incidents/{body['id']}/handle"
    for _ in range(3):
        noted = await place.worker.post(progress, {}, headers={"idempotency-key": "h"})
        assert noted.json()["version"] == 4


def timed(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its times as times: texts of the same moment may differ."""
    times = ("occurred_at", "reported_at", "last_event_at")
    limits = ("amber_at", "due_at", "supervise_at", "finish_due", "on_site_due")
    deadline = {k: v and datetime.fromisoformat(v) if k in limits else v
                for k, v in case["deadline"].items()}  # fmt: skip
    moments = {key: datetime.fromisoformat(case[key]) for key in times}
    return {**case, **moments, "deadline": deadline}


async def test_an_answer_and_a_list_row_say_the_same(place: Place) -> None:
    case = await place.bring_to("submitted", contact={"name": "张三丰", "phone": "13812345678"})
    one = (await place.county.get(f"/v1/incidents/{case['id']}")).json()
    page = await place.county.get(
        "/v1/incidents", params={"number": case["number"], "geometry": "true"}
    )
    assert one.pop("contact") == {"name": "张**", "phone": "138****5678"}
    for part in ("co_units", "closing_rule", "sub_orders", "calls", "merged", "master"):
        one.pop(part)
    row = page.json()["items"][0]
    assert timed(row) == timed(one)
    acted = (await place.act(place.county, case, "verify")).json()
    shown = (await place.county.get(f"/v1/incidents/{case['id']}")).json()
    shown.pop("contact")
    assert timed(acted) == timed(shown)
    Incident.model_validate(acted)


async def test_the_contact_is_shown_in_clear_only_for_a_purpose_and_logged(place: Place) -> None:
    case = await place.report(contact={"name": "欧阳锋", "phone": "13812345678"})
    path = f"/v1/incidents/{case['id']}/reveal-contact"
    assert (await place.village.post(path, {})).status_code == 422
    assert (await place.auditor.post(path, {"purpose": "核对情况"})).status_code == 403
    clear = await place.village.post(path, {"purpose": "核对情况"})
    assert clear.json() == {"name": "欧阳锋", "phone": "13812345678"}
    limited = [(await place.village.post(path, {"purpose": "核对情况"})).status_code
               for _ in range(31)]  # fmt: skip
    assert limited.count(200) == 29
    assert limited[-1] == 429
    none = await place.report()
    missing = await place.county.post(
        f"/v1/incidents/{none['id']}/reveal-contact", {"purpose": "核对情况"}
    )
    assert (missing.status_code, missing.json()["code"]) == (404, "no_contact")


async def test_a_complaint_about_conduct_is_hidden_from_the_unit_it_concerns(
    place: Place,
) -> None:
    case = await place.report(category="1203", concerns_unit=UNIT)
    await place.act(place.county, case, "accept")
    assigned = await place.act(place.county, case, "assign", unit=UNIT)
    assert (assigned.status_code, assigned.json()["code"]) == (422, "bad_assignee")
    assert (await place.handler.get(f"/v1/incidents/{case['id']}")).status_code == 404
    listed = await place.handler.get("/v1/incidents")
    assert case["id"] not in [row["id"] for row in listed.json()["items"]]
    assert (await place.act(place.handler, case, "arrive")).status_code == 404


async def test_work_done_offline_keeps_the_time_at_which_it_was_done(place: Place) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=3)
    case = await place.report(occurred_at=earlier.isoformat())
    done = (earlier + timedelta(hours=1)).isoformat()
    await place.act(place.worker, case, "accept", occurred_at=done)
    events = (await place.worker.get(f"/v1/incidents/{case['id']}/timeline")).json()["items"]
    assert datetime.fromisoformat(events[0]["occurred_at"]) == earlier
    assert datetime.fromisoformat(events[1]["occurred_at"]).isoformat() == done
    assert datetime.fromisoformat(events[1]["recorded_at"]) > earlier


async def test_ids_that_a_client_makes_are_kept(place: Place) -> None:
    mine = uuid7()
    case = await place.report(id=str(mine))
    assert UUID(case["id"]) == mine
