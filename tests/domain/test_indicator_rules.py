"""Periods, quantiles and what is shown, as tables."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.indicators.catalogue import load_catalogue
from service.indicators.rules import Tally, figure, quantile, shown, spans, total, valid_period

BY_CODE = {indicator.code: indicator for indicator in load_catalogue().indicators}


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


# First and last day; whole months from and to; days before and after, as [from, to).
@pytest.mark.parametrize(
    ("first", "last", "months", "before", "after"),
    [
        ("01-01", "01-31", ("01-01", "02-01"), ("01-01", "01-01"), ("02-01", "02-01")),
        ("01-02", "02-27", ("02-28", "02-28"), ("01-02", "02-28"), ("02-28", "02-28")),
        ("01-02", "02-28", ("02-01", "03-01"), ("01-02", "02-01"), ("03-01", "03-01")),
        ("01-31", "03-01", ("02-01", "03-01"), ("01-31", "02-01"), ("03-01", "03-02")),
        ("03-05", "03-05", ("03-06", "03-06"), ("03-05", "03-06"), ("03-06", "03-06")),
        ("01-01", "12-30", ("01-01", "12-01"), ("01-01", "01-01"), ("12-01", "12-31")),
    ],
)
def test_a_period_is_months_and_the_days_around_them(
    first: str, last: str, months: tuple[str, str], before: tuple[str, str], after: tuple[str, str]
) -> None:
    found = spans(day(first), day(last))
    expected = [tuple(map(day, pair)) for pair in (months, before, after)]
    assert [found.months, found.before, found.after] == expected


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 800))
def test_no_day_of_a_period_is_lost_or_taken_twice(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = spans(first, last)
    parts = [
        start + timedelta(days=n)
        for start, end in (found.before, found.months, found.after)
        for n in range((end - start).days)
    ]
    assert parts == [first + timedelta(days=n) for n in range(days + 1)]
    if found.months[0] < found.months[1]:
        assert {moment.day for moment in found.months} == {1}


def test_a_period_ends_after_it_begins_and_within_years() -> None:
    assert valid_period(day("01-01"), day("01-01"))
    assert not valid_period(day("01-02"), day("01-01"))
    assert not valid_period(date(2020, 1, 1), date(2026, 1, 1))


def bucket(seconds: float) -> int:
    return math.floor(math.log(max(seconds, 60) / 60) / math.log(1.04))


@given(
    st.lists(st.floats(60, 3e7), min_size=1, max_size=200),
    st.sampled_from([0.5, 0.9]),
)
def test_a_quantile_is_within_two_percent(seconds: list[float], share: float) -> None:
    buckets: dict[int, int] = {}
    for one in seconds:
        buckets[bucket(one)] = buckets.get(bucket(one), 0) + 1
    exact = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    found = quantile(buckets, share)
    assert found is not None
    assert abs(found - exact) <= 0.02 * exact + 0.5


def test_nothing_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("share", None, "–"), ("share", 0.0, "0.0 %"), ("share", 0.9731, "97.3 %"),
        ("share", 1.0, "100.0 %"), ("seconds", None, "–"), ("seconds", 90, "2 min"),
        ("seconds", 2700, "45 min"), ("seconds", 18_720, "5.2 h"),
        ("seconds", 268_000, "3.1 d"),
    ],
)  # fmt: skip
def test_values_are_shown_for_people(unit: str, value: float | None, text: str) -> None:
    assert shown(unit, value) == text


# Resolved and accepted disputes; the value shown, and whether 97 % is met.
@pytest.mark.parametrize(
    ("resolved", "disputes", "value", "met"),
    [
        (97, 100, 0.97, True),
        (96, 100, 0.96, False),
        (100, 100, 1.0, True),
        (96_996, 100_000, 0.97, False),
        (4, 4, None, None),
        (0, 0, None, None),
        (5, 5, 1.0, True),
    ],
)
def test_the_target_is_met_by_the_exact_share(
    resolved: int, disputes: int, value: float | None, met: bool | None
) -> None:
    tally = Tally({"resolved": resolved, "disputes": disputes}, {})
    found = figure(BY_CODE["dispute_resolution"], tally, 5)
    assert (found["numerator"], found["denominator"]) == (resolved, disputes)
    assert (found["value"], found["met"]) == (value, met)


def test_what_is_due_and_not_closed_in_time_is_overdue() -> None:
    tally = Tally({"due": 10, "on_time": 7}, {})
    assert figure(BY_CODE["overdue"], tally, 5)["numerator"] == 3
    assert figure(BY_CODE["on_time_closing"], tally, 5)["numerator"] == 7


def test_groups_add_up() -> None:
    whole = total([Tally({"due": 1}, {3: 1}), Tally({"due": 2, "own": 1}, {3: 2, 4: 1})])
    assert (whole.counts, whole.durations) == ({"due": 3, "own": 1}, {3: 3, 4: 1})
    assert total([]).of("due") == 0
