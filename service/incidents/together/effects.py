"""What the steps of this room change in a case, and what other steps change in its parts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from service.incidents.together import calls, merging, orders
from service.incidents.together.workflow import (
    HANDLE,
    ORDER_STEPS,
    WITHDRAWN,
)

if TYPE_CHECKING:
    from service.incidents.case import IncidentCase
    from service.incidents.rules import Actor, Command

Effect = Callable[["IncidentCase", "Actor", "Command", datetime], dict[str, Any]]

CHANGES_HANDS = frozenset({"assign", "transfer", "return", "escalate", "reopen"})
ENDS = {
    "close": "case_closed",
    "self-handle": "case_closed",
    "reject": "case_rejected",
    "void": "case_void",
    "merge": "case_merged",
}
HANDLING = frozenset(
    {"arrive-call"} | {a for a, s in ORDER_STEPS.items() if s.permission == HANDLE}
)

EFFECTS: dict[str, Effect] = {
    "call": calls.call,
    "answer": calls.answer,
    "arrive-call": calls.arrive,
    "request-help": orders.issue,
    "set-closing-rule": orders.set_closing_rule,
    **{action: partial(orders.take, step.action) for action, step in ORDER_STEPS.items()},
    "merge": merging.merge,
    "split-off": merging.split_off,
    "decline-duplicate": merging.decline,
}


def handles(action: str) -> bool:
    """Whether who takes the step is a handler of the case from then on."""
    return action in HANDLING and action != "sub-order-refuse"


def follow(action: str, case: IncidentCase, now: datetime) -> dict[str, Any]:
    """Let calls and sub-orders follow what `action` has made of the case.

    Returns what the event tells of it.
    """
    if not (case.sub_orders or case.calls):
        return {}
    told: dict[str, Any] = {}
    if action in CHANGES_HANDS:
        orders.follow_case(case)
    elif (why := ENDS.get(action)) is not None:
        if left := orders.end_orders(case, why, now):
            told["sub_orders_withdrawn"] = left
        calls.end_calls(case, why)
    settle(case)
    return told


def settle(case: IncidentCase) -> None:
    """Name in `co_units` the units that have a part: who is called, or has a sub-order."""
    units = {c.unit for c in case.calls if c.unit and (calls.is_open(c) or c.arrived_at)}
    units |= {o.unit for o in case.sub_orders if o.state != WITHDRAWN}
    case.co_units = sorted(units)
