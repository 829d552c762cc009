"""A case that is really decided on, step by step, without web or database, under a moved clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.incidents import rules
from service.incidents.alarms import decide_alarms
from service.incidents.case import Clock, IncidentCase
from service.incidents.categories.cache import CategoryRow, CategorySnapshot
from service.incidents.deciding import ActItem, Basis, decide_act, tick
from service.incidents.facts import actor_for, category_rule
from service.incidents.policies.cache import PolicyRow, ResponseSnapshot, snapshot
from service.incidents.policies.replay import Happening, History
from service.incidents.policies.seed import defaults, statutory_days
from service.incidents.policies.workdays import Calendar
from service.incidents.workflow import INCIDENT
from service.kit.advance import record
from service.kit.durations import parse_duration
from service.kit.events import GENESIS, Event
from tests.worktimes import at

COUNTY, GRID, UNIT = "511723", "511723001001001", "511723-UNITA"
CATEGORY = "0601"


def response(*years: int, **changes: Any) -> ResponseSnapshot:
    """The default policy, with top members replaced, under the calendars of `years`."""
    body = {**defaults().policy, **changes}
    row = PolicyRow(1, at("2024-01-01 00:00"), at("2024-01-01 00:00"), "", body)
    calendars = [Calendar(year, tuple(statutory_days(min(year, 2026)))) for year in years]
    return snapshot(1, [row], calendars, {COUNTY: defaults().service_hours})


def category(level: int, limits: Mapping[str, str] | None = None) -> CategorySnapshot:
    """A tree of one category that anybody may handle at once."""
    row = CategoryRow(
        code=CATEGORY, group="06", name_zh="垃圾", name_en="rubbish", level=level,
        limits=limits or {}, self_handle=True, evidence="none", conduct=False,
        clauses=("23.2",), active=True,
    )  # fmt: skip
    return CategorySnapshot(1, 1, {CATEGORY: row}, b"")


def person(number: int, role: Role, area: str, unit: str | None = None) -> Subject:
    """Somebody with one assignment."""
    return Subject(
        UUID(int=number), "t", "测试员", (Grant(role, area, unit),), at("2026-01-01 00:00")
    )


WORKER = person(1, Role.GRID_WORKER, GRID)
VILLAGE = person(2, Role.VILLAGE_DISPATCHER, GRID[:12])
TOWNSHIP = person(3, Role.TOWNSHIP_DISPATCHER, GRID[:9])
CHIEF = person(4, Role.COUNTY_DISPATCHER, COUNTY)
DEPUTY = person(5, Role.COUNTY_DISPATCHER, COUNTY)
HANDLER = person(6, Role.UNIT_HANDLER, COUNTY, UNIT)
EVERYBODY = (WORKER, VILLAGE, TOWNSHIP, CHIEF, DEPUTY, HANDLER)

BODIES: dict[str, dict[str, Any]] = {
    "assign": {"unit": UNIT},
    "transfer": {"unit": UNIT},
    "verify": {"result": "passed"},
    "follow-up": {"satisfaction": "satisfied"},
    "extend": {"duration": "1wh"},
}


class Ran(NamedTuple):
    """A clock that ran: which, at which tier it ended, when it was due, how it ended."""

    clock: str
    tier: int
    due: int
    late: bool
    supervised: bool


class Life:
    """A case from its report on; `ended` holds the clocks that are over, `events` what happened."""

    def __init__(
        self,
        start: datetime,
        *,
        level: int = 3,
        limits: Mapping[str, str] | None = None,
        response: ResponseSnapshot,
    ) -> None:
        self.categories, self.response = category(level, limits), response
        self.now = start
        self.events: list[Event] = []
        self.ended: list[Ran] = []
        self.case = IncidentCase(
            id=UUID(int=9), number="1", category_code=CATEGORY, category_version=1, level=level,
            channel="grid_worker", description="x", occurred_at=start, reported_at=start,
            reporter_id=WORKER.account_id, state="", tier=1, version=0, head_hash=GENESIS,
            last_event_at=start, grid_code=GRID, micro_grid_code=None, lon=107.8, lat=31.0,
            raw_x=107.8, raw_y=31.0, raw_crs="cgcs2000", accuracy_m=None, cell=0,
            policy_version=1,
        )  # fmt: skip
        step = INCIDENT.creation
        reporter = WORKER.account_id
        self.events.append(
            record(self.case, step, kind="incident", actor_id=reporter, role=None, now=start)
        )
        tick(self.case, step.action, 1, self.on)

    @property
    def on(self) -> Basis:
        """What is decided on now."""
        return Basis(categories=self.categories, response=self.response, now=self.now)

    def wait(self, **time: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(**time)

    def act(self, who: Subject, action: str, **body: Any) -> None:
        """Take one action now. Raises what the rules refuse it with."""
        given = {**BODIES.get(action, {}), "note": "x", **body}
        if isinstance(given.get("duration"), str):
            given["duration"] = parse_duration(given["duration"])
        command = rules.Command(action, **given)
        before, tier = dict(self.case.clocks), self.case.tier
        write = decide_act(ActItem(who, self.case.id, command, None, b""), self.case, self.on)
        self._note(write.events, before, tier)

    def sweep(self) -> list[Event]:
        """Let the service act on what is due now; what it did."""
        before, tier = dict(self.case.clocks), self.case.tier
        write = decide_alarms(self.case, self.on)
        events = write.events if write else []
        self._note(events, before, tier)
        return events

    def open_actions(self, who: Subject) -> list[str]:
        """What `who` is offered."""
        rule = category_rule(self.categories.by_code[CATEGORY])
        return rules.available_actions(self.case, actor_for(who, self.case), rule, self.now)

    def finished(self) -> list[Ran]:
        """All clocks, those that run still judged by now or by when they were suspended."""
        until = self.case.suspended_at or self.now
        rest = [_ran(n, c, self.case.tier, until) for n, c in self.case.clocks.items()]
        return sorted([*self.ended, *rest])

    def history(self) -> History:
        """The case as a simulation reads it from its events."""
        case = self.case
        happenings = tuple(_happening(event) for event in self.events)
        limits = self.categories.by_code[CATEGORY].limits
        return History(case.id, case.number, CATEGORY, case.level, GRID, True, limits, happenings)

    def _note(self, events: Iterable[Event], before: dict[str, Clock], tier: int) -> None:
        self.events += events
        for name, clock in before.items():
            after = self.case.clocks.get(name)
            if after is None or after.began != clock.began:
                self.ended.append(_ran(name, clock, tier, self.now))


def _ran(name: str, clock: Clock, tier: int, until: datetime) -> Ran:
    second = int(until.timestamp())
    return Ran(name, tier, clock.due, second > clock.due, second > clock.supervise)


def _happening(event: Event) -> Happening:
    payload = event.payload
    return Happening(
        event.action, int(event.recorded_at.timestamp()), payload.get("to_tier"),
        payload.get("assignee") is not None, payload.get("duration"),
    )  # fmt: skip


def moment(second: int) -> datetime:
    """An epoch second as UTC."""
    return datetime.fromtimestamp(second, UTC)
