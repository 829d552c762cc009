"""What a step changes in a case, beside its state and its chain; pure, like the rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from service.incidents.case import IncidentCase
from service.incidents.rules import Actor, Command
from service.incidents.together import effects as together
from service.incidents.workflow import TOP_TIER
from service.kit.workflow import Step


def apply(
    step: Step, case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    """Change `case` as `step` says, all but state and chain; return the event's payload."""
    effect = _EFFECTS.get(step.action)
    payload = effect(case, actor, command, now) if effect else {}
    if together.handles(step.action):
        _add_handler(case, actor)
    return payload | together.follow(step.action, case, now) | stated(command)


def stated(command: Command) -> dict[str, Any]:
    """What the event keeps of the body: note, evidence, position."""
    payload: dict[str, Any] = {}
    if command.note is not None:
        payload["note"] = command.note
    if command.attachments:
        payload["attachments"] = [str(i) for i in command.attachments]
    if command.grounds:
        payload["duty_list"] = command.grounds
    if command.approvals:
        payload["approvals"] = [str(a.approval_id) for a in command.approvals]
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
    case.accepted_at = case.accepted_at or now
    # A grid worker who accepts takes it in hand; a dispatcher still has to assign it.
    if actor.tier == 1:
        case.assignee_id = actor.account_id
        return {"tier": case.tier, "assignee": str(actor.account_id)}
    return {"tier": case.tier}


def _assign(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.unit_code = command.unit
    case.assignee_id = command.assignee
    case.assignments += 1
    return {"unit": command.unit, "assignee": str(command.assignee) if command.assignee else None}


def _arrive(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    return _handle(case, actor, command, now)


def _handle(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    # Who handles it without having said so is there as well.
    case.arrived_at = case.arrived_at or now
    _add_handler(case, actor)
    return {}


def _submit(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    _add_handler(case, actor)
    case.verification = None
    case.verified_by = None
    case.outcome = command.outcome or case.outcome
    return {"outcome": command.outcome} if command.outcome else {}


def _return(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.returns += 1
    _release(case)
    payload: dict[str, Any] = {"returns": case.returns}
    if case.returns % command.max_returns == 0 and case.tier < TOP_TIER:
        # At most so many returns, then the next tier up decides.
        payload |= {"from_tier": case.tier, "to_tier": case.tier + 1, "rule": "max_returns"}
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
    case.verifications += 1
    case.failed_verifications += command.result == "failed"
    return {"result": command.result}


def _rework(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    if case.verification != "failed":
        # What was not verified, or had passed, has failed with this.
        case.verifications += case.verification is None
        case.failed_verifications += 1
    case.verification = "failed"
    case.verified_by = actor.account_id
    return {}


def _close(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.closed_at = now
    case.outcome = command.outcome or case.outcome
    payload = {"verified_by": str(case.verified_by)}
    return payload | ({"outcome": command.outcome} if command.outcome else {})


def _self_handle(
    case: IncidentCase, actor: Actor, command: Command, now: datetime
) -> dict[str, Any]:
    _add_handler(case, actor)
    case.assignee_id = actor.account_id
    case.accepted_at = case.accepted_at or now
    case.arrived_at = case.arrived_at or now
    case.closed_at = now
    case.verification = "self"
    return {"assignee": str(actor.account_id)}


def _follow_up(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    case.satisfaction = command.satisfaction
    return {"satisfaction": command.satisfaction}


def _reopen(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    _release(case)
    case.closed_at = None
    case.verification = None
    case.verified_by = None
    case.satisfaction = None
    if case.extension_state == "asked":
        # It was asked for in a life that is over.
        case.extension = None
    return {}


_EFFECTS: dict[str, Callable[[IncidentCase, Actor, Command, datetime], dict[str, Any]]] = {
    "accept": _accept,
    "assign": _assign,
    "transfer": _assign,
    "arrive": _arrive,
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
    **together.EFFECTS,
}
