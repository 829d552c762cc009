"""HTTP of units: departments and committees."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth import schemas, store, unit_actions
from service.auth.office_http import AnyReader, Manager, NearArea, UnitPath, administer, list_page
from service.kit.idempotency import Asked
from service.kit.openapi import problems
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["people"], route_class=ClauseRoute)

UNITS = clauses("20.1", "20.2", "23.2")


@router.get(
    "/units",
    operation_id="list_units",
    response_model=schemas.UnitPage,
    responses=problems(401, 403),
    openapi_extra=UNITS,
)
async def list_units(
    request: Request,
    caller: AnyReader,
    area: NearArea = None,
    tier: Annotated[int | None, Query(ge=2, le=4)] = None,
    active: Annotated[bool | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """单位列表 Departments and committees, by code."""
    return await list_page(
        request, caller, store.UNITS, cursor, limit, key=str, area=area, tier=tier, active=active
    )


@router.post(
    "/units",
    status_code=201,
    operation_id="create_unit",
    response_model=schemas.UnitOut,
    responses=problems(401, 403, 409),
    openapi_extra=UNITS,
)
async def create_unit(
    request: Request, caller: Manager, body: schemas.UnitNew, asked: Asked
) -> Response:
    """新建单位 A department or committee inside the caller's area."""
    return await administer(
        request, caller, asked, lambda office: unit_actions.create_unit(office, body)
    )


@router.patch(
    "/units/{code}",
    operation_id="change_unit",
    response_model=schemas.UnitOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=UNITS,
)
async def change_unit(
    request: Request, caller: Manager, code: UnitPath, body: schemas.UnitChange, asked: Asked
) -> Response:
    """修改单位 New names, or take a unit out of use."""
    return await administer(
        request, caller, asked, lambda office: unit_actions.change_unit(office, code, body)
    )
