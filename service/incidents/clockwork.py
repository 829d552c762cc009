"""Which limits of a case run, since when, and what is due next; pure, over a response snapshot.

A clock begins when its state begins and ends with it. `finish` and `close` run through the whole
case; `tier` runs while the work is at one tier. A suspension stops all of them: what was left of
each when it began is left when it ends. A clock that cannot be counted, because nobody has
entered the work calendar of a year that it reaches into, waits and is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from service.incidents.case import WAITING, Clock, IncidentCase
from service.incidents.limits import TIER, Rules
from service.incidents.policies.marks import Marks, extend, resume
from service.incidents.together.calls import next_answer_due
from service.incidents.workflow import SUSPENDED
from service.kit.durations import Duration, parse_duration

ACCEPT, ASSIGN, ON_SITE, FINISH, CLOSE = "accept", "assign", "on_site", "finish", "close"
WHOLE_CASE = (FINISH, CLOSE)
RUNNING: dict[str, tuple[str, ...]] = {
    "reported": (ACCEPT, TIER, FINISH, CLOSE),
    "accepted": (ASSIGN, TIER, FINISH, CLOSE),
    "assigned": (ON_SITE, TIER, FINISH, CLOSE),
    "on_site": (TIER, FINISH, CLOSE),
    "handling": (TIER, FINISH, CLOSE),
    "returned": (ASSIGN, TIER, FINISH, CLOSE),
    "submitted": (FINISH, CLOSE),
    "verifying": (FINISH, CLOSE),
}
# The steps that begin a clock anew, although its state goes on.
AGAIN: dict[str, tuple[str, ...]] = {
    "assign": (ON_SITE,),
    "transfer": (ON_SITE,),
    "rework": (ON_SITE, TIER),
    "reopen": (FINISH, CLOSE),
}
Clocks = dict[str, Clock]
MARK_NAMES = ("amber", "due", "supervise")
LOOK_AGAIN = timedelta(hours=1)
NEVER = 1 << 60


class Due(NamedTuple):
    """A mark that was reached and that nobody has acted on: of which clock, which one, when."""

    clock: str
    mark: str
    at: int


class Stand(NamedTuple):
    """What of a case decides which clocks run: its state, its tier, whether a person has it."""

    state: str
    tier: int
    in_person: bool


def follow(case: IncidentCase, action: str, tier_before: int, rules: Rules, now: datetime) -> None:
    """Let the clocks of `case` follow what `action` has just made of it."""
    stand = Stand(case.state, case.tier, case.assignee_id is not None)
    case.clocks = after(case.clocks, action, stand, tier_before, rules, now)
    settle(case, now)


def after(
    clocks: Clocks, action: str, stand: Stand, tier_before: int, rules: Rules, now: datetime
) -> Clocks:
    """The clocks after `action` has led to `stand`: those that go on (the same ones) and new ones.

    This is the one table of clocks: running cases and simulations both follow it.
    """
    if stand.state == SUSPENDED:
        return clocks
    wanted = _wanted(clocks, stand)
    again = set(AGAIN.get(action, ()))
    if stand.tier != tier_before:
        again |= {ACCEPT, TIER}
    kept = {n: c for n, c in clocks.items() if n in wanted and n not in again}
    for name in wanted:
        if name not in kept and (clock := rules.begin(name, stand.tier, now)) is not None:
            kept[name] = clock
    return kept


def _wanted(clocks: Clocks, stand: Stand) -> tuple[str, ...]:
    running = RUNNING.get(stand.state, ())
    if stand.state in ("submitted", "verifying") and CLOSE in clocks:
        # What the level calls finished (under control) is reached; closing is what is left.
        return (CLOSE,)
    if stand.state == "accepted" and stand.in_person:
        # Who accepted it has it in hand already.
        return (ON_SITE, *running[1:])
    return running


def restart(case: IncidentCase, rules: Rules, now: datetime) -> None:
    """Let the clocks run on after a suspension. Raises CalendarMissing."""
    assert case.suspended_at is not None
    suspended, resumed = int(case.suspended_at.timestamp()), int(now.timestamp())
    case.clocks = shifted(case.clocks, suspended, resumed, rules)
    case.suspended_seconds += resumed - suspended
    case.suspended_at = None


def shifted(clocks: Clocks, suspended: int, resumed: int, rules: Rules) -> Clocks:
    """The clocks after a pause between two epoch seconds. Raises CalendarMissing.

    One that waits to be counted begins as much later as the pause took of its own time.
    """
    found = {}
    for name, clock in clocks.items():
        limit = parse_duration(clock.limit)
        axis = rules.axis(limit)
        if clock.is_waiting:
            passed = axis.position_at(suspended) - axis.position_at(clock.began)
            began = axis.second(axis.position_at(resumed) - passed)
            found[name] = msgspec.structs.replace(clock, began=began)
        else:
            found[name] = _with(
                clock, resume(_marks_of(clock), suspended, resumed, limit.unit, axis)
            )
    return found


def prolong(
    case: IncidentCase, granted: Duration, rules: Rules, *, asked: datetime, now: datetime
) -> None:
    """Add `granted` to the limits of the whole case that were not over when it was asked for.

    A mark that has been acted on and lies ahead again will be acted on again. Raises
    CalendarMissing.
    """
    at = int(now.timestamp())
    case.clocks = prolonged(case.clocks, granted, rules, asked=int(asked.timestamp()), now=at)


def prolonged(clocks: Clocks, granted: Duration, rules: Rules, *, asked: int, now: int) -> Clocks:
    """The clocks with `granted` added; times are epoch seconds. Raises CalendarMissing."""
    found = dict(clocks)
    for name in WHOLE_CASE:
        clock = clocks.get(name)
        if clock is not None and not clock.is_waiting and asked <= clock.due:
            longer = extend(_marks_of(clock), granted, rules.axis(granted))
            done = min(clock.done, sum(mark <= now for mark in longer))
            found[name] = msgspec.structs.replace(_with(clock, longer), done=done)
    return found


def retry(case: IncidentCase, rules: Rules) -> bool:
    """Count the waiting clocks once more; whether any can be counted now."""
    found = False
    for name, clock in list(case.clocks.items()):
        if clock.is_waiting:
            began = datetime.fromtimestamp(clock.began, UTC)
            counted = rules.begin(name, case.tier, began)
            if counted is not None and not counted.is_waiting:
                case.clocks[name] = counted
                found = True
    return found


def due(case: IncidentCase, now: datetime) -> list[Due]:
    """The marks that `now` has reached and that nobody has acted on, in order of time.

    None while the case is suspended, whoever asks: its clocks stand.
    """
    if case.suspended_at is not None:
        return []
    moment = int(now.timestamp())
    found = [d for name, clock in case.clocks.items() for d in _open_marks(name, clock)]
    return sorted((d for d in found if d.at <= moment), key=lambda d: (d.at, d.clock))


def acted(case: IncidentCase, mark: Due) -> None:
    """Note that `mark` has been acted on."""
    clock = case.clocks.get(mark.clock)
    if clock is not None:
        clock.done = max(clock.done, MARK_NAMES.index(mark.mark) + 1)


def _open_marks(name: str, clock: Clock) -> Iterator[Due]:
    if clock.is_waiting:
        return
    # A tier that is over is left; there is nothing to supervise there.
    last = 2 if name == TIER else 3
    for n in range(clock.done, last):
        yield Due(name, MARK_NAMES[n], (clock.amber, clock.due, clock.supervise)[n])


def settle(case: IncidentCase, now: datetime) -> None:
    """Work out anew what is shown and looked for. Every report and action comes through here."""
    _settle_due(case)
    if case.suspended_at is not None:
        case.amber_at = case.due_at = case.supervise_at = case.next_alarm_at = None
        return
    amber = due = supervise = alarm = NEVER
    waits = False
    for name, clock in case.clocks.items():
        if clock.done == WAITING:
            waits = True
            continue
        amber, due = min(amber, clock.amber), min(due, clock.due)
        if name != TIER:
            supervise = min(supervise, clock.supervise)
        alarm = min(alarm, _next_mark(name, clock))
    case.amber_at, case.due_at = _moment(amber), _moment(due)
    case.supervise_at = _moment(supervise)
    case.next_alarm_at = _next_alarm(case, _moment(alarm), now if waits else None)


def _next_mark(name: str, clock: Clock) -> int:
    """The first mark of a counted clock that nobody has acted on; NEVER when there is none left."""
    if clock.done == 0:
        return clock.amber
    if clock.done == 1:
        return clock.due
    return clock.supervise if clock.done == 2 and name != TIER else NEVER


def _settle_due(case: IncidentCase) -> None:
    """What the figures ask later: until when somebody had to be there, and to close it."""
    on_site = case.clocks.get(ON_SITE)
    if on_site is not None and not on_site.is_waiting and case.arrived_at is None:
        case.on_site_due = _moment(on_site.due)
    whole = case.clocks.get(CLOSE) or case.clocks.get(FINISH)
    if whole is not None and not whole.is_waiting:
        case.finish_due = _moment(whole.due)


def _next_alarm(
    case: IncidentCase, first: datetime | None, waits: datetime | None
) -> datetime | None:
    """The earliest of the first mark, the first answer due, and another try at what waits."""
    if case.calls and (answer := next_answer_due(case)) is not None:
        first = answer if first is None else min(first, answer)
    if waits is not None:
        later = waits.replace(microsecond=0) + LOOK_AGAIN
        first = later if first is None else min(first, later)
    return first


def _marks_of(clock: Clock) -> Marks:
    return Marks(clock.amber, clock.due, clock.supervise)


def _with(clock: Clock, marks: Marks) -> Clock:
    return Clock(clock.began, *marks, clock.done, clock.limit)


def _moment(second: int) -> datetime | None:
    return None if second == NEVER else datetime.fromtimestamp(second, UTC)
