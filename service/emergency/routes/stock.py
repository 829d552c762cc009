"""HTTP of stock: what supply points have, and the ledger that says why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.emergency.actions import stock
from service.emergency.http import Mover, ResourceReader, act, page
from service.emergency.room import Room
from service.emergency.schemas import resources as schemas
from service.emergency.schemas.common import Code
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Asked, keyed
from service.kit.openapi import problems
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["resources"], route_class=ClauseRoute)

CASE = clauses("17.3")


@router.get(
    "/stock",
    operation_id="list_stock",
    response_model=schemas.StockPage,
    responses=problems(401, 403),
    openapi_extra=CASE,
)
async def list_stock(
    request: Request,
    caller: ResourceReader,
    item: Annotated[Code | None, Query()] = None,
    area: Annotated[AreaPrefix | None, Query(description="Supply points inside")] = None,
    resource: Annotated[UUID | None, Query(description="One supply point only")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """物资库存 What supply points have of each item at this moment."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        last, last_item = after or (None, None)
        filters = {"item": item, "area": area, "resource": resource}
        return await stock.balances(room, most, after=last, after_item=last_item, **filters)

    return await page(request, caller, cursor, limit, {"resource": UUID, "item": str}, fetch)


@router.post(
    "/resources/{resource_id}/movements",
    status_code=201,
    operation_id="enter_stock_movement",
    response_model=schemas.MovementOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def enter_stock_movement(
    request: Request, caller: Mover, resource_id: UUID, body: schemas.Movement, asked: Asked
) -> Response:
    """登记出入库 Receive, issue, return or count; the balance never falls below zero."""
    once = keyed(asked, "movement", body.id)
    return await act(request, caller, once, lambda room: stock.move(room, resource_id, body))


@router.get(
    "/resources/{resource_id}/movements",
    operation_id="list_stock_movements",
    response_model=schemas.MovementPage,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def list_stock_movements(
    request: Request,
    caller: ResourceReader,
    resource_id: UUID,
    item: Annotated[Code | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """出入库台账 Every movement with the balance after it, newest first."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        since, last = after or (None, None)
        return await stock.ledger(room, resource_id, most, item=item, since=since, after=last)

    return await page(request, caller, cursor, limit, {"moved_at": datetime, "id": UUID}, fetch)
