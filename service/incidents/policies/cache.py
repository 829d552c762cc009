"""Policies and work time in memory: hot paths read them without a round trip.

They verify the epoch `response`, which every publication and every edit of a calendar or of
service hours advances.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec

from service.db import Database
from service.incidents.policies.errors import NoPolicy, NoServiceHours
from service.incidents.policies.marks import NO_AXIS, WALL, Marks, marks
from service.incidents.policies.policy import Policy, compiled, draft_of
from service.incidents.policies.store import EPOCH, RULES
from service.incidents.policies.workdays import Calendar, parse_spans, working_days
from service.incidents.policies.worktime import Spans, WorkTime
from service.kit.clock import iso, local
from service.kit.durations import Duration, parse_duration

NEVER_LOADED = -1
# From a micro-grid's code to the county's: the longest prefix with hours of its own wins.
PREFIXES = (15, 12, 9, 6)
MOST_KNOWN_AREAS = 50_000

parsed = lru_cache(maxsize=4_096)(parse_duration)


@dataclass(frozen=True, slots=True)
class ResponseSnapshot:
    """Everything that clocks need, from one moment; `epoch` lets a statement verify it.

    Immutable to whoever reads it. `policies` are the published ones by `valid_from`, `axes` the
    work time by area code.
    """

    epoch: int
    policies: tuple[Policy, ...]
    axes: Mapping[str, WorkTime]
    documents: Mapping[int, dict[str, Any]] = field(repr=False)
    _begins: tuple[datetime, ...] = field(repr=False)
    _by_version: Mapping[int, Policy] = field(repr=False)
    _areas: dict[str, WorkTime] = field(default_factory=dict, repr=False, compare=False)

    def policy_at(self, moment: datetime) -> Policy:
        """The policy in force at `moment`. Raises NoPolicy."""
        i = bisect_right(self._begins, moment)
        if i == 0:
            raise NoPolicy(which=iso(local(moment)))
        return self.policies[i - 1]

    def version_at(self, moment: datetime) -> int | None:
        """The version in force at `moment`; None when there is none."""
        i = bisect_right(self._begins, moment)
        return self.policies[i - 1].version if i else None

    def policy(self, version: int) -> Policy:
        """A published version, in force or not, under which cases may run. Raises NoPolicy."""
        found = self._by_version.get(version)
        if found is None:
            raise NoPolicy(which=f"v{version}")
        return found

    def has(self, versions: Collection[int | None]) -> bool:
        """Whether all of these published versions are known."""
        return all(v is None or v in self._by_version for v in versions)

    def worktime_for(self, area_code: str) -> WorkTime:
        """The work time of an area or grid: of its most specific prefix. Raises NoServiceHours."""
        found = self._areas.get(area_code)
        return self._find(area_code) if found is None else found

    def _find(self, area_code: str) -> WorkTime:
        for length in PREFIXES:
            axis = self.axes.get(area_code[:length])
            if axis is not None:
                if len(self._areas) < MOST_KNOWN_AREAS:
                    self._areas[area_code] = axis
                return axis
        raise NoServiceHours(area=area_code)

    def limit(
        self, policy: Policy, level: int, step: str, category_limits: Mapping[str, str]
    ) -> Duration | None:
        """The limit of a step: the category's own, else the level's, else None."""
        own = category_limits.get(step)
        if own is not None:
            return parsed(own)
        of_level = policy.limits.get(level)
        return of_level.get(step) if of_level is not None else None

    def start(
        self,
        policy: Policy,
        step: str,
        level: int,
        category_limits: Mapping[str, str],
        area: str,
        at: datetime,
    ) -> Marks | None:
        """The marks of a step's clock that starts at `at`; None where the step has no limit.

        Raises CalendarMissing, NoServiceHours.
        """
        limit = self.limit(policy, level, step, category_limits)
        return None if limit is None else self._marks(policy, limit, area, at)

    def tier(self, policy: Policy, tier: int, area: str, at: datetime) -> Marks | None:
        """The marks of a tier's clock that starts at `at`; None at the top, where nothing is above.

        Raises CalendarMissing, NoServiceHours.
        """
        limit = policy.tiers.get(tier)
        return None if limit is None else self._marks(policy, limit, area, at)

    def _marks(self, policy: Policy, limit: Duration, area: str, at: datetime) -> Marks:
        axis = NO_AXIS if limit.unit in WALL else self.worktime_for(area)
        return marks(at, limit, axis, policy.shares)


class ResponseCache:
    """The process's memory of the rules in force and of those under which cases still run."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loading = asyncio.Lock()
        self._current = snapshot(NEVER_LOADED, (), (), {})

    def peek(self) -> ResponseSnapshot:
        """The rules as last seen, without a round trip; the caller verifies `epoch` itself.

        Before the first load they are empty, with an epoch that the database never has.
        """
        return self._current

    async def current(self) -> ResponseSnapshot:
        """The rules now: one short look at the epoch, reloaded when it has moved."""
        epoch = await self._db.reads.fetchval(EPOCH)
        return self._current if epoch == self._current.epoch else await self.refresh()

    async def refresh(self) -> ResponseSnapshot:
        """Load the rules, in one statement and so from one moment.

        Whoever comes while another loads takes that result: the epoch shows if it is old again.
        """
        seen = self._current
        async with self._loading:
            if self._current is seen:
                row = await self._db.reads.fetchrow(RULES)
                self._current = _loaded(row)
            return self._current


class PolicyRow(msgspec.Struct):
    """A published policy as it is stored."""

    version: int
    valid_from: datetime
    published_at: datetime
    note: str
    body: dict[str, Any]


def _loaded(row: Mapping[str, Any]) -> ResponseSnapshot:
    return snapshot(
        row["epoch"],
        msgspec.json.decode(row["policies"], type=list[PolicyRow]),
        msgspec.json.decode(row["calendars"], type=list[Calendar]),
        msgspec.json.decode(row["hours"], type=dict[str, list[tuple[str, str]]]),
    )


def snapshot(
    epoch: int,
    rows: Sequence[PolicyRow],
    calendars: Sequence[Calendar],
    hours: Mapping[str, Sequence[Sequence[str]]],
) -> ResponseSnapshot:
    """The snapshot of rows by `valid_from`; areas with the same hours share one axis."""
    days: list[date] = [day for calendar in calendars for day in working_days(calendar)]
    years = [calendar.year for calendar in calendars]
    made: dict[Spans, WorkTime] = {}
    axes = {}
    for area, texts in hours.items():
        spans = parse_spans(texts)
        axes[area] = made.get(spans) or made.setdefault(spans, WorkTime(days, spans, years))
    policies = tuple(compiled(r.version, r.valid_from, draft_of(r.body)) for r in rows)
    return ResponseSnapshot(
        epoch=epoch,
        policies=policies,
        axes=axes,
        documents={r.version: _document(r) for r in rows},
        _begins=tuple(p.valid_from for p in policies),
        _by_version={p.version: p for p in policies},
    )


def _document(row: PolicyRow) -> dict[str, Any]:
    head = {"version": row.version, "valid_from": row.valid_from, "note": row.note}
    return {**head, "published_at": row.published_at, "policy": row.body}
