"""What a draft would have made of real cases, beside what the policy in force makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.incidents.limits import TIER
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.errors import CalendarMissing
from service.incidents.policies.policy import LADDER, Policy
from service.incidents.policies.replay import CLOCKS, History, Run, replay

MOST_EXAMPLES = 20


@dataclass(slots=True)
class Count:
    """Clocks that ran, were late, were beyond the share of supervision."""

    ran: int = 0
    late: int = 0
    supervised: int = 0

    def add(self, run: Run) -> None:
        """Count one clock."""
        self.ran += 1
        self.late += run.late
        self.supervised += run.supervised


@dataclass(slots=True)
class Tally:
    """All that one policy makes of the cases."""

    steps: dict[str, Count] = field(default_factory=lambda: {s: Count() for s in CLOCKS})
    tiers: dict[int, Count] = field(default_factory=lambda: {t: Count() for t in LADDER})
    late: int = 0
    escalated: int = 0
    supervised: int = 0

    def add(self, runs: Iterable[Run]) -> dict[str, Any]:
        """Count a case's clocks; what the policy makes of the case."""
        late, escalated, supervised = set(), set(), False
        for run in runs:
            count = self.tiers.get(run.tier) if run.clock == TIER else self.steps[run.clock]
            if count is not None:
                count.add(run)
            if run.late:
                (escalated.add(run.tier) if run.clock == TIER else late.add(run.clock))
            supervised |= run.supervised
        self.late += bool(late)
        self.escalated += bool(escalated)
        self.supervised += supervised
        steps = [step for step in CLOCKS if step in late]
        return {"late": steps, "escalated": sorted(escalated), "supervised": supervised}


@dataclass(slots=True)
class Comparison:
    """The draft's and the present policy's tallies over the same cases, with telling cases."""

    draft: Tally = field(default_factory=Tally)
    in_force: Tally | None = None
    cases: int = 0
    open: int = 0
    without_calendar: int = 0
    missing_years: set[int] = field(default_factory=set)
    differing: list[dict[str, Any]] = field(default_factory=list)
    alike: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The comparison as it crosses the wire."""
        return {
            "cases": self.cases,
            "open": self.open,
            "without_calendar": self.without_calendar,
            "missing_years": sorted(self.missing_years),
            "totals": self._both(_totals),
            "steps": [{"step": s, **self._both(lambda t, s=s: _step(t, s))} for s in CLOCKS],
            "tiers": [{"tier": n, **self._both(lambda t, n=n: _tier(t, n))} for n in LADDER],
            "examples": (self.differing + self.alike)[:MOST_EXAMPLES],
        }

    def _both(self, part: Any) -> dict[str, Any]:
        present = self.in_force
        return {"draft": part(self.draft), "in_force": part(present) if present else None}


def simulate(
    cases: Sequence[History],
    draft: Policy,
    in_force: Policy | None,
    rules: ResponseSnapshot,
    now: int,
) -> Comparison:
    """Every case replayed under both policies; `now` judges what still runs.

    A case with a time in a year without calendar is counted and left out. Raises NoServiceHours.
    """
    found = Comparison(in_force=Tally() if in_force else None)
    for case in cases:
        try:
            runs = replay(case, draft, rules, now)
            present = replay(case, in_force, rules, now) if in_force else []
        except CalendarMissing as unknown:
            found.without_calendar += 1
            found.missing_years.add(unknown.year)
            continue
        found.cases += 1
        found.open += case.is_open
        _compare(found, case, runs, present)
    return found


def _compare(found: Comparison, case: History, runs: list[Run], present: list[Run]) -> None:
    drafted = found.draft.add(runs)
    before = found.in_force.add(present) if found.in_force else None
    differs = before is not None and drafted != before
    kept = found.differing if differs else found.alike
    if len(kept) < MOST_EXAMPLES and (differs or drafted["late"] or drafted["escalated"]):
        kept.append(
            {
                "id": case.id,
                "number": case.number,
                "category": case.category,
                "level": case.level,
                "grid": case.grid,
                "draft": drafted,
                "in_force": before,
            }
        )


def _totals(tally: Tally) -> dict[str, int]:
    return {"late": tally.late, "escalated": tally.escalated, "supervised": tally.supervised}


def _step(tally: Tally, step: str) -> dict[str, int]:
    count = tally.steps[step]
    return {"judged": count.ran, "late": count.late, "supervised": count.supervised}


def _tier(tally: Tally, tier: int) -> dict[str, int]:
    count = tally.tiers[tier]
    return {"stays": count.ran, "escalated": count.late, "supervised": count.supervised}
