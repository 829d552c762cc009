"""协办 over HTTP: sub-orders to several units, closing over them, arbitration, transfer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.kit import clock
from tests import evidence, files
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.people import People
from tests.together import Unit, events, make_unit, on_order, ordered, shown


@pytest.fixture
def units(database_url: str, people: People, place: Place) -> list[Unit]:
    return [make_unit(database_url, people, place.spot.county) for _ in range(4)]


def states(case: dict[str, Any]) -> list[str]:
    return [order["state"] for order in case["sub_orders"]]


async def test_two_units_do_their_parts_and_the_case_closes_over_them(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("handling")
    main, co = await ordered(place, case, UNIT, units[0].code)
    assert (main["role"], co["role"]) == ("main", "co")
    early = await place.act(place.handler, case, "submit")
    assert (early.status_code, early.json()["code"]) == (409, "sub_orders_open")
    assert early.json()["sub_orders"] == [main["id"], co["id"]]
    helper = units[0].handler
    offered = (await shown(helper, case))["available_actions"]
    assert set(offered) == {f"sub-orders/{co['id']}/accept", f"sub-orders/{co['id']}/refuse"}
    photo = await evidence.sent(helper, files.jpeg(files.exif()))
    for who, order in ((place.handler, main), (helper, co)):
        assert (await on_order(who, case, order, "accept")).status_code == 200
        files_of = [photo["id"]] if who is helper else []
        done = await on_order(who, case, order, "submit", note="已完成", attachments=files_of)
        assert done.status_code == 200, done.text
        approved = await on_order(place.county, case, order, "approve")
        assert approved.status_code == 200, approved.text
    found = await shown(place.county, case)
    assert states(found) == ["done", "done"]
    assert found["sub_orders"][1]["evidence"] == [photo["id"]]
    assert found["sub_orders"][1]["feedback"] == "已完成"
    assert (await place.county.get(f"/v1/attachments/{photo['id']}")).status_code == 200
    assert "submit" in (await shown(place.handler, case))["available_actions"]
    assert (await place.act(place.handler, case, "submit")).status_code == 200
    for action in ("verify", "close"):
        assert (await place.act(place.county, case, action)).status_code == 200
    told = [e["event"] for e in await events(place.county, case)]
    assert told.count("incident.sub_order_approved") == 2
    assert (await shown(helper, case))["state"] == "closed"


async def test_who_handled_a_sub_order_verifies_nothing(
    place: Place, people: People, units: list[Unit]
) -> None:
    county = place.spot.county
    both = people.make(("unit_handler", county, units[0].code), ("county_dispatcher", county))
    case = await place.bring_to("handling")
    (order,) = await ordered(place, case, units[0].code)
    await on_order(both, case, order, "accept")
    await on_order(both, case, order, "submit", note="已完成")
    own = await on_order(both, case, order, "approve")
    assert (own.status_code, own.json()["code"]) == (403, "verifier_is_handler")
    await on_order(place.county, case, order, "approve")
    await place.act(place.handler, case, "submit")
    refused = await place.act(both, case, "verify")
    assert (refused.status_code, refused.json()["code"]) == (403, "verifier_is_handler")
    assert (await place.act(place.county, case, "verify")).status_code == 200


async def test_after_two_refusals_the_next_tier_decides_for_good(
    place: Place, units: list[Unit]
) -> None:
    case = await place.report()
    for who, action in ((place.village, "escalate"), (place.village, "accept")):
        assert (await place.act(who, case, action)).status_code == 200
    (order,) = await ordered(place, case, units[0].code, by=place.village)
    refused = await on_order(units[0].handler, case, order, "refuse", note="非本单位职责")
    assert states(refused.json()) == ["refused"]
    moved = await on_order(place.village, case, order, "transfer", unit=units[1].code)
    assert (moved.status_code, states(moved.json())) == (200, ["issued"])
    assert (await units[0].handler.get(f"/v1/incidents/{case['id']}")).status_code == 404
    await on_order(units[1].handler, case, order, "accept")
    await on_order(units[1].handler, case, order, "refuse", note="无相应设备")
    found = (await shown(place.village, case))["sub_orders"][0]
    assert (found["state"], found["refusals"], found["arbitration_tier"]) == ("arbitration", 2, 3)
    for action, body in (("assign", {"unit": units[0].code}), ("withdraw", {"note": "算了"})):
        answer = await on_order(place.village, case, order, action, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "arbitration_above")
    decided = await on_order(place.township, case, order, "assign", unit=units[0].code)
    assert decided.status_code == 200, decided.text
    assert decided.json()["sub_orders"][0]["final"] is True
    again = await on_order(units[0].handler, case, order, "refuse", note="仍不接")
    assert (again.status_code, again.json()["code"]) == (409, "finally_assigned")
    dodge = await on_order(place.village, case, order, "transfer", unit=units[1].code)
    assert (dodge.status_code, dodge.json()["code"]) == (403, "arbitration_above")
    assert (await on_order(units[0].handler, case, order, "accept")).status_code == 200


async def test_the_next_tier_may_also_withdraw_what_is_disputed(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("assigned")
    (order,) = await ordered(place, case, units[0].code)
    for _ in range(2):
        await on_order(units[0].handler, case, order, "refuse", note="不接")
        await on_order(place.county, case, order, "transfer", unit=units[0].code)
    withdrawn = await on_order(place.county, case, order, "withdraw", note="不再需要")
    assert (withdrawn.status_code, states(withdrawn.json())) == (200, ["withdrawn"])


async def test_main_and_named_close_without_the_rest(place: Place, units: list[Unit]) -> None:
    case = await place.bring_to("handling")
    main, named, other = await ordered(place, case, UNIT, units[0].code, units[1].code)
    stranger = await place.act(
        place.county, case, "set-closing-rule", rule="main_and_named", named=[case["id"]]
    )
    assert (stranger.status_code, stranger.json()["code"]) == (422, "unknown_sub_order")
    ruled = await place.act(
        place.handler, case, "set-closing-rule", rule="main_and_named", named=[named["id"]]
    )
    assert ruled.status_code == 200, ruled.text
    assert [o["named"] for o in ruled.json()["sub_orders"]] == [False, True, False]
    blocked = await place.act(place.handler, case, "submit")
    assert blocked.json()["sub_orders"] == [main["id"], named["id"]]
    for who, order in ((place.handler, main), (units[0].handler, named)):
        await on_order(who, case, order, "accept")
        await on_order(who, case, order, "submit", note="已完成")
        await on_order(place.county, case, order, "approve")
    for who, action in (
        (place.handler, "submit"), (place.county, "verify"), (place.county, "close"),
    ):  # fmt: skip
        answer = await place.act(who, case, action)
        assert answer.status_code == 200, answer.text
    left = answer.json()["sub_orders"][2]
    assert (left["id"], left["state"], left["reason"]) == (other["id"], "withdrawn", "case_closed")
    last = (await events(place.county, case))[-1]
    assert last["payload"]["sub_orders_withdrawn"] == [other["id"]]
    back = await on_order(units[1].handler, case, other, "accept")
    assert back.status_code in (404, 409)


async def test_a_rule_set_back_to_all_waits_for_everything_even_at_the_close(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("handling")
    (order,) = await ordered(place, case, units[0].code)
    await place.act(place.county, case, "set-closing-rule", rule="main_and_named")
    for who, action in ((place.handler, "submit"), (place.county, "verify")):
        assert (await place.act(who, case, action)).status_code == 200
    assert "close" in (await shown(place.county, case))["available_actions"]
    await on_order(units[0].handler, case, order, "accept")
    late = await place.act(place.county, case, "set-closing-rule", rule="all")
    assert (late.status_code, late.json()["code"]) == (409, "action_not_allowed")
    assert (await place.act(place.county, case, "close")).status_code == 200


async def test_the_main_unit_asks_others_for_help_and_judges_what_they_did(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("handling")
    assert "request-help" in (await shown(place.handler, case))["available_actions"]
    (order,) = await ordered(place, case, units[0].code, by=place.handler)
    assert order["issuer_unit"] == UNIT
    helper = units[0].handler
    await on_order(helper, case, order, "accept")
    assert (await on_order(helper, case, order, "submit", note="好了")).status_code == 200
    own = await on_order(helper, case, order, "approve")
    assert (own.status_code, own.json()["code"]) == (403, "not_the_issuer")
    more = await helper.post(
        f"/v1/incidents/{case['id']}/request-help",
        {"sub_orders": [{"unit": units[1].code, "task": "再帮忙"}]},
    )
    assert (more.status_code, more.json()["code"]) == (403, "held_by_higher_tier")
    back = await on_order(place.handler, case, order, "send-back", note="不牢固")
    assert (back.json()["sub_orders"][0]["state"], back.status_code) == ("accepted", 200)
    await on_order(helper, case, order, "submit", note="加固了")
    assert (await on_order(place.handler, case, order, "approve")).status_code == 200


async def test_a_transfer_takes_what_the_main_unit_had_to_do_along(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("handling")
    main, co = await ordered(place, case, UNIT, units[0].code)
    await on_order(place.handler, case, main, "accept")
    await on_order(units[0].handler, case, co, "accept")
    moved = (await place.act(place.county, case, "transfer", unit=OTHER_UNIT)).json()
    assert [(o["unit"], o["role"], o["state"]) for o in moved["sub_orders"]] == [
        (OTHER_UNIT, "main", "issued"), (units[0].code, "co", "accepted"),
    ]  # fmt: skip
    assert (await place.handler.get(f"/v1/incidents/{case['id']}")).status_code == 404
    assert (await on_order(place.other_handler, case, main, "accept")).status_code == 200
    returned = (await place.act(place.other_handler, case, "return")).json()
    assert [o["state"] for o in returned["sub_orders"]] == ["refused", "accepted"]
    assigned = (await place.act(place.county, case, "assign", unit=UNIT)).json()
    assert [(o["unit"], o["state"]) for o in assigned["sub_orders"]] == [
        (UNIT, "issued"), (units[0].code, "accepted"),
    ]  # fmt: skip


async def test_what_cannot_be_issued_is_refused_and_changes_nothing(
    place: Place, places: list[Place], database_url: str, people: People, units: list[Unit]
) -> None:
    elsewhere = make_unit(database_url, people, places[1].spot.village)
    case = await place.bring_to("assigned", category="1203", concerns_unit=units[0].code)
    path = f"/v1/incidents/{case['id']}/sub-orders"
    past = (clock.now() - timedelta(minutes=1)).isoformat()
    for unit, more, code in (
        ("no-such-unit", {}, "bad_assignee"),
        (elsewhere.code, {}, "bad_assignee"),
        (units[0].code, {}, "bad_assignee"),
        (UNIT, {"deadline": past}, "bad_deadline"),
        (UNIT, {"task": " "}, "invalid_input"),
        (UNIT, {"colour": "red"}, "invalid_input"),
    ):
        body = {"sub_orders": [{"unit": unit, "task": "x", **more}]}
        answer = await place.county.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), unit
    assert (await place.county.post(path, {"sub_orders": []})).status_code == 422
    (order,) = await ordered(place, case, units[1].code)
    for unit in ("no-such-unit", units[0].code):
        answer = await on_order(place.county, case, order, "transfer", unit=unit)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_assignee")
    nowhere = await on_order(place.county, case, case["id"], "approve")
    assert nowhere.status_code == 404
    found = await shown(place.county, case)
    assert (found["version"], states(found)) == (case["version"] + 1, ["issued"])


async def test_a_hundred_parts_are_enough(place: Place, units: list[Unit]) -> None:
    case = await place.bring_to("assigned")
    for _ in range(5):
        await ordered(place, case, *[u.code for u in units] * 5)
    answer = await place.county.post(
        f"/v1/incidents/{case['id']}/sub-orders",
        {"sub_orders": [{"unit": units[0].code, "task": "第101个"}]},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_parts")


ILLEGAL = {
    "issued": "submit approve send-back assign",
    "accepted": "accept approve send-back assign",
    "submitted": "accept refuse submit transfer assign",
    "refused": "accept refuse submit approve send-back assign",
    "done": "accept refuse submit approve send-back transfer withdraw assign",
    "withdrawn": "accept refuse submit approve send-back transfer withdraw assign",
    "arbitration": "accept refuse submit approve send-back transfer",
}
WAYS = {
    "issued": "", "accepted": "accept", "submitted": "accept submit", "refused": "refuse",
    "done": "accept submit approve", "withdrawn": "withdraw",
    "arbitration": "refuse transfer refuse",
}  # fmt: skip
BY_UNIT = ("accept", "refuse", "submit")


@pytest.mark.parametrize("state", ILLEGAL)
async def test_from_each_state_of_a_sub_order_only_its_actions_succeed(
    place: Place, units: list[Unit], state: str
) -> None:
    unit = units[0]
    bodies = {
        "refuse": {"note": "不接"}, "submit": {"note": "好"}, "send-back": {"note": "重办"},
        "withdraw": {"note": "撤"}, "transfer": {"unit": unit.code}, "assign": {"unit": unit.code},
    }  # fmt: skip
    case = await place.bring_to("assigned")
    await ordered(place, case, unit.code)
    (order,) = await ordered(place, case, unit.code)

    async def take(action: str) -> Any:
        who = unit.handler if action in BY_UNIT else place.county
        return await on_order(who, case, order, action, **bodies.get(action, {}))

    for action in WAYS[state].split():
        assert (await take(action)).status_code == 200, action
    before = await shown(place.county, case)
    assert before["sub_orders"][1]["state"] == state
    offered = set(before["available_actions"]) | set(
        (await shown(unit.handler, case))["available_actions"]
    )
    for action in ("accept", "refuse", "submit", "approve", "send-back", "transfer", "withdraw",
                   "assign"):  # fmt: skip
        path = f"sub-orders/{order['id']}/{action}"
        assert (path in offered) == (action not in ILLEGAL[state].split()), path
    for action in ILLEGAL[state].split():
        answer = await take(action)
        assert (answer.status_code, answer.json()["code"]) == (409, "action_not_allowed"), action
    assert (await shown(place.county, case))["version"] == before["version"]


async def test_a_unit_finds_its_open_sub_orders_page_by_page(
    place: Place, units: list[Unit]
) -> None:
    mine, other = units[0], units[1]
    made = []
    for _ in range(3):
        case = await place.bring_to("assigned")
        made.append((await ordered(place, case, mine.code, other.code))[0]["id"])
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await mine.handler.get(f"/v1/sub-orders?limit=2{cursor}")).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [o["id"] for o in found] == made[::-1]
    assert {o["unit"] for o in found} == {mine.code}
    await on_order(mine.handler, case, made[2], "accept")
    accepted = (await mine.handler.get("/v1/sub-orders?state=accepted")).json()["items"]
    assert [o["id"] for o in accepted] == [made[2]]
    none = await mine.handler.get(f"/v1/sub-orders?unit={mine.code}&state=done")
    assert none.json() == {"items": [], "next": None}
    foreign = await mine.handler.get(f"/v1/sub-orders?unit={other.code}")
    assert foreign.status_code == 403
    bad = await mine.handler.get("/v1/sub-orders?cursor=AAAA")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")
    assert (await place.act(place.county, case, "void")).status_code == 200
    assert len((await mine.handler.get("/v1/sub-orders")).json()["items"]) == 2


async def test_four_units_act_at_once_and_nothing_is_lost(place: Place, units: list[Unit]) -> None:
    case = await place.bring_to("handling")
    orders = await ordered(place, case, *[u.code for u in units])

    async def work(unit: Unit, order: dict[str, Any]) -> list[int]:
        seen = []
        for action, body in (("accept", {}), ("submit", {"note": unit.code})):
            seen.append((await on_order(unit.handler, case, order, action, **body)).status_code)
        return seen

    async def approve(order: dict[str, Any]) -> list[int]:
        seen = []
        for _ in range(200):
            answer = await on_order(place.county, case, order, "approve")
            seen.append(answer.status_code)
            if answer.status_code == 200:
                break
            await asyncio.sleep(0)
        return seen

    results = await asyncio.gather(
        *(work(u, o) for u, o in zip(units, orders, strict=True)),
        *(approve(o) for o in orders),
        place.act(place.handler, case, "handle"),
    )
    assert list(results[:4]) == [[200, 200]] * 4
    assert all(set(r) <= {200, 409} and r[-1] == 200 for r in results[4:8])
    found = await shown(place.county, case)
    assert states(found) == ["done"] * 4
    assert [o["feedback"] for o in found["sub_orders"]] == [u.code for u in units]
    told = await events(place.county, case)
    assert [e["seq"] for e in told] == list(range(1, found["version"] + 1))
    assert found["version"] == case["version"] + 1 + 4 * 3 + 1


async def test_a_stale_version_is_412_and_a_replay_gives_the_first_answer(
    place: Place, units: list[Unit]
) -> None:
    case = await place.bring_to("assigned")
    (order,) = await ordered(place, case, units[0].code)
    path = f"/v1/incidents/{case['id']}/sub-orders/{order['id']}/accept"
    http = units[0].handler
    stale = await http.post(path, {}, headers={"if-match": f'"{case["version"]}"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    key = {"idempotency-key": "taken"}
    first = await http.post(path, {}, headers=key)
    again = await http.post(path, {}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
