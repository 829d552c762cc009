"""Work time for tests: the calendars that a deployment starts with, and moments as China reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from service.incidents.policies.seed import statutory_days
from service.incidents.policies.workdays import Calendar, parse_spans, working_days
from service.incidents.policies.worktime import WorkTime
from service.kit.clock import CHINA, now
from tests.people import Person

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


async def enter_years(admin: Person) -> None:
    """This year and the next two are entered where they are not, so that any limit can end."""
    this = now().year
    for year in range(this, this + 3):
        if (await admin.get(f"/v1/work-calendars/{year}")).status_code == 404:
            body = {"days": [], "source": "试验 test"}
            answer = await admin.http.put(f"/v1/work-calendars/{year}", json=body)
            assert answer.status_code == 200, answer.text
