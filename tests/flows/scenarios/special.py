"""What a scenario does outside of cases: approvals beside the duty list, and emergencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx

from tests.flows.scenarios.reading import Row
from tests.people import Person

if TYPE_CHECKING:
    from tests.flows.scenarios.playing import Player

APPROVALS, ACTIVATIONS = "/v1/dispatch-approvals", "/v1/activations"
PLANS = {"山洪": "511723-flood", "森林火灾": "511723-forest-fire"}
LEVELS = {"特别重大": 1, "重大": 2, "较大": 3, "一般": 4}
AGREES = {"同意": True, "不同意": False}


async def ask_approval(player: Player, who: Person, row: Row) -> httpx.Response:
    """申请批准 `镇综合办 理由`: leave for this case to go there although the list has it not."""
    unit, _, reason = row.content.partition(" ")
    case = player.case_of(row)
    found = await player.shown(case)
    body = {
        "case_id": found["id"],
        "category": found["category"],
        "grid_code": found["grid_code"],
        "target_area": player.stage.place.spot.township,
        "target_unit": player.stage.units[unit],
        "reason": reason,
    }
    answer = await who.post(APPROVALS, body)
    if answer.is_success:
        player.approvals[case] = answer.json()["id"]
    return answer


async def give_opinion(player: Player, who: Person, row: Row) -> httpx.Response:
    """出具意见 `同意 理由` or `不同意 理由`."""
    head, _, told = row.content.partition(" ")
    return await _on_approval(player, who, row, "opinion", agrees=AGREES[head], text=told or head)


async def approve(player: Player, who: Person, row: Row) -> httpx.Response:
    """批准, with a reason where the township did not agree."""
    note = {"note": row.content} if row.content else {}
    return await _on_approval(player, who, row, "approve", **note)


async def deny(player: Player, who: Person, row: Row) -> httpx.Response:
    """不予批准 `理由`."""
    return await _on_approval(player, who, row, "deny", note=row.content)


async def _on_approval(
    player: Player, who: Person, row: Row, step: str, **body: object
) -> httpx.Response:
    found = player.approvals[player.case_of(row)]
    return await who.post(f"{APPROVALS}/{found}/{step}", body)


async def declare(player: Player, who: Person, row: Row) -> httpx.Response:
    """启动应急 or 启动演练 `A`: `村 山洪 较大 理由`."""
    area, plan, level, reason = row.content.split(" ")
    body = {
        "area": player.area(area),
        "level": LEVELS[level],
        "plan": PLANS[plan],
        "reason": reason,
        "drill": row.verb == "启动演练",
    }
    answer = await who.post(ACTIVATIONS, body)
    if answer.is_success:
        player.activations[row.case] = answer.json()["id"]
    return answer


async def end(player: Player, who: Person, row: Row) -> httpx.Response:
    """结束应急 `A`, with what is said at the end."""
    path = f"{ACTIVATIONS}/{player.activations[row.case]}/end"
    return await who.post(path, {"note": row.content})


async def evaluate(player: Player, who: Person, row: Row) -> httpx.Response:
    """评估演练 `A`: `人数 下次日期 发现的问题`."""
    many, next_on, findings = row.content.split(" ")
    path = f"{ACTIVATIONS}/{player.activations[row.case]}/evaluate"
    body = {"participants": int(many), "findings": findings, "next_on": next_on}
    return await who.post(path, body)


async def send_track(player: Player, who: Person, row: Row) -> httpx.Response:
    """上传轨迹: a point where the worker is now."""
    spot = player.stage.place.spot
    point = {"lon": spot.lon, "lat": spot.lat, "crs": "cgcs2000", "at": row.at.isoformat()}
    return await who.post("/v1/tracks", {"points": [point]})


WORK: dict[str, Callable[[Player, Person, Row], Awaitable[httpx.Response]]] = {
    "申请批准": ask_approval,
    "出具意见": give_opinion,
    "批准": approve,
    "不予批准": deny,
    "启动应急": declare,
    "启动演练": declare,
    "结束应急": end,
    "结束演练": end,
    "评估演练": evaluate,
    "上传轨迹": send_track,
}
