"""社区呼叫: who is called on a case, what they answer, and when a call is over. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from service.errors import NotFound
from service.incidents.errors import NoHigherTier
from service.incidents.together.errors import AlreadyCalled, CallOver, NotCalled, TooManyParts
from service.incidents.together.structs import Call
from service.incidents.together.workflow import CALL, OPEN_CALLS, WAITING
from service.kit.parts import move

if TYPE_CHECKING:
    from service.incidents.case import IncidentCase
    from service.incidents.rules import Actor, Command
    from service.incidents.together.commands import Joint

MAX_PARTS = 100
TOP_TIER = 4
AREA_DIGITS = {1: 15, 2: 12, 3: 9, TOP_TIER: 6}

Standing = Literal["", "over", "open"]


def is_open(call: Call) -> bool:
    """Whether the call may still be answered."""
    return call.state in OPEN_CALLS and call.outcome is None


def _is_for(call: Call, actor: Actor) -> bool:
    if call.unit is not None:
        return call.unit in actor.units
    return call.tier is not None and actor.tier >= call.tier


def standing(case: IncidentCase, actor: Actor) -> Standing:
    """Whether `actor` was called on `case`: not, in a call that is over, or in an open one."""
    found: Standing = ""
    for call in case.calls:
        if _is_for(call, actor):
            if is_open(call):
                return "open"
            found = "over"
    return found


def call_for(case: IncidentCase, actor: Actor, call_id: UUID | None) -> Call:
    """The open call that `actor` answers: the one named, else the first.

    Raises NotFound, NotCalled, CallOver.
    """
    if call_id is not None:
        named = next((c for c in case.calls if c.id == call_id), None)
        if named is None:
            raise NotFound(pointer="/call")
        if not _is_for(named, actor):
            raise NotCalled
        if not is_open(named):
            raise CallOver
        return named
    own = [c for c in case.calls if _is_for(c, actor)]
    if not own:
        raise NotCalled
    found = next((c for c in own if is_open(c)), None)
    if found is None:
        raise CallOver
    return found


def check_new(case: IncidentCase, joint: Joint) -> None:
    """Pass when these may be called now. Raises NoHigherTier, AlreadyCalled, TooManyParts."""
    if len(case.calls) + len(joint.calls) > MAX_PARTS:
        raise TooManyParts(limit=MAX_PARTS)
    taken = {c.unit or c.tier for c in case.calls if is_open(c)}
    for new in joint.calls:
        if new.unit is None and case.tier >= TOP_TIER:
            raise NoHigherTier
        who = new.unit or case.tier + 1
        if who in taken:
            raise AlreadyCalled(who=who)
        taken.add(who)


def call(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """Call units and the next tier; each has an entry of its own."""
    assert command.joint is not None
    made = [_entry(case, actor, command, new.id, new.unit, now) for new in command.joint.calls]
    case.calls = [*case.calls, *made]
    return {
        "calls": [{"id": str(c.id), "unit": c.unit, "tier": c.tier, "area": c.area} for c in made]
    }


def _entry(
    case: IncidentCase, actor: Actor, command: Command, call_id: UUID, unit: str | None,
    now: datetime,
) -> Call:  # fmt: skip
    assert command.joint is not None
    tier = case.tier + 1 if unit is None else None
    return Call(
        id=call_id,
        unit=unit,
        tier=tier,
        area=case.grid_code[: AREA_DIGITS[tier]] if tier is not None else None,
        called_by=actor.account_id,
        called_at=now,
        answer_due=command.joint.answer_due,
        note=command.note,
    )


def answer(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """Set out, accept or refuse; refusing ends the call."""
    assert command.joint is not None
    answered = command.joint.answer or ""
    found = call_for(case, actor, command.joint.call)
    move(found, CALL, answered)
    found.answered_by, found.answered_at = actor.account_id, now
    if answered == "refuse":
        found.reason, found.outcome = command.note, "refused"
    return _told(found)


def arrive(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """The called ones are there; who comes without having answered has answered with it."""
    assert command.joint is not None
    found = call_for(case, actor, command.joint.call)
    move(found, CALL, "arrive")
    if found.answered_at is None:
        found.answered_by, found.answered_at = actor.account_id, now
    found.arrived_at, found.outcome = now, "arrived"
    return _told(found)


def _told(call: Call) -> dict[str, Any]:
    return {"call": str(call.id), "unit": call.unit, "tier": call.tier, "call_state": call.state}


def expire_calls(case: IncidentCase, now: datetime) -> list[Call]:
    """End the calls that nobody has answered in time, and return them, oldest first.

    They become unanswered with the outcome `escalated`: when there is one, the case escalates. The
    caller does that and settles the case (`service.incidents.together.effects.settle`).
    """
    over = [
        c
        for c in case.calls
        if c.state == WAITING and c.answer_due is not None and c.answer_due <= now
    ]
    for late in over:
        move(late, CALL, "expire")
        late.outcome = "escalated"
    return over


def next_answer_due(case: IncidentCase) -> datetime | None:
    """When the first call that still waits is over; None when none does."""
    return min((c.answer_due for c in case.calls if c.state == WAITING and c.answer_due),
               default=None)  # fmt: skip


def end_calls(case: IncidentCase, why: str) -> None:
    """The case is over: what is open has no answer any more, or ends as it stands."""
    for left in case.calls:
        if is_open(left):
            left.outcome = why
            if left.state == WAITING:
                move(left, CALL, "expire")
