"""Work time for tests: the calendars that a deployment starts with, and moments as China reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from service.incidents.policies.seed import statutory_days
from service.incidents.policies.workdays import Calendar, parse_spans, working_days
from service.incidents.policies.worktime import WorkTime
from service.kit.clock import CHINA

HOURS = (("09:00", "12:00"), ("14:00", "18:00"))
WORK_DAY = 7 * 3_600


@cache
def axis(
    years: tuple[int, ...] = (2024, 2025, 2026), hours: Iterable[tuple[str, str]] = HOURS
) -> WorkTime:
    """The statutory calendar of these years under these hours."""
    calendars = [Calendar(year, tuple(statutory_days(year))) for year in years]
    days = [day for calendar in calendars for day in working_days(calendar)]
    return WorkTime(days, parse_spans(hours), years)


def at(text: str) -> datetime:
    """`2026-02-13 17:30` (with or without seconds) in China, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def second(text: str) -> int:
    """The same as an epoch second."""
    return int(at(text).timestamp())


def told(second: int) -> str:
    """An epoch second as China reads it."""
    return datetime.fromtimestamp(second, CHINA).strftime("%Y-%m-%d %H:%M:%S")
