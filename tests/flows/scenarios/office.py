"""What the administrator does in a scenario: rules, calendars, service hours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx

from tests.flows.scenarios import words
from tests.flows.scenarios.reading import Row, moment
from tests.people import Person

if TYPE_CHECKING:
    from tests.flows.scenarios.playing import Player

POLICIES = "/v1/response-policies"


async def publish_policy(player: Player, who: Person, row: Row) -> httpx.Response:
    """发布规则 `3 受理=2wh 派遣=4wh 层级1=12h；自 03-05 00:00`: a copy with other limits."""
    changes, _, since = row.content.partition("；自 ")
    level, *limits = changes.split(" ")
    made = await who.post(POLICIES, {"note": row.content})
    if not made.is_success:
        return made
    path = f"{POLICIES}/{made.json()['version']}"
    policy: dict[str, Any] = (await who.get(path)).json()["policy"]
    for name, _, value in (limit.partition("=") for limit in limits):
        if name.startswith("层级"):
            policy["tiers"][name.removeprefix("层级")] = value
        elif name == "退回":
            policy["max_returns"] = int(value)
        else:
            policy["levels"][level][words.STEPS[name]] = value
    put = await who.http.put(path, json={"policy": policy})
    assert put.status_code == httpx.codes.OK, put.text
    body = {"valid_from": moment(since, player.year).isoformat()} if since else {}
    return await who.post(f"{path}/publish", body)


async def withdraw_policy(player: Player, who: Person, row: Row) -> httpx.Response:
    """撤回规则 `2`: a version that is not in force yet."""
    return await who.post(f"{POLICIES}/{row.content}/withdraw")


async def enter_calendar(player: Player, who: Person, row: Row) -> httpx.Response:
    """录入日历 `2027 休 01-01 班 01-02`: a year, its holidays and its make-up working days."""
    year, *rest = row.content.split(" ")
    kind, days = "", []
    for word in rest:
        if word in ("休", "班"):
            kind = {"休": "holiday", "班": "workday"}[word]
        else:
            days.append({"date": str(date.fromisoformat(f"{year}-{word}")), "kind": kind})
    body = {"days": days, "source": "国务院办公厅通知"}
    return await who.http.put(f"/v1/work-calendars/{year}", json=body)


async def set_hours(player: Player, who: Person, row: Row) -> httpx.Response:
    """服务时间 `乡镇 08:30-12:00 15:00-18:30`."""
    area, *spans = row.content.split(" ")
    body = {"spans": [span.split("-") for span in spans]}
    return await who.http.put(f"/v1/service-hours/{player.area(area)}", json=body)


async def drop_hours(player: Player, who: Person, row: Row) -> httpx.Response:
    """撤销服务时间 `乡镇`."""
    return await who.http.delete(f"/v1/service-hours/{player.area(row.content)}")


WORK: dict[str, Callable[[Player, Person, Row], Awaitable[httpx.Response]]] = {
    "发布规则": publish_policy,
    "撤回规则": withdraw_policy,
    "录入日历": enter_calendar,
    "服务时间": set_hours,
    "撤销服务时间": drop_hours,
}
