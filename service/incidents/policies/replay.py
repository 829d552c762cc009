"""Replays what really happened to a case under a policy: which clocks ran, which ran out. Pure.

| clock | runs from | until |
|---|---|---|
| accept | report, and each move to another tier | it is accepted, rejected or closed |
| assign | accepted, returned or reopened | it is assigned, somebody is there, or it moves on |
| on_site | assigned or sent back for rework | somebody is there or it is handled |
| finish | report or reopening | closed; submitted, where the level has a `close` limit too |
| close | report or reopening | closed |
| tier | report, rework, and each move to another tier | it moves on or is submitted |

A suspension stops them all. What still runs is judged by the moment of the replay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from service.incidents.policies.marks import Marks, marks_at, resume
from service.incidents.policies.policy import CLOSE, Policy
from service.incidents.policies.worktime import WorkTime
from service.kit.durations import Duration

ACCEPT, ASSIGN, ON_SITE, FINISH, TIER = "accept", "assign", "on_site", "finish", "tier"
CLOCKS = (ACCEPT, ASSIGN, ON_SITE, FINISH, CLOSE)
_ALL = frozenset({*CLOCKS, TIER})
_THERE = frozenset({ACCEPT, ASSIGN, ON_SITE})
SUSPEND, RESUME = "suspend", "resume"
# Action → the clocks that it stops, and those that it starts anew.
EFFECTS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "report": (frozenset(), (ACCEPT, FINISH, CLOSE, TIER)),
    "accept": (frozenset({ACCEPT}), (ASSIGN,)),
    "reject": (_ALL, ()),
    "assign": (frozenset({ACCEPT, ASSIGN}), (ON_SITE,)),
    "transfer": (frozenset({ASSIGN, ON_SITE}), (ON_SITE,)),
    "arrive": (_THERE, ()),
    "handle": (_THERE, ()),
    "submit": (_THERE | {TIER}, ()),
    "rework": (frozenset(), (ON_SITE, TIER)),
    "return": (_THERE, (ASSIGN,)),
    "escalate": (_THERE, (ACCEPT,)),
    "self-handle": (_ALL, ()),
    "close": (_ALL, ()),
    "void": (_ALL, ()),
    "merge": (_ALL, ()),
    "split-off": (frozenset(), (ASSIGN, FINISH, CLOSE, TIER)),
    "reopen": (_ALL, (ASSIGN, FINISH, CLOSE, TIER)),
}


class Limits(Protocol):
    """Where a case's limits and its work time come from; a ResponseSnapshot is one."""

    def limit(
        self, policy: Policy, level: int, step: str, category_limits: Mapping[str, str]
    ) -> Duration | None: ...

    def worktime_for(self, area_code: str) -> WorkTime: ...


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a case: its action, its epoch second, the tier that it moved the case to."""

    action: str
    at: int
    to_tier: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A case with all that happened to it, in order."""

    id: UUID
    number: str
    category: str
    level: int
    grid: str
    is_open: bool
    limits: Mapping[str, str]
    happenings: tuple[Happening, ...]


@dataclass(slots=True)
class Run:
    """One clock that ran: a step's, or a tier's stay; `late` and `supervised` as it ended."""

    clock: str
    tier: int
    marks: Marks
    unit: Duration
    late: bool = False
    supervised: bool = False


@dataclass(slots=True)
class _Replay:
    policy: Policy
    rules: Limits
    case: History
    axis: WorkTime
    tier: int = 1
    suspended_at: int | None = None
    running: dict[str, Run] = field(default_factory=dict)

    def limit(self, clock: str) -> Duration | None:
        if clock == TIER:
            return self.policy.tiers.get(self.tier)
        return self.rules.limit(self.policy, self.case.level, clock, self.case.limits)

    def start(self, clock: str, at: int) -> None:
        limit = self.limit(clock)
        if limit is not None:
            found = marks_at(at, limit, self.axis, self.policy.shares)
            self.running[clock] = Run(clock, self.tier, found, limit)

    def stop(self, clock: str, at: int) -> Iterator[Run]:
        run = self.running.pop(clock, None)
        if run is not None:
            ended = at if self.suspended_at is None else self.suspended_at
            run.late = ended > run.marks.due
            run.supervised = ended > run.marks.supervise
            yield run

    def take(self, event: Happening) -> Iterator[Run]:
        """The clocks that the event ends; it starts others."""
        if event.action == SUSPEND:
            self.suspended_at = event.at
        elif self.suspended_at is not None and event.action == RESUME:
            self._go_on(event.at, self.suspended_at)
        stops, starts = EFFECTS.get(event.action, (frozenset[str](), ()))
        if event.action == "submit" and self.limit(CLOSE) is not None:
            stops |= {FINISH}
        if event.to_tier is not None:
            stops, starts = stops | {TIER}, (*starts, TIER)
        for clock in sorted(stops):
            yield from self.stop(clock, event.at)
        self.tier = event.to_tier or self.tier
        for clock in starts:
            self.start(clock, event.at)

    def _go_on(self, at: int, since: int) -> None:
        self.suspended_at = None
        for run in self.running.values():
            run.marks = resume(run.marks, since, at, run.unit.unit, self.axis)


def replay(case: History, policy: Policy, rules: Limits, now: int) -> list[Run]:
    """Every clock that ran in the case under `policy`, judged; what runs still, by `now`.

    Raises CalendarMissing where a time falls in a year without calendar, NoServiceHours.
    """
    state = _Replay(policy, rules, case, rules.worktime_for(case.grid))
    runs = [run for event in case.happenings for run in state.take(event)]
    for clock in (*CLOCKS, TIER):
        runs += state.stop(clock, now)
    return runs
