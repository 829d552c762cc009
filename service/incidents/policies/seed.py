"""The default policy, work calendars and service hours of a new deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

import chinese_calendar
import msgspec

from service.db import Session
from service.incidents.policies import store
from service.incidents.policies.events import CALENDAR, HISTORY, HOURS, POLICY
from service.incidents.policies.workdays import SATURDAY, CalendarDay
from service.kit import clock
from service.kit.actors import SERVICE

FIRST_SEEDED_YEAR = 2024
SOURCE = "国务院办公厅节假日安排 State Council holiday notices (chinesecalendar {version})"


class Defaults(msgspec.Struct):
    """The data file: the policy as version 1, and the county's service hours."""

    note: str
    valid_from: datetime
    policy: dict[str, Any]
    service_hours: list[tuple[str, str]]


@cache
def defaults() -> Defaults:
    """What data/response_policy.json holds."""
    file = resources.files("service.incidents") / "data" / "response_policy.json"
    return msgspec.json.decode(file.read_bytes(), type=Defaults)


def known_years() -> Iterator[int]:
    """The years from 2024 on that the holiday library knows whole."""
    year = FIRST_SEEDED_YEAR
    while True:
        try:
            chinese_calendar.is_workday(date(year, 12, 31))
        except NotImplementedError:
            return
        yield year
        year += 1


def statutory_days(year: int) -> list[CalendarDay]:
    """The days of a year that are not what their weekday says, by the holiday library."""
    found = []
    day = date(year, 1, 1)
    while day.year == year:
        works = chinese_calendar.is_workday(day)
        if works != (day.weekday() < SATURDAY):
            _, holiday = chinese_calendar.get_holiday_detail(day)
            name = chinese_calendar.Holiday(holiday).chinese if holiday else ""
            found.append(CalendarDay(day, "workday" if works else "holiday", name))
        day += timedelta(days=1)
    return found


async def seed_response(session: Session, county: str) -> bool:
    """Load what is missing of policy, calendars and hours; the caller commits.

    Returns whether anything was loaded now. Safe to run twice, also at the same time.
    """
    await session.execute(store.ONE_AT_A_TIME)
    now = clock.now()
    loaded = [
        await _seed_calendars(session, now),
        await _seed_hours(session, county, now),
        await _seed_policy(session, now),
    ]
    if any(loaded):
        await session.execute(store.ADVANCE_EPOCH)
    return any(loaded)


async def _seed_calendars(session: Session, now: datetime) -> bool:
    if not await store.is_empty(session, store.ANY_CALENDAR):
        return False
    source = SOURCE.format(version=chinese_calendar.__version__)
    for year in known_years():
        days = statutory_days(year)
        await store.put_calendar(session, year, days, source=source, now=now, by=None)
        await HISTORY[CALENDAR].record(
            session,
            str(year),
            "seed",
            "entered",
            actor=SERVICE,
            now=now,
            payload={"version": 1, "source": source},
        )
    return True


async def _seed_hours(session: Session, county: str, now: datetime) -> bool:
    if not await store.is_empty(session, store.ANY_HOURS):
        return False
    spans = defaults().service_hours
    await store.put_hours(session, county, spans, now=now, by=None)
    await HISTORY[HOURS].record(
        session, str(county), "seed", "entered", actor=SERVICE, now=now, payload={"spans": spans}
    )
    return True


async def _seed_policy(session: Session, now: datetime) -> bool:
    if not await store.is_empty(session, store.ANY_POLICY):
        return False
    found = defaults()
    await store.insert_policy(
        session, 1, found.policy, note=found.note, now=now, valid_from=found.valid_from
    )
    await HISTORY[POLICY].record(
        session,
        str(1),
        "seed",
        "published",
        actor=SERVICE,
        now=now,
        payload={"valid_from": clock.iso(found.valid_from)},
    )
    return True
