"""What cases are decided on: reference data in force, the clock, and the limits of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.areas.grid_cache import GridSnapshot
from service.incidents import clockwork
from service.incidents.case import IncidentCase
from service.incidents.categories.cache import CategorySnapshot
from service.incidents.limits import Rules
from service.incidents.policies.cache import ResponseSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What cases are decided on: categories and limits in force, and the clock.

    `older` holds the versions of categories under which some of the cases began.
    """

    categories: CategorySnapshot
    response: ResponseSnapshot
    now: datetime
    older: Mapping[int, CategorySnapshot] = field(default_factory=dict)

    def limits_of(self, case: IncidentCase) -> Rules | None:
        """The limits that `case` began under; None when there was no policy then."""
        if case.policy_version is None:
            return None
        categories = self.older.get(case.category_version, self.categories)
        category = categories.by_code.get(case.category_code)
        return Rules(
            self.response,
            self.response.policy(case.policy_version),
            case.level,
            category.limits if category is not None else {},
            case.grid_code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Basis):
    """What reports and actions are decided on: with the grids in force."""

    grids: GridSnapshot

    @property
    def rules(self) -> dict[str, int]:
        """The publications that an action is decided on, by name: their epochs."""
        return {"categories": self.categories.epoch, "response": self.response.epoch}


def tick(case: IncidentCase, action: str, tier_before: int, on: Basis) -> None:
    """Let the clocks follow what `action` has just made of `case`."""
    limits = on.limits_of(case)
    if limits is not None:
        clockwork.follow(case, action, tier_before, limits, on.now)
