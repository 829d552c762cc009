"""协办: sub-orders to several units, their own acceptance, refusal, feedback, arbitration. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.errors import AppError, NotFound
from service.incidents.errors import VerifierIsHandler
from service.incidents.together.calls import MAX_PARTS, TOP_TIER
from service.incidents.together.errors import (
    ArbitrationAbove,
    FinallyAssigned,
    NotIssuer,
    NotSubOrderUnit,
    TooManyParts,
    UnknownSubOrder,
)
from service.incidents.together.structs import SubOrder
from service.incidents.together.workflow import (
    ARBITRATION,
    ENDED_ORDERS,
    HANDLE,
    ORDER_STEPS,
    REFUSED,
    SUB_ORDER,
    SUB_ORDERS,
)
from service.kit.parts import move
from service.kit.workflow import ActionNotAllowed, Step

if TYPE_CHECKING:
    from service.incidents.case import IncidentCase
    from service.incidents.rules import Actor, Command

MAX_REFUSALS = 2
MAIN, CO = "main", "co"
ALL, MAIN_AND_NAMED = "all", "main_and_named"
TIER_NAMES = {2: "村（社区）", 3: "乡镇（街道）", TOP_TIER: "县"}


def unfinished(case: IncidentCase) -> tuple[str, ...]:
    """The ids of sub-orders that are neither done nor withdrawn."""
    return tuple(str(o.id) for o in case.sub_orders if o.state not in ENDED_ORDERS)


def blocking(case: IncidentCase) -> tuple[str, ...]:
    """The ids of sub-orders that the case's closing rule still waits for."""
    if case.closing_rule == ALL:
        return unfinished(case)
    return tuple(
        str(o.id)
        for o in case.sub_orders
        if o.state not in ENDED_ORDERS and (o.named or o.role == MAIN)
    )


def order_in(case: IncidentCase, order_id: UUID | None) -> SubOrder:
    """The case's sub-order with this id. Raises NotFound."""
    found = next((o for o in case.sub_orders if o.id == order_id), None)
    if found is None:
        raise NotFound
    return found


def refusal(step: Step, order: SubOrder, case: IncidentCase, actor: Actor) -> AppError | None:
    """Why `actor` may not take `step` (of SUB_ORDER) on `order`; None when it may.

    First whose the step is (403), then the order's state and history (409).
    """
    return _whose(step, order, case, actor) or _whether(step, order, actor)


def _whose(step: Step, order: SubOrder, case: IncidentCase, actor: Actor) -> AppError | None:
    if step.permission == HANDLE:
        if order.unit in actor.units:
            return None
        return NotSubOrderUnit(unit=order.unit, action=step.zh)
    decided = order.final and step.action == "transfer"
    if order.state == ARBITRATION or step.action == "assign" or decided:
        tier = order.arbitration_tier or min(case.tier + 1, TOP_TIER)
        return None if actor.tier >= tier else ArbitrationAbove(tier=tier, name=TIER_NAMES[tier])
    issued_by_main = order.issuer_unit is not None and order.issuer_unit == case.unit_code
    if actor.tier >= case.tier or (actor.in_unit and issued_by_main):
        return None
    return NotIssuer(action=step.zh)


def _whether(step: Step, order: SubOrder, actor: Actor) -> AppError | None:
    try:
        SUB_ORDER.require(step, order.state)
    except ActionNotAllowed as not_allowed:
        return not_allowed
    if step.action == "refuse" and order.final:
        return FinallyAssigned()
    if step.action == "approve" and actor.account_id in (order.accepted_by, order.submitted_by):
        return VerifierIsHandler()
    return None


def actions(case: IncidentCase, actor: Actor) -> list[str]:
    """What `actor` may do with each sub-order, as `sub-orders/{id}/{action}`."""
    return [
        f"{SUB_ORDERS}/{order.id}/{step.action}"
        for order in case.sub_orders
        for step in ORDER_STEPS.values()
        if step.permission in actor.permissions and refusal(step, order, case, actor) is None
    ]


def role_of(case: IncidentCase, unit: str) -> str:
    """main for the unit that has the case in hand, else co."""
    return MAIN if unit == case.unit_code else CO


def check_new(case: IncidentCase, many: int) -> None:
    """Pass when `many` more fit. Raises TooManyParts."""
    if len(case.sub_orders) + many > MAX_PARTS:
        raise TooManyParts(limit=MAX_PARTS)


