"""HTTP of work calendars and service hours: read by everybody, changed by administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth.acting import administer
from service.auth.guards import Caller
from service.incidents.policies import store, workday_actions, workday_schemas
from service.incidents.policies.common_http import Manager, page, rules_of
from service.kit.answers import json_answer
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Asked
from service.kit.openapi import problems
from service.kit.paging import BEYOND_ANY, DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["response"], route_class=ClauseRoute)

DAYS, HOURS = clauses("23.2"), clauses("13.7", "23.2")


@router.get(
    "/work-calendars",
    operation_id="list_work_calendars",
    response_model=workday_schemas.WorkCalendarPage,
    responses=problems(401),
    openapi_extra=DAYS,
)
async def list_work_calendars(
    request: Request, _caller: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """工作日历 Years entered, latest first: holidays and make-up working days."""
    return await page(
        request, store.CALENDARS, "year", cursor, limit, first=BEYOND_ANY, name="work-calendars"
    )


@router.get(
    "/work-calendars/{year}",
    operation_id="read_work_calendar",
    response_model=workday_schemas.WorkCalendarOut,
    responses=problems(401, 404),
    openapi_extra=DAYS,
)
async def read_work_calendar(
    request: Request, _caller: Caller, year: workday_schemas.Year
) -> Response:
    """某年工作日历 The days of a year that are not what their weekday says."""
    return json_answer(await workday_actions.read_calendar(request.app.state.db, year))


@router.put(
    "/work-calendars/{year}",
    operation_id="put_work_calendar",
    response_model=workday_schemas.WorkCalendarOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=DAYS,
)
async def put_work_calendar(
    request: Request,
    caller: Manager,
    asked: Asked,
    year: workday_schemas.Year,
    body: workday_schemas.CalendarPut,
) -> Response:
    """录入工作日历 Enter or replace a year, 2000 to 2199.

    Deadlines that are set already stay as they are.
    """
    return await administer(
        request,
        caller,
        asked,
        lambda session: workday_actions.put_calendar(session, caller.account_id, year, body),
    )


@router.get(
    "/service-hours",
    operation_id="list_service_hours",
    response_model=workday_schemas.AreaHoursPage,
    responses=problems(401),
    openapi_extra=HOURS,
)
async def list_service_hours(
    request: Request,
    _caller: Caller,
    area: Annotated[AreaPrefix | None, Query(description="Only inside this area")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """工作时段 Areas with hours of their own, by code; the most specific one holds in a place."""
    name = f"service-hours {area}"
    return await page(
        request, store.HOURS_PAGE, "area", cursor, limit, first="", more=(area,), name=name
    )


@router.get(
    "/service-hours/{area}",
    operation_id="read_service_hours",
    response_model=workday_schemas.HoursInForce,
    responses=problems(401, 404),
    openapi_extra=HOURS,
)
async def read_service_hours(
    request: Request, _caller: Caller, area: workday_schemas.Area
) -> Response:
    """某地工作时段 The hours that hold in an area or grid, and whose they are."""
    rules = await rules_of(request).current()
    return json_answer(await workday_actions.hours_in(request.app.state.db, rules, area))


@router.put(
    "/service-hours/{area}",
    operation_id="put_service_hours",
    response_model=workday_schemas.AreaHours,
    responses=problems(401, 403, 404, 409),
    openapi_extra=HOURS,
)
async def put_service_hours(
    request: Request,
    caller: Manager,
    asked: Asked,
    area: workday_schemas.Area,
    body: workday_schemas.HoursPut,
) -> Response:
    """设定工作时段 Give an area hours of its own; they hold in everything inside it.

    Clocks that run already keep their deadlines.
    """
    return await administer(
        request,
        caller,
        asked,
        lambda session: workday_actions.put_hours(session, caller.account_id, area, body),
    )


@router.delete(
    "/service-hours/{area}",
    status_code=204,
    operation_id="delete_service_hours",
    responses=problems(401, 403, 404, 409),
    openapi_extra=HOURS,
)
async def delete_service_hours(
    request: Request, caller: Manager, asked: Asked, area: workday_schemas.Area
) -> Response:
    """取消工作时段 The hours of the area around it hold again; the county's cannot be deleted."""
    county = request.app.state.settings.county
    return await administer(
        request,
        caller,
        asked,
        lambda session: workday_actions.delete_hours(session, caller.account_id, area, county),
    )
