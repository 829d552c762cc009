"""Steps that change the clocks themselves: extension, suspension, urging, supervision; pure.

One extension, asked for before the limit is over, of at most the original limit, decided by
somebody else than who asked. A suspension needs a reason and stops the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from service.incidents import clockwork
from service.incidents.case import IncidentCase
from service.incidents.clockwork import CLOSE, FINISH
from service.incidents.errors import (
    ExtensionTooLate,
    ExtensionTooLong,
    ExtensionUsed,
    NoLimitRuns,
)
from service.incidents.limits import Rules
from service.incidents.policies.marks import Marks, resume, within
from service.incidents.rules import Actor, Command
from service.incidents.together.workflow import WAITING
from service.kit.clock import iso
from service.kit.durations import Duration, parse_duration

ASKED, APPROVED, REFUSED = "asked", "approved", "refused"

Timed = Callable[[IncidentCase, Actor, Command, datetime, Rules | None], dict[str, Any]]


def _suspend(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    case.suspended_at = now
    return {}


def _resume(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    since = case.suspended_at or now
    if rules is None:
        case.suspended_seconds += int((now - since).total_seconds())
        case.suspended_at = None
    else:
        clockwork.restart(case, rules, now)
        _let_calls_wait_longer(case, rules, since, now)
    return {"suspended_at": iso(since), "suspended_seconds": case.suspended_seconds}


def _let_calls_wait_longer(
    case: IncidentCase, rules: Rules, suspended: datetime, resumed: datetime
) -> None:
    """What was left of a call's time to answer when the case was suspended is left afterwards."""
    pause = int(suspended.timestamp()), int(resumed.timestamp())
    for call in case.calls:
        if call.state == WAITING and call.answer_due is not None:
            limit, due = rules.policy.answers[rules.level], int(call.answer_due.timestamp())
            later = resume(Marks(due, due, due), *pause, limit.unit, rules.axis(limit)).due
            call.answer_due = datetime.fromtimestamp(later, UTC)


def _extend(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    clock = case.clocks.get(CLOSE) or case.clocks.get(FINISH)
    if rules is None or clock is None or clock.is_waiting:
        raise NoLimitRuns
    if case.extensions >= rules.policy.extensions:
        raise ExtensionUsed
    if now.timestamp() > clock.due:
        raise ExtensionTooLate
    wanted, original = command.duration, parse_duration(clock.limit)
    assert wanted is not None
    if not within(wanted, original, rules.policy.extension_share, rules.axis(original)):
        raise ExtensionTooLong(limit=clock.limit, pointer="/duration")
    case.extension = {
        "state": ASKED,
        "duration": str(wanted),
        "reason": command.note,
        "asked_by": str(actor.account_id),
        "asked_at": iso(now),
        "decided_by": None,
        "decided_at": None,
    }
    return {"duration": str(wanted)}


def _decided(case: IncidentCase, actor: Actor, now: datetime, state: str) -> Duration:
    asked = case.extension or {}
    decided = {"state": state, "decided_by": str(actor.account_id), "decided_at": iso(now)}
    case.extension = {**asked, **decided}
    return parse_duration(asked["duration"])


def _approve(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    granted = _decided(case, actor, now, APPROVED)
    if rules is None:
        raise NoLimitRuns
    asked = datetime.fromisoformat((case.extension or {})["asked_at"])
    clockwork.prolong(case, granted, rules, asked=asked, now=now)
    case.extensions += 1
    return {"duration": str(granted)}


def _refuse(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    return {"duration": str(_decided(case, actor, now, REFUSED))}


def _supervise(
    case: IncidentCase, actor: Actor, command: Command, now: datetime, rules: Rules | None
) -> dict[str, Any]:
    case.supervised_at = case.supervised_at or now
    return {}


TIMED: dict[str, Timed] = {
    "suspend": _suspend,
    "resume": _resume,
    "extend": _extend,
    "approve-extension": _approve,
    "refuse-extension": _refuse,
    "supervise": _supervise,
}