def issue(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """Sub-orders to the units that the command names; who issues them at a lower tier than the
    holder's acts for the main unit."""
    assert command.joint is not None
    issuer_unit = case.unit_code if actor.in_unit and actor.tier < case.tier else None
    made = [
        SubOrder(
            id=new.id,
            unit=new.unit,
            role=role_of(case, new.unit),
            task=new.task,
            deadline=new.deadline,
            issued_by=actor.account_id,
            issued_at=now,
            issuer_unit=issuer_unit,
        )
        for new in command.joint.orders
    ]
    case.sub_orders = [*case.sub_orders, *made]
    return {
        "sub_orders": [
            {"id": str(o.id), "unit": o.unit, "role": o.role, "task": o.task} for o in made
        ]
    }


def set_closing_rule(
    case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    """Which sub-orders closing waits for. Raises UnknownSubOrder."""
    joint = command.joint
    assert joint is not None
    assert joint.rule is not None
    case.closing_rule = joint.rule
    for order in case.sub_orders:
        order.named = order.id in joint.named
    return {"rule": joint.rule, "named": [str(i) for i in joint.named]}


def check_named(case: IncidentCase, named: list[UUID]) -> None:
    """Pass when the case has all of them. Raises UnknownSubOrder."""
    known = {o.id for o in case.sub_orders}
    if missing := [str(i) for i in named if i not in known]:
        raise UnknownSubOrder(orders=", ".join(missing), pointer="/named")


def take(
    action: str, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    """Carry out one action on the sub-order that the command names."""
    assert command.joint is not None
    order = order_in(case, command.joint.order)
    move(order, SUB_ORDER, action)
    _EFFECTS[action](order, case, actor, command, now)
    return {
        "sub_order": str(order.id),
        "unit": order.unit,
        "sub_order_state": order.state,
        "refusals": order.refusals,
    }


def _afresh(order: SubOrder, case: IncidentCase, unit: str) -> None:
    order.unit, order.role = unit, role_of(case, unit)
    order.accepted_by = order.accepted_at = None
    order.submitted_by = order.submitted_at = None


def _accept(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.accepted_by, order.accepted_at = actor.account_id, now


def _refuse(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.reason = command.note
    order.accepted_by = order.accepted_at = None
    order.refusals += 1
    if order.refusals >= MAX_REFUSALS:
        move(order, SUB_ORDER, "dispute")
        order.arbitration_tier = min(case.tier + 1, TOP_TIER)


def _submit(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.submitted_by, order.submitted_at = actor.account_id, now
    order.feedback = command.note
    order.evidence = [*order.evidence, *command.attachments]


def _end(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.ended_by, order.ended_at = actor.account_id, now


def _withdraw(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.reason = command.note
    _end(order, case, actor, command, now)


def _send_back(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    order.reason = command.note
    order.submitted_by = order.submitted_at = None


def _transfer(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    assert command.joint is not None
    assert command.joint.unit is not None
    _afresh(order, case, command.joint.unit)
    order.final = False


def _assign(
    order: SubOrder, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> None:
    _transfer(order, case, actor, command, now)
    order.final = True


_EFFECTS = {
    "accept": _accept,
    "refuse": _refuse,
    "submit": _submit,
    "approve": _end,
    "send-back": _send_back,
    "transfer": _transfer,
    "withdraw": _withdraw,
    "assign": _assign,
}


def follow_case(case: IncidentCase) -> None:
    """The case has come into other hands, or into none: what its main unit had to do goes along."""
    for order in case.sub_orders:
        if order.role == MAIN and order.state not in ENDED_ORDERS | {ARBITRATION}:
            if case.unit_code is not None:
                if order.unit != case.unit_code or order.state == REFUSED:
                    move(order, SUB_ORDER, "follow")
                    _afresh(order, case, case.unit_code)
                    order.final = False
            elif order.state != REFUSED:
                move(order, SUB_ORDER, "let-go")
        elif order.state not in ENDED_ORDERS:
            order.role = role_of(case, order.unit)


def end_orders(case: IncidentCase, why: str, now: datetime) -> list[str]:
    """The case is over: what is open is withdrawn for that reason. Returns the ids of those."""
    left = unfinished(case)
    for order in case.sub_orders:
        if order.state not in ENDED_ORDERS:
            move(order, SUB_ORDER, "withdraw")
            order.reason, order.ended_at = why, now
    return list(left)
