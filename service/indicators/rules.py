"""Pure decisions of the figures: periods, shares, quantiles, what is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from service.indicators.catalogue import Indicator

# Bucket b holds durations of 60 × GROWTH**b seconds up to the next; see gw_duration_bucket.
GROWTH = 1.04
FIRST_SECONDS = 60
LONGEST_YEARS = 5
NOTHING = "–"
MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Tally:
    """Additive counts of one group, and its durations as bucket to cases."""

    counts: Mapping[str, int]
    durations: Mapping[int, int]

    def of(self, name: str) -> int:
        """The counter `name`; what is overdue is due and not closed on time."""
        if name == "overdue":
            return self.counts.get("due", 0) - self.counts.get("on_time", 0)
        return self.counts.get(name, 0)


@dataclass(frozen=True, slots=True)
class Spans:
    """A period as whole months, and the days before and after them; each [from, to)."""

    months: tuple[date, date]
    before: tuple[date, date]
    after: tuple[date, date]


def default_period(today: date) -> tuple[date, date]:
    """This month up to today, both days included."""
    return today.replace(day=1), today


def valid_period(first: date, last: date) -> bool:
    """Whether the period is one, and not too long."""
    return first <= last and (last - first).days <= LONGEST_YEARS * 366


def spans(first: date, last: date) -> Spans:
    """`first` to `last` (included) by whole months where there are any."""
    end = last + timedelta(days=1)
    month = first if first.day == 1 else _next_month(first)
    until = end.replace(day=1)
    if month >= until:
        return Spans((end, end), (first, end), (end, end))
    return Spans((month, until), (first, month), (until, end))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def total(tallies: list[Tally]) -> Tally:
    """The sum of groups that share no case."""
    counts: dict[str, int] = {}
    durations: dict[int, int] = {}
    for tally in tallies:
        for name, number in tally.counts.items():
            counts[name] = counts.get(name, 0) + number
        for bucket, cases in tally.durations.items():
            durations[bucket] = durations.get(bucket, 0) + cases
    return Tally(counts, durations)


def quantile(durations: Mapping[int, int], share: float) -> int | None:
    """The duration in seconds below which `share` of the cases lie, by nearest rank.

    The middle of its bucket, so within 2 % of the exact value from one minute up.
    """
    cases = sum(durations.values())
    if cases == 0:
        return None
    rank, seen = max(1, -int(-share * cases // 1)), 0
    for bucket in sorted(durations):
        seen += durations[bucket]
        if seen >= rank:
            return round(FIRST_SECONDS * math.pow(GROWTH, bucket + 0.5))
    return None


def figure(indicator: Indicator, tally: Tally, smallest: int) -> dict[str, Any]:
    """One indicator's numbers; no value when there are fewer than `smallest` cases to divide by."""
    value: float | None = None
    numerator = denominator = None
    if indicator.available and indicator.denominator is not None:
        denominator = tally.of(indicator.denominator)
        if indicator.numerator is not None:
            numerator = tally.of(indicator.numerator)
        if denominator >= smallest:
            value = _value(indicator, tally, numerator, denominator)
    return {
        "code": indicator.code,
        "numerator": numerator,
        "denominator": denominator,
        "value": value,
        "shown": shown(indicator.unit, value),
        "met": None if value is None else _meets(indicator, numerator, denominator),
    }


def _value(
    indicator: Indicator, tally: Tally, numerator: int | None, denominator: int
) -> float | None:
    if indicator.quantile is not None:
        return quantile(tally.durations, indicator.quantile)
    return None if numerator is None else round(numerator / denominator, 4)


def _meets(indicator: Indicator, numerator: int | None, denominator: int | None) -> bool | None:
    """Whether the exact share, not the rounded one, reaches the target; None without a target."""
    if indicator.target is None or numerator is None or denominator is None:
        return None
    needed = Decimal(str(indicator.target)) * denominator
    return numerator >= needed if indicator.better == "high" else numerator <= needed


def shown(unit: str, value: float | None) -> str:
    """A value for people: 97.3 %, 45 min, 5.2 h, 3.1 d; – without one."""
    if value is None:
        return NOTHING
    if unit == "share":
        return f"{value * 100:.1f} %"
    if value < HOUR:
        return f"{value / MINUTE:.0f} min"
    return f"{value / HOUR:.1f} h" if value < 2 * DAY else f"{value / DAY:.1f} d"
