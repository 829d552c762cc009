"""Pure decisions over one incident: who may do what now, and what it changes.

Every function takes the clock and the facts; none asks the database or the web.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.errors import AppError, Forbidden, NotFound
from service.incidents.case import IncidentCase
from service.incidents.errors import (
    BadOccurredAt,
    EvidenceMissing,
    HeldAbove,
    InaccuratePosition,
    NoHigherTier,
    NotHandler,
    NotVerified,
    SelfHandleNotAllowed,
    StaleVersion,
    VerifierIsHandler,
)
from service.incidents.workflow import INCIDENT, TIERS, TOP_TIER
from service.kit.workflow import Step

HANDLER_ACTIONS = frozenset({"arrive", "handle", "submit", "return"})
JUDGING_ACTIONS = frozenset({"verify", "close", "rework"})
# A follow-up asks the people how it went: any tier may.
ANY_TIER_ACTIONS = frozenset({"follow-up"})
MAX_RETURNS = 2
MAX_ACCURACY_M = 2_000.0


@dataclass(frozen=True, slots=True)
class Actor:
    """What the rules need to know of a caller, for one case.

    `permissions` are those that hold where the case is; `tier` is the highest response tier at
    which the caller dispatches there; `in_unit` says whether the caller handles for its unit.
    """

    account_id: UUID
    permissions: frozenset[str]
    tier: int
    in_unit: bool
    readable: bool
    role: str | None


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """What a category demands of handling."""

    self_handle: bool = False
    evidence: str = "none"


@dataclass(slots=True)
class Command:
    """One action asked for: by whom, with which body, on which expected version."""

    action: str
    expected_version: int | None = None
    note: str | None = None
    unit: str | None = None
    assignee: UUID | None = None
    result: str | None = None
    satisfaction: str | None = None
    occurred_at: datetime | None = None
    attachments: list[UUID] = field(default_factory=list)
    position: dict[str, Any] | None = None


def refusal(
    step: Step, case: IncidentCase, actor: Actor, category: CategoryRule
) -> AppError | None:
    """Why `actor` may not take `step` on `case` now, or None when it may.

    The order is what a caller sees first: unreadable (404), the role (403), the state (409), then
    tier, handler and verifier.
    """
    if not actor.readable:
        return NotFound()
    if step.permission not in actor.permissions:
        return Forbidden()
    try:
        INCIDENT.require(step, case.state)
    except AppError as not_allowed:
        return not_allowed
    return _holder_refusal(step, case, actor) or _guard_refusal(step, case, actor, category)


def _holder_refusal(step: Step, case: IncidentCase, actor: Actor) -> AppError | None:
    if step.action in HANDLER_ACTIONS:
        return None if is_handler(case, actor) else NotHandler(action=step.zh)
    if step.action not in ANY_TIER_ACTIONS and actor.tier < case.tier:
        return HeldAbove(tier=case.tier, name=TIERS[case.tier], action=step.zh)
    return None


def _guard_refusal(
    step: Step, case: IncidentCase, actor: Actor, category: CategoryRule
) -> AppError | None:
    action = step.action
    if action in JUDGING_ACTIONS and actor.account_id in case.handler_ids:
        return VerifierIsHandler()
    if action == "close" and case.verification != "passed":
        return NotVerified()
    if action == "escalate" and case.tier >= TOP_TIER:
        return NoHigherTier()
    if action == "self-handle" and not category.self_handle:
        return SelfHandleNotAllowed(category=case.category_code)
    return None


def is_handler(case: IncidentCase, actor: Actor) -> bool:
    """Whether the case is in the actor's hands: assigned in person, or to its unit."""
    if case.assignee_id is not None:
        return case.assignee_id == actor.account_id
    return case.unit_code is not None and actor.in_unit


def available_actions(case: IncidentCase, actor: Actor, category: CategoryRule) -> list[str]:
    """The actions that `actor` may take on `case` now, in the workflow's order."""
    return [
        step.action
        for step in INCIDENT.steps_from(case.state)
        if refusal(step, case, actor, category) is None
    ]


