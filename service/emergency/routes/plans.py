"""HTTP of emergency plans and of the catalogues."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from service.emergency.actions import catalogues, plans
from service.emergency.http import CodePath, CountyManager, Manager, Reader, act, look, page
from service.emergency.room import Room
from service.emergency.schemas import plans as schemas
from service.emergency.schemas.common import Code, Key
from service.kit.answers import json_answer
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Asked
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["emergency"], route_class=ClauseRoute)

PLANS = clauses(*plans.CLAUSES)
BY_CODE: dict[str, type] = {"code": str}


@router.get(
    "/emergency-plans",
    operation_id="list_emergency_plans",
    response_model=schemas.EmergencyPlanPage,
    responses=problems(401, 403),
    openapi_extra=PLANS,
)
async def list_emergency_plans(
    request: Request,
    caller: Reader,
    hazard: Annotated[Key | None, Query()] = None,
    area: Annotated[AreaPrefix | None, Query(description="What applies there")] = None,
    retired: Annotated[bool, Query(description="Retired ones too")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """应急预案列表 Emergency plans by code, each in its newest version."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        filters = {"hazard": hazard, "area": area, "retired": retired}
        return await plans.list_plans(room, after[0] if after else None, most, **filters)

    return await page(request, caller, cursor, limit, BY_CODE, fetch)


@router.post(
    "/emergency-plans",
    status_code=201,
    operation_id="create_emergency_plan",
    response_model=schemas.EmergencyPlan,
    responses={201: sends("Location"), **problems(401, 403, 409)},
    openapi_extra=PLANS,
)
async def create_emergency_plan(
    request: Request, caller: Manager, body: schemas.EmergencyPlanNew, asked: Asked
) -> Response:
    """新增应急预案 A plan with its levels and its contact tree of three tiers."""
    return await act(request, caller, asked, lambda room: plans.create_plan(room, body))


@router.get(
    "/emergency-plans/{code}",
    operation_id="read_emergency_plan",
    response_model=schemas.EmergencyPlan,
    responses=problems(401, 403, 404),
    openapi_extra=PLANS,
)
async def read_emergency_plan(
    request: Request,
    caller: Reader,
    code: CodePath,
    version: Annotated[
        int | None, Query(ge=1, le=1_000_000, description="The newest when left out")
    ] = None,
) -> Response:
    """应急预案 One version of a plan."""
    return json_answer(
        await look(request, caller, lambda room: plans.read_plan(room, code, version))
    )


@router.put(
    "/emergency-plans/{code}",
    operation_id="revise_emergency_plan",
    response_model=schemas.EmergencyPlan,
    responses=problems(401, 403, 404, 409),
    openapi_extra=PLANS,
)
async def revise_emergency_plan(
    request: Request,
    caller: Manager,
    code: CodePath,
    body: schemas.EmergencyPlanFields,
    asked: Asked,
) -> Response:
    """修订应急预案 The next version, in force from its date; the old one stays as it was."""
    return await act(request, caller, asked, lambda room: plans.revise_plan(room, code, body))


@router.post(
    "/emergency-plans/{code}/retire",
    operation_id="retire_emergency_plan",
    response_model=schemas.EmergencyPlan,
    responses=problems(401, 403, 404, 409),
    openapi_extra=PLANS,
)
async def retire_emergency_plan(
    request: Request, caller: Manager, code: CodePath, asked: Asked
) -> Response:
    """停用应急预案 Nothing new is declared under it; what runs goes on."""
    return await act(request, caller, asked, lambda room: plans.retire_plan(room, code))


@router.get(
    "/stock-items",
    operation_id="list_stock_items",
    response_model=schemas.StockItemPage,
    responses=problems(401, 403),
    openapi_extra=clauses(*catalogues.ITEMS),
)
async def list_stock_items(
    request: Request,
    caller: Reader,
    active: Annotated[bool | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """物资目录 What supply points keep, by code."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        return await catalogues.list_items(room, after[0] if after else None, most, active=active)

    return await page(request, caller, cursor, limit, BY_CODE, fetch)


@router.post(
    "/stock-items",
    status_code=201,
    operation_id="create_stock_item",
    response_model=schemas.StockItemOut,
    responses=problems(401, 403, 409),
    openapi_extra=clauses(*catalogues.ITEMS),
)
async def create_stock_item(
    request: Request, caller: CountyManager, body: schemas.StockItemNew, asked: Asked
) -> Response:
    """新增物资 A new item of the county's catalogue."""
    return await act(request, caller, asked, lambda room: catalogues.create_item(room, body))


@router.patch(
    "/stock-items/{code}",
    operation_id="change_stock_item",
    response_model=schemas.StockItemOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=clauses(*catalogues.ITEMS),
)
async def change_stock_item(
    request: Request,
    caller: CountyManager,
    code: Annotated[Code, Path(examples=["quilt"])],
    body: schemas.StockItemChange,
    asked: Asked,
) -> Response:
    """修改物资 New names, or out of use: then nothing more is received."""
    return await act(request, caller, asked, lambda room: catalogues.change_item(room, code, body))


@router.get(
    "/travel-modes",
    operation_id="list_travel_modes",
    response_model=schemas.TravelModes,
    responses=problems(401, 403),
    openapi_extra=clauses(*catalogues.MODES),
)
async def list_travel_modes(request: Request, caller: Reader) -> Response:
    """出行方式 Speeds and detour factors that travel times are reckoned with."""
    return json_answer({"items": await look(request, caller, catalogues.list_modes)})


@router.put(
    "/travel-modes/{mode}",
    operation_id="put_travel_mode",
    response_model=schemas.TravelModeOut,
    responses=problems(401, 403, 409),
    openapi_extra=clauses(*catalogues.MODES),
)
async def put_travel_mode(
    request: Request,
    caller: CountyManager,
    mode: Annotated[Key, Path(examples=["car"])],
    body: schemas.TravelModeFields,
    asked: Asked,
) -> Response:
    """设定出行方式 Add a way of travelling, or reckon with other figures from now on."""
    return await act(request, caller, asked, lambda room: catalogues.put_mode(room, mode, body))
