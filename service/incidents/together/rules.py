"""Pure decisions over calls, sub-orders and merging: who may take which step now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from service.errors import AppError
from service.incidents.together import calls, merging, orders
from service.incidents.together.errors import (
    CallOver,
    HasMerged,
    MergedIntoItself,
    NotCalled,
    SubOrdersOpen,
)
from service.incidents.together.workflow import HANDLE, ORDER_STEPS
from service.kit.workflow import Step

if TYPE_CHECKING:
    from service.incidents.case import IncidentCase
    from service.incidents.rules import Actor, Command

ANSWERS = frozenset({"answer", "arrive-call"})
OF_MAIN_UNIT = frozenset({"request-help", "set-closing-rule"})
FINISHING = frozenset({"submit", "close", "self-handle"})


class Part(NamedTuple):
    """The part that a caller has in a case beside holding it; of `service.incidents.rules.Stand`.

    `blocking` are the sub-orders that the closing rule waits for, `unfinished` all that are open;
    `absorbed` says that other cases are merged into this one.
    """

    main: bool
    called: calls.Standing
    blocking: tuple[str, ...]
    unfinished: tuple[str, ...]
    absorbed: bool


ALONE = {main: Part(main, "", (), (), False) for main in (True, False)}


def part_of(case: IncidentCase, actor: Actor) -> Part:
    """The part that `actor` has in `case`."""
    if not (case.sub_orders or case.calls or case.merged_ids):
        return ALONE[actor.in_unit]
    return Part(
        actor.in_unit,
        calls.standing(case, actor),
        orders.blocking(case),
        orders.unfinished(case),
        bool(case.merged_ids),
    )


def has_part(step: Step, part: Part) -> bool:
    """Whether the caller's part in the case gives it the step, whatever tier holds the case.

    What is done with one sub-order is judged with that sub-order (see `check`).
    """
    return bool(step.part) or (step.action in OF_MAIN_UNIT and part.main)


def answer_refusal(part: Part) -> AppError | None:
    """Why the caller answers no call here; None when it was called and the call is open."""
    if part.called == "open":
        return None
    return CallOver() if part.called == "over" else NotCalled()


def guard_refusal(step: Step, part: Part) -> AppError | None:
    """What sub-orders and merged cases stand in the way of the step."""
    if step.action in FINISHING and part.blocking:
        return _open(part.blocking)
    if step.action == "merge":
        if part.absorbed:
            return HasMerged()
        if part.unfinished:
            return _open(part.unfinished)
    return None


def _open(ids: tuple[str, ...]) -> SubOrdersOpen:
    return SubOrdersOpen(orders=", ".join(ids), extra={"sub_orders": list(ids)})


def check(step: Step, case: IncidentCase, actor: Actor, command: Command) -> None:
    """Pass when what the command names may be done with it. Raises the refusal."""
    joint = command.joint
    if joint is None:
        return
    if step.part:
        order = orders.order_in(case, joint.order)
        why_not = orders.refusal(ORDER_STEPS[step.action], order, case, actor)
        if why_not is not None:
            raise why_not
    elif step.action in ANSWERS:
        calls.call_for(case, actor, joint.call)
    elif step.action == "call":
        calls.check_new(case, joint)
    elif step.action == "request-help":
        orders.check_new(case, len(joint.orders))
    elif step.action == "set-closing-rule":
        orders.check_named(case, joint.named)
    elif step.action == "decline-duplicate" and joint.other == case.id:
        raise MergedIntoItself(pointer="/duplicate")


def acting_unit(step: Step, case: IncidentCase, actor: Actor, command: Command) -> str | None:
    """The unit under which the actor takes the step: its own where it was called or has a
    sub-order, else the main unit."""
    if command.joint is not None:
        if step.part and step.permission == HANDLE:
            return orders.order_in(case, command.joint.order).unit
        if step.action in ANSWERS:
            called = calls.call_for(case, actor, command.joint.call)
            return called.unit or case.unit_code
    return case.unit_code


def sub_order_actions(case: IncidentCase, actor: Actor) -> list[str]:
    """What the actor may do with the case's sub-orders, as `sub-orders/{id}/{action}`."""
    if not case.sub_orders or case.state in merging.FINISHED | {"rejected", "merged", "void"}:
        return []
    return orders.actions(case, actor)