def check(
    step: Step, case: IncidentCase, actor: Actor, command: Command, category: CategoryRule
) -> None:
    """Pass when the command may be carried out on the locked row.

    Raises the refusal, StaleVersion (412) or EvidenceMissing (422).
    """
    why_not = refusal(step, case, actor, category)
    if isinstance(why_not, NotFound) or type(why_not) is Forbidden:
        raise why_not
    if command.expected_version is not None and command.expected_version != case.version:
        raise StaleVersion(current=case.version, extra={"current_version": case.version})
    if why_not is not None:
        raise why_not
    if (
        step.action in ("submit", "self-handle")
        and category.evidence != "none"
        and not command.attachments
    ):
        raise EvidenceMissing(category=case.category_code, pointer="/attachments")


def apply(
    step: Step, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    """Change `case` as `step` says, all but state and chain; return the event's payload."""
    effect = _EFFECTS.get(step.action)
    payload = effect(case, actor, command, now) if effect else {}
    if command.note is not None:
        payload["note"] = command.note
    if command.attachments:
        payload["attachments"] = [str(i) for i in command.attachments]
    if command.position is not None:
        payload["position"] = command.position
    return payload


def _add_handler(case: IncidentCase, actor: Actor) -> None:
    if actor.account_id not in case.handler_ids:
        case.handler_ids = [*case.handler_ids, actor.account_id]


def _release(case: IncidentCase) -> None:
    case.unit_code = None
    case.assignee_id = None


def _accept(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    # A grid worker who accepts takes it in hand; a dispatcher still has to assign it.
    if actor.tier == 1:
        case.assignee_id = actor.account_id
    return {"tier": case.tier}


def _assign(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.unit_code = command.unit
    case.assignee_id = command.assignee
    return {"unit": command.unit, "assignee": str(command.assignee) if command.assignee else None}


def _handle(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    _add_handler(case, actor)
    return {}


def _submit(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    _add_handler(case, actor)
    case.verification = None
    case.verified_by = None
    return {}


def _return(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.returns += 1
    _release(case)
    payload: dict[str, Any] = {"returns": case.returns}
    if case.returns % MAX_RETURNS == 0 and case.tier < TOP_TIER:
        # At most two returns, then the next tier up decides.
        payload |= {"from_tier": case.tier, "to_tier": case.tier + 1, "rule": "two_returns"}
        case.tier += 1
    return payload


def _escalate(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    payload = {"from_tier": case.tier, "to_tier": case.tier + 1}
    case.tier += 1
    _release(case)
    return payload


def _verify(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.verified_by = actor.account_id
    case.verification = command.result
    return {"result": command.result}


def _rework(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.verification = "failed"
    case.verified_by = actor.account_id
    return {}


def _close(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.closed_at = now
    return {"verified_by": str(case.verified_by)}


def _self_handle(
    case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    _add_handler(case, actor)
    case.assignee_id = actor.account_id
    case.closed_at = now
    case.verification = "self"
    return {}


def _follow_up(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.satisfaction = command.satisfaction
    return {"satisfaction": command.satisfaction}


def _reopen(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    _release(case)
    case.closed_at = None
    case.verification = None
    case.verified_by = None
    case.satisfaction = None
    return {}


_EFFECTS: dict[str, Callable[[IncidentCase, Actor, Command, datetime], dict[str, Any]]] = {
    "accept": _accept,
    "assign": _assign,
    "transfer": _assign,
    "arrive": _handle,
    "handle": _handle,
    "submit": _submit,
    "return": _return,
    "escalate": _escalate,
    "verify": _verify,
    "rework": _rework,
    "close": _close,
    "self-handle": _self_handle,
    "follow-up": _follow_up,
    "reopen": _reopen,
}


def check_occurred_at(occurred_at: datetime, now: datetime, *, days: int, skew: timedelta) -> None:
    """Pass when the time is at most `days` before now or `skew` after. Raises BadOccurredAt."""
    if not now - timedelta(days=days) <= occurred_at <= now + skew:
        raise BadOccurredAt(days=days, pointer="/occurred_at")


def check_accuracy(accuracy_m: float | None) -> None:
    """Pass when the fix is good enough to name a grid. Raises InaccuratePosition."""
    if accuracy_m is not None and accuracy_m > MAX_ACCURACY_M:
        raise InaccuratePosition(
            accuracy_m=accuracy_m, limit=MAX_ACCURACY_M, pointer="/location/accuracy_m"
        )
