"""Work calendars and service hours as rules read them: a year's days, a day's spans. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from service.errors import FieldProblem
from service.incidents.policies.worktime import DAY, Spans

FIRST_YEAR, LAST_YEAR = 2000, 2199
SATURDAY = 5
_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)", re.ASCII)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day that is not what its weekday says: a holiday, or a make-up working day."""

    date: date
    kind: Literal["holiday", "workday"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One year of the work calendar: Monday to Friday, but for these days."""

    year: int
    days: tuple[CalendarDay, ...]


def working_days(calendar: Calendar) -> list[date]:
    """The working days of the year, in order."""
    differing = {day.date: day.kind for day in calendar.days}
    first = date(calendar.year, 1, 1)
    every = (first + timedelta(n) for n in range((date(calendar.year + 1, 1, 1) - first).days))
    return [day for day in every if _works(day, differing)]


def _works(day: date, differing: Mapping[date, str]) -> bool:
    kind = differing.get(day)
    return day.weekday() < SATURDAY if kind is None else kind == "workday"


def calendar_faults(year: int, days: Sequence[CalendarDay]) -> Iterator[FieldProblem]:
    """What is wrong with the days of a year, each with its place.

    A day of another year, the same day twice, a make-up working day that works anyway.
    """
    seen: set[date] = set()
    for i, day in enumerate(days):
        place = f"/days/{i}/date"
        if day.date.year != year:
            yield FieldProblem(
                place, "other_year", f"{day.date} 不在 {year} 年", f"{day.date} is not in {year}"
            )
        if day.date in seen:
            yield FieldProblem(place, "duplicate", f"{day.date} 重复", f"{day.date} stands twice")
        seen.add(day.date)
        if day.kind == "workday" and day.date.weekday() < SATURDAY:
            yield FieldProblem(
                f"/days/{i}/kind",
                "works_anyway",
                f"{day.date} 本是工作日，不是调休上班日",
                f"{day.date} is a weekday and needs no make-up",
            )


def parse_time(text: str) -> int:
    """Seconds after midnight of a time such as `09:00`; `24:00` is the day's end.

    Raises ValueError.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return DAY if found[1] is None else int(found[1]) * 3_600 + int(found[2]) * 60


def parse_spans(spans: Iterable[Sequence[str]]) -> Spans:
    """Spans such as `[["09:00", "12:00"]]` as seconds after midnight. Raises ValueError."""
    return tuple((parse_time(start), parse_time(end)) for start, end in spans)


def span_faults(spans: Spans) -> Iterator[FieldProblem]:
    """What is wrong with a day's spans, each with its place: none, backwards, overlapping."""
    if not spans:
        yield FieldProblem("/spans", "empty", "至少要有一个时段", "at least one span is needed")
    for i, (start, end) in enumerate(spans):
        if start >= end:
            yield FieldProblem(
                f"/spans/{i}", "backwards", "时段的结束应晚于开始", "a span ends after it begins"
            )
    for i, (earlier, later) in enumerate(pairwise(spans), 1):
        if later[0] <= earlier[1]:
            yield FieldProblem(
                f"/spans/{i}",
                "overlapping",
                "时段应按时间先后排列且互不相接",
                "spans stand in order and do not touch",
            )
