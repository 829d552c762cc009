"""What a result in a table means, and whether it is so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.kit import clock
from tests.flows.scenarios import joint, words
from tests.flows.scenarios.reading import moment

if TYPE_CHECKING:
    from tests.flows.scenarios.playing import Player

JSON = dict[str, Any]
NOTHING = "无动作"
COUNTED, UNANSWERED = "开始计时", "呼叫无应答"


def event_name(event: JSON) -> str:
    """How the tables name what the service did by itself; an event of somebody's as it is."""
    payload, action = event["payload"], event["action"]
    if action == "count":
        return COUNTED
    if action == "call-unanswered":
        return UNANSWERED
    if not payload.get("automatic"):
        return str(event["event"])
    if action == "escalate":
        tier = next(zh for zh, n in words.TIER_OF.items() if n == payload["to_tier"])
        return f"升级 {tier}"
    verb = next(zh for zh, found in words.BY_ITSELF.items() if found == action)
    name = payload["rule"].split(".")[0]
    return f"{verb} {next(zh for zh, found in words.CLOCK_OF.items() if found == name)}"


def is_automatic(result: str) -> bool:
    """Whether a result names what the service did by itself."""
    head = result.split(" ")[0]
    return result in (NOTHING, COUNTED, UNANSWERED) or head in (*words.BY_ITSELF, "升级")


def automatic(results: tuple[str, ...]) -> list[str]:
    """What the service is to have done, in order."""
    return [r for r in results if is_automatic(r) and r != NOTHING]


def check(result: str, case: JSON, actions: list[str], player: Player) -> None:
    """Hold `case` to one result. Raises AssertionError, or KeyError for an unknown word."""
    if is_automatic(result):
        return
    found, wanted = _pair(result, case, actions, player)
    assert found == wanted, f"{result}: found {found}"


def _pair(result: str, case: JSON, actions: list[str], player: Player) -> tuple[Any, Any]:
    """What is so, and what the table says."""
    if result in words.STATE_OF:
        return case["state"], words.STATE_OF[result]
    if result in words.TIER_OF:
        return case["holder"]["tier"], words.TIER_OF[result]
    if result in words.COLOURS:
        return colour(case), result
    if result in words.EXTENSIONS:
        return (case["extension"] or {}).get("state"), words.EXTENSIONS[result]
    if result in words.VERIFICATIONS:
        return case["verification"], words.VERIFICATIONS[result]
    if result in _PLAIN:
        return _PLAIN[result](case)
    head, *rest = result.split(" ", 1)
    return _WITH[head](case, rest[0], actions, player)


def colour(case: JSON) -> str:
    """The colour that a console shows: by the earliest of the limits that run."""
    at, found = clock.now(), "绿色"
    for name, shade in (("amber_at", "黄色"), ("due_at", "红色")):
        mark = case["deadline"][name]
        if mark is not None and datetime.fromisoformat(mark) <= at:
            found = shade
    return found


def _limit(name: str) -> Callable[..., tuple[Any, Any]]:
    def pair(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
        found = case["deadline"][name]
        wanted = moment(value, clock.local(clock.now()).year)
        return found and clock.local(datetime.fromisoformat(found)), clock.local(wanted)

    return pair


def _holder(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    holder = case["holder"]
    if value in player.stage.units:
        return holder["unit"], player.stage.units[value]
    if value == "无人":
        return (holder["unit"], holder["account"]), (None, None)
    return holder["account"], str(player.stage.person(value).id)


def _waiting(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    return case["deadline"]["waiting"], sorted(words.CLOCK_OF[name] for name in value.split(" "))


def _allowed(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    wanted = {words.VERBS[verb] for verb in value.split(" ")}
    return wanted & set(actions), wanted


def _not_allowed(case: JSON, value: str, actions: list[str], player: Player) -> tuple[Any, Any]:
    return {words.VERBS[verb] for verb in value.split(" ")} & set(actions), set()


_PLAIN: dict[str, Callable[[JSON], tuple[Any, Any]]] = {
    "不计时": lambda case: (case["deadline"]["due_at"], None),
    "无待历法": lambda case: (case["deadline"]["waiting"], []),
    "已督办": lambda case: (case["supervised_at"] is not None, True),
    "未督办": lambda case: (case["supervised_at"], None),
    "实战": lambda case: (case["drill"], False),
    "演练": lambda case: (case["drill"], True),
}
_WITH: dict[str, Callable[..., tuple[Any, Any]]] = {
    **{name: _limit(member) for name, member in words.DEADLINES.items()},
    "由": _holder,
    "待历法": _waiting,
    "呼叫": joint.call_state,
    "协办单": joint.order_state,
    "主案": joint.master,
    "并入": joint.merged,
    "可": _allowed,
    "不可": _not_allowed,
    "退回": lambda case, value, *_: (case["returns"], int(value)),
    "规则": lambda case, value, *_: (case["policy_version"], int(value)),
    "评价": lambda case, value, *_: (case["satisfaction"], words.SATISFACTION[value]),
    "结果": lambda case, value, *_: (case["outcome"], words.OUTCOMES[value]),
}
