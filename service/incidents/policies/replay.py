"""Replays what really happened to a case under a policy: which clocks ran, which ran out. Pure.

Which clocks run when, `service.incidents.clockwork` says, as it does for running cases. What still
runs is judged by the moment of the replay. Where a running case would wait for a work calendar, a
replay ends with the missing year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from service.incidents import clockwork
from service.incidents.case import Clock
from service.incidents.clockwork import Clocks, Stand
from service.incidents.limits import Rules
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.policy import CLOSE, Policy
from service.incidents.workflow import ACCEPTED
from service.kit.durations import parse_duration

CLOCKS = (clockwork.ACCEPT, clockwork.ASSIGN, clockwork.ON_SITE, clockwork.FINISH, CLOSE)
SUSPEND, RESUME = "suspend", "resume"
EXTEND, APPROVE = "extend", "approve-extension"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a case: its action, its epoch second, the state that it left the case in.

    `to_tier` is the tier that it moved the case to, `in_person` whether it gave it to a person,
    `duration` the extension that it granted.
    """

    action: str
    at: int
    state: str
    to_tier: int | None = None
    in_person: bool = False
    duration: str | None = None


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


@dataclass(frozen=True, slots=True)
class Run:
    """One clock that ran: a step's, or a tier's stay; `late` and `supervised` as it ended.

    `due` is the epoch second at which its limit was over.
    """

    clock: str
    tier: int
    due: int
    late: bool
    supervised: bool


class _Exact(Rules):
    """Rules under which no clock waits: a missing calendar is told at once."""

    __slots__ = ()

    def begin(self, name: str, tier: int, at: datetime) -> Clock | None:
        """The clock `name` from `at`. Raises CalendarMissing."""
        return self.count(name, tier, at)


@dataclass(slots=True)
class _Replay:
    rules: Rules
    standing: str = ""
    tier: int = 1
    in_person: bool = False
    suspended_at: int | None = None
    asked_at: int = 0
    clocks: Clocks = field(default_factory=dict)

    def take(self, event: Happening) -> Iterator[Run]:
        """The clocks that the event ends; it starts others."""
        was, before = self.standing, self.tier
        self._change_limits(event)
        self.standing = event.state
        self.tier = event.to_tier or self.tier
        if self.standing == ACCEPTED and self.standing != was:
            self.in_person = event.in_person
        stand, now = Stand(self.standing, self.tier, self.in_person), _moment(event.at)
        clocks = clockwork.after(self.clocks, event.action, stand, before, self.rules, now)
        yield from self._ended(clocks, before, event.at)
        self.clocks = clocks

    def rest(self, now: int) -> Iterator[Run]:
        """What runs still, judged by `now`."""
        yield from self._ended(
            {}, self.tier, now if self.suspended_at is None else self.suspended_at
        )

    def _change_limits(self, event: Happening) -> None:
        if event.action == SUSPEND:
            self.suspended_at = event.at
        elif event.action == RESUME and self.suspended_at is not None:
            self.clocks = clockwork.shifted(self.clocks, self.suspended_at, event.at, self.rules)
            self.suspended_at = None
        elif event.action == EXTEND:
            self.asked_at = event.at
        elif event.action == APPROVE and event.duration is not None:
            granted = parse_duration(event.duration)
            self.clocks = clockwork.prolonged(
                self.clocks, granted, self.rules, asked=self.asked_at, now=event.at
            )

    def _ended(self, clocks: Clocks, tier: int, at: int) -> Iterator[Run]:
        for name, clock in self.clocks.items():
            if clocks.get(name) is not clock:
                yield Run(name, tier, clock.due, at > clock.due, at > clock.supervise)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def replay(case: History, policy: Policy, rules: ResponseSnapshot, now: int) -> list[Run]:
    """Every clock that ran in the case under `policy`, judged; what runs still, by `now`.

    Raises CalendarMissing where a time falls in a year without calendar, NoServiceHours.
    """
    state = _Replay(_Exact(rules, policy, case.level, case.limits, case.grid))
    runs = [run for event in case.happenings for run in state.take(event)]
    return [*runs, *state.rest(now)]
