"""Use cases of work calendars and service hours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.db import Database, Session
from service.errors import NotFound
from service.incidents.policies import store, workday_schemas
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.errors import (
    BadServiceHours,
    BadWorkCalendar,
    CountyHoursNeeded,
    NoServiceHours,
)
from service.incidents.policies.events import CALENDAR, HISTORY, HOURS
from service.incidents.policies.workdays import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarDay,
    calendar_faults,
    parse_spans,
    span_faults,
)
from service.incidents.policies.worktime import DAY
from service.kit import clock
from service.kit.idempotency import Answer


async def put_calendar(
    session: Session, actor: UUID, year: int, body: workday_schemas.CalendarPut
) -> Answer:
    """200 with the year as entered; deadlines that are set already stay as they are.

    Raises NotFound for a year that no calendar has, BadWorkCalendar.
    """
    _require_year(year)
    days = sorted(
        (CalendarDay(day.date, day.kind, day.name or "") for day in body.days),
        key=lambda day: day.date,
    )
    faults = tuple(calendar_faults(year, [CalendarDay(d.date, d.kind) for d in body.days]))
    if faults:
        raise BadWorkCalendar(fields=faults[:100], year=year, count=len(faults))
    await session.execute(store.ONE_AT_A_TIME)
    before = await store.one(session, store.LOCK_CALENDAR, year=year)
    now = clock.now()
    version = await store.put_calendar(session, year, days, source=body.source, now=now, by=actor)
    await session.execute(store.ADVANCE_EPOCH)
    shown = [{"date": d.date.isoformat(), "kind": d.kind, "name": d.name} for d in days]
    await HISTORY[CALENDAR].record(
        session,
        str(year),
        "put",
        "changed" if before else "entered",
        actor=actor,
        now=now,
        payload={"version": version, "source": body.source, "days": shown, "before": before},
    )
    answer = {"year": year, "version": version, "days": shown, "source": body.source}
    return Answer(200, {**answer, "changed_at": now})


async def read_calendar(db: Database, year: int) -> dict[str, Any]:
    """The year as entered. Raises NotFound."""
    _require_year(year)
    row = await db.reads.fetchrow(store.CALENDAR_OF, year)
    if row is None:
        raise NotFound
    return store.decoded(row)


def _require_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound


async def put_hours(
    session: Session, actor: UUID, area: str, body: workday_schemas.HoursPut
) -> Answer:
    """200 with the area's own spans; clocks that run already stay as they are.

    Raises NotFound for an area that is not there, BadServiceHours.
    """
    faults = tuple(span_faults(parse_spans(body.spans)))
    if faults:
        raise BadServiceHours(fields=faults, count=len(faults))
    await session.execute(store.ONE_AT_A_TIME)
    if not await store.area_known(session, area):
        raise NotFound
    before = await store.one(session, store.HOURS_OF, area=area)
    now = clock.now()
    await store.put_hours(session, area, body.spans, now=now, by=actor)
    await session.execute(store.ADVANCE_EPOCH)
    await HISTORY[HOURS].record(
        session,
        area,
        "put",
        "changed" if before else "entered",
        actor=actor,
        now=now,
        payload={"spans": body.spans, "before": before["spans"] if before else None},
    )
    return Answer(200, {"area": area, "spans": body.spans, "changed_at": now})


async def delete_hours(session: Session, actor: UUID, area: str, county: str) -> Answer:
    """204: the hours of the area around hold again. Raises NotFound, CountyHoursNeeded."""
    await session.execute(store.ONE_AT_A_TIME)
    before = await store.one(session, store.HOURS_OF, area=area)
    if before is None:
        raise NotFound
    if area == county:
        raise CountyHoursNeeded
    await session.execute(store.DELETE_HOURS, {"area": area})
    await session.execute(store.ADVANCE_EPOCH)
    await HISTORY[HOURS].record(
        session,
        area,
        "delete",
        "deleted",
        actor=actor,
        now=clock.now(),
        payload={"before": before["spans"]},
    )
    return Answer(204, None)


async def hours_in(db: Database, rules: ResponseSnapshot, area: str) -> dict[str, Any]:
    """The spans that hold in an area or grid, and whose they are. Raises NotFound."""
    if not await db.reads.fetchval(store.AREA_KNOWN, area):
        raise NotFound
    try:
        axis = rules.worktime_for(area)
    except NoServiceHours:
        raise NotFound from None
    owner = max((code for code in rules.axes if area.startswith(code)), key=len)
    return {
        "area": area,
        "inherited_from": None if owner == area else owner,
        "spans": [[_time(start), _time(end)] for start, end in axis.spans],
        "work_day_seconds": axis.day_seconds,
    }


def _time(second: int) -> str:
    return "24:00" if second == DAY else f"{second // 3_600:02}:{second % 3_600 // 60:02}"
