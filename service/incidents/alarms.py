"""What the service does by itself when a limit comes near, is over, or is long over; pure.

At amber it warns, at red it marks the case overdue, at 120 % it opens supervision; a case that has
used up its tier's time goes to the next tier. Each decision keeps why it was taken: policy
version, rule, and the times that it rests on (clause 23.2: tiered response).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.incidents import clockwork, effects
from service.incidents.basis import Basis, tick
from service.incidents.case import IncidentCase
from service.incidents.clockwork import Due
from service.incidents.limits import TIER
from service.incidents.rules import Actor, Command
from service.incidents.together import calls
from service.incidents.together.effects import settle as settle_parts
from service.incidents.together.structs import Call
from service.incidents.workflow import INCIDENT, RUNNING_STATES, TOP_TIER
from service.kit.actors import SERVICE
from service.kit.advance import record
from service.kit.case_rows import Element, Write
from service.kit.clock import iso
from service.kit.events import Event

ROLE = "service"
STEPS = {"amber": "warn", "due": "mark-overdue", "supervise": "supervise"}
# The service as an actor of the rules: it holds no role, and is above every tier.
BY_ITSELF = Actor(SERVICE, frozenset(), TOP_TIER, in_unit=False, readable=True, role=ROLE)


def decide_alarms(case: IncidentCase, on: Basis) -> Write | None:
    """Everything that is to be done on `case` by now, as one write; None when there is nothing.

    `case` is changed either way: `next_alarm_at` is when to look again. Raises NoPolicy.
    """
    limits = on.limits_of(case)
    base_version, area, unit = case.version, case.grid_code, case.unit_code
    events: list[Event] = []
    if limits is not None and clockwork.retry(case, limits):
        events.append(_logged(case, "count", on.now, {"rule": "calendar_entered"}))
    events += _end_calls(case, on)
    while reached := clockwork.due(case, on.now):
        events.append(_act_on(case, reached[0], on))
    clockwork.settle(case, on.now)
    if not events:
        return None
    element = Element(
        case_id=case.id, base_version=base_version, actor=SERVICE, roles="", area=area,
        anywhere=False, unit=unit, key=None, request_hash=b"", status=0, answer="",
    )  # fmt: skip
    return Write(element, case, events)


def _act_on(case: IncidentCase, mark: Due, on: Basis) -> Event:
    why = _why(case, mark)
    clockwork.acted(case, mark)
    if mark.clock == TIER and mark.mark == "due":
        return _escalate(case, why, on)
    if mark.mark == "supervise":
        case.supervised_at = case.supervised_at or on.now
    return _logged(case, STEPS[mark.mark], on.now, why)


def _escalate(case: IncidentCase, why: dict[str, Any], on: Basis) -> Event:
    step, tier = INCIDENT.step("escalate"), case.tier
    payload = effects.apply(step, case, BY_ITSELF, Command(step.action), on.now)
    event = _logged(case, step.action, on.now, payload | why)
    tick(case, step.action, tier, on)
    return event


def _end_calls(case: IncidentCase, on: Basis) -> list[Event]:
    """Calls that nobody has answered in time are over, and the next tier takes the case."""
    if case.state not in RUNNING_STATES or not (over := calls.expire_calls(case, on.now)):
        return []
    settle_parts(case)
    told = [{"call": str(c.id), "unit": c.unit, "tier": c.tier, "due_at": _due(c)} for c in over]
    why = {"automatic": True, "rule": "call.unanswered", "policy_version": case.policy_version}
    events = [_logged(case, "call-unanswered", on.now, {**why, "calls": told})]
    if case.tier < TOP_TIER and case.state in INCIDENT.step("escalate").sources:
        events.append(_escalate(case, why, on))
    else:
        case.supervised_at = case.supervised_at or on.now
        events.append(_logged(case, "supervise", on.now, why))
    return events


def _due(call: Call) -> str | None:
    return iso(call.answer_due) if call.answer_due else None


def _why(case: IncidentCase, mark: Due) -> dict[str, Any]:
    clock = case.clocks[mark.clock]
    return {
        "automatic": True,
        "rule": f"{mark.clock}.{mark.mark}",
        "policy_version": case.policy_version,
        "limit": clock.limit,
        "began_at": _time(clock.began),
        "reached_at": _time(mark.at),
        "due_at": _time(clock.due),
    }


def _logged(case: IncidentCase, action: str, now: datetime, payload: dict[str, Any]) -> Event:
    step = INCIDENT.step(action)
    return record(
        case,
        step,
        kind=INCIDENT.kind,
        actor_id=SERVICE,
        role=ROLE,
        now=now,
        payload=payload,
        clauses=tuple(sorted({*step.clauses, *case.clauses})),
    )


def _time(second: int) -> str:
    return iso(datetime.fromtimestamp(second, UTC))
