"""Calls, sub-orders and duplicates in a scenario: what is sent, and what a table says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

from service.incidents.together.workflow import CALL, ORDER_STEPS, SUB_ORDER
from tests.flows.scenarios.reading import Row
from tests.people import Person

if TYPE_CHECKING:
    from tests.flows.scenarios.playing import Player

JSON = dict[str, Any]
NEXT_TIER, ALL = "上级", "全部"
ANSWERS = {"出发": "on_the_way", "接受": "accept", "拒绝": "refuse"}
TO_UNIT = {"transfer", "assign"}
NO_DUPLICATE = "无疑似"


async def order_step(player: Player, case: str, action: str, content: str) -> tuple[str, JSON]:
    """`协办单拒绝 | 公安局 人手不足`: the path behind the case, and the body.

    The newest sub-order of the unit is meant; what is decided finally names the next unit.
    """
    unit, _, rest = content.partition(" ")
    code = player.stage.units[unit]
    orders = (await player.shown(case))["sub_orders"]
    found = [order for order in orders if order["unit"] == code][-1]
    step = ORDER_STEPS[action].action
    if step in TO_UNIT:
        return f"sub-orders/{found['id']}/{step}", {"unit": player.stage.units[rest]}
    return f"sub-orders/{found['id']}/{step}", {"note": rest} if rest else {}


async def body(player: Player, case: str, action: str, content: str) -> JSON | None:
    """The body of the other steps of this kind; None for a step of another kind."""
    found = _BODIES.get(action)
    if found is not None:
        return found(player, content)
    if action == "set-closing-rule":
        return await _closing_rule(player, case, content)
    return None


def _call(player: Player, content: str) -> JSON:
    names = content.split(" ")
    units = [player.stage.units[name] for name in names if name != NEXT_TIER]
    return {"units": units, "next_tier": NEXT_TIER in names}


def _answer(player: Player, content: str) -> JSON:
    head, _, reason = content.partition(" ")
    return {"answer": ANSWERS[head], **({"note": reason} if reason else {})}


def _help(player: Player, content: str) -> JSON:
    asked = [part.partition(" ") for part in content.split("；")]
    return {"sub_orders": [{"unit": player.stage.units[u], "task": task} for u, _, task in asked]}


async def _closing_rule(player: Player, case: str, content: str) -> JSON:
    if content == ALL:
        return {"rule": "all"}
    codes = [player.stage.units[name] for name in content.split(" ")[1:]]
    orders = (await player.shown(case))["sub_orders"]
    named = [order["id"] for order in orders if order["unit"] in codes]
    return {"rule": "main_and_named", "named": named}


_BODIES: dict[str, Callable[[Player, str], JSON]] = {
    "call": _call,
    "answer": _answer,
    "request-help": _help,
    "merge": lambda player, content: {"master": player.ids[content]},
    "decline-duplicate": lambda player, content: {"duplicate": player.ids[content]},
}


async def duplicates(player: Player, who: Person, row: Row) -> httpx.Response:
    """查重 `甲`: exactly these cases are proposed; `无疑似` when none is."""
    path = f"/v1/incidents/{player.ids[row.case]}/duplicates"
    answer = await who.get(path)
    if answer.is_success:
        names = {found: name for name, found in player.ids.items()}
        proposed = sorted(names.get(item["id"], "?") for item in answer.json()["items"])
        wanted = [] if row.content == NO_DUPLICATE else sorted(row.content.split(" "))
        assert proposed == wanted, f"proposed {proposed}"
    return answer


def call_state(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    """`呼叫 住建局 待应答`: the newest call of that unit, or of the next tier."""
    name, state = value.split(" ")
    code = None if name == NEXT_TIER else player.stage.units[name]
    found = [call["state"] for call in case["calls"] if call["unit"] == code]
    return found and CALL.states[found[-1]], state


def order_state(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    """`协办单 公安局 已接收`: the newest sub-order that the unit has."""
    name, state = value.split(" ")
    code = player.stage.units[name]
    found = [order["state"] for order in case["sub_orders"] if order["unit"] == code]
    return found and SUB_ORDER.states[found[-1]], state


def master(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    """`主案 甲`: the case that this one is merged into."""
    return (case["master"] or {}).get("id"), player.ids[value]


def merged(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    """`并入 乙 丙`: the cases that are merged into this one; `并入 无` for none."""
    wanted = [] if value == "无" else [player.ids[name] for name in value.split(" ")]
    return sorted(case["merged"]), sorted(wanted)
