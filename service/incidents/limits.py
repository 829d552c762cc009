"""The limits of one case, and the clocks that begin under them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from service.incidents.case import WAITING, Clock
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.errors import CalendarMissing
from service.incidents.policies.marks import NO_AXIS, marks, marks_at
from service.incidents.policies.policy import Policy
from service.incidents.policies.worktime import WorkTime
from service.kit.durations import Duration

# The clock of the time that work may stay at one tier.
TIER = "tier"


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of one case: policy, category's own limits, area."""

    snapshot: ResponseSnapshot
    policy: Policy
    level: int
    category_limits: Mapping[str, str]
    area: str

    def begin(self, name: str, tier: int, at: datetime) -> Clock | None:
        """The clock `name` from `at`; None where there is no such limit; waiting if unknown."""
        try:
            return self.count(name, tier, at)
        except CalendarMissing:
            return Clock(int(at.timestamp()), 0, 0, 0, WAITING, str(self._limit(name, tier)))

    def count(self, name: str, tier: int, at: datetime) -> Clock | None:
        """The clock `name` from `at`; None where there is no such limit. Raises CalendarMissing."""
        limit = self._limit(name, tier)
        if limit is None:
            return None
        began = int(at.timestamp())
        found = marks_at(began, limit, self.axis(limit), self.policy.shares)
        return Clock(began, found.amber, found.due, found.supervise, 0, str(limit))

    def answer_due(self, now: datetime) -> datetime | None:
        """Until when a call made now has to be answered; None where there is no such limit.

        Raises CalendarMissing.
        """
        limit = self.policy.answers.get(self.level)
        if limit is None:
            return None
        due = marks(now, limit, self.axis(limit), self.policy.shares).due
        return datetime.fromtimestamp(due, UTC)

    def axis(self, limit: Duration) -> WorkTime:
        """The work time that `limit` is counted in."""
        return self.snapshot.worktime_for(self.area) if limit.unit.by_calendar else NO_AXIS

    def _limit(self, name: str, tier: int) -> Duration | None:
        if name == TIER:
            return self.policy.tiers.get(tier)
        return self.snapshot.limit(self.policy, self.level, name, self.category_limits)
