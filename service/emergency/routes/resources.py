"""HTTP of resources: register, find, allocate."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from geo.positions import Crs
from service.emergency.actions import allocations, resources
from service.emergency.http import Allocator, Keeper, ResourceReader, Revealer, act, look, page
from service.emergency.room import Room
from service.emergency.schemas import resources as schemas
from service.emergency.schemas.common import Code, Key
from service.kit.answers import json_answer
from service.kit.conditional import Expected, etag_of
from service.kit.idempotency import Asked, keyed
from service.kit.openapi import problems, sends
from service.kit.positions import Lat, Lon
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["resources"], route_class=ClauseRoute)

KEPT = clauses(*resources.CLAUSES)
COMMANDED = clauses("17.2", "24.2")
ACTED: dict[int | str, Any] = {200: sends("ETag"), **problems(401, 403, 404, 409)}
MOST_NEAR = 100


@router.get(
    "/resources/nearest",
    operation_id="find_nearest_resources",
    response_model=schemas.NearestResources,
    responses=problems(401, 403),
    openapi_extra=clauses("17.2", "17.3", "25.2"),
)
async def find_nearest_resources(
    request: Request,
    caller: ResourceReader,
    lon: Annotated[Lon, Query()],
    lat: Annotated[Lat, Query()],
    crs: Annotated[Crs, Query(examples=["cgcs2000"])],
    kind: Annotated[schemas.Kind | None, Query()] = None,
    within_minutes: Annotated[float, Query(gt=0, le=1440)] = 30,
    mode: Annotated[Key, Query(examples=["car"])] = "car",
    item: Annotated[Code | None, Query(description="Supply points that have it")] = None,
    allocated: Annotated[bool, Query(description="Those in use too")] = False,
    limit: Annotated[int, Query(ge=1, le=MOST_NEAR)] = 20,
) -> Response:
    """就近资源 What can be there in time, the quickest first.

    The time is that of the straight line times the detour factor at the speed of `mode`; the
    answer states both.
    """
    filters = {"kind": kind, "item": item, "allocated": allocated, "limit": limit}
    found = await look(
        request,
        caller,
        lambda room: resources.nearest(
            room, lon, lat, crs, mode=mode, within=within_minutes, **filters
        ),
    )
    return json_answer(found)


@router.get(
    "/resources",
    operation_id="list_resources",
    response_model=schemas.ResourcePage,
    responses=problems(401, 403),
    openapi_extra=KEPT,
)
async def list_resources(
    request: Request, caller: ResourceReader, query: Annotated[schemas.ResourceQuery, Query()]
) -> Response:
    """应急资源列表 Teams, vehicles, shelters and supply points that the caller may read.

    Who dispatches reads all of the county; an owner its own; the two committees of a village all
    that stands there, while an activation is in force.
    """

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        filters = query.model_dump(include={"area", "kind", "unit", "status", "activation"})
        last = after[0] if after else None
        return await resources.list_page(room, most, last, box=query.box(), **filters)

    return await page(request, caller, query.cursor, query.limit, {"id": UUID}, fetch)


@router.post(
    "/resources",
    status_code=201,
    operation_id="register_resource",
    response_model=schemas.Resource,
    responses={201: sends("Location", "ETag"), **problems(401, 403, 409)},
    openapi_extra=KEPT,
)
async def register_resource(
    request: Request, caller: Keeper, body: schemas.ResourceNew, asked: Asked
) -> Response:
    """登记应急资源 A team, vehicle, shelter or supply point where it stands."""
    once = keyed(asked, "resource", body.id)
    return await act(request, caller, once, lambda room: resources.create(room, body))


@router.get(
    "/resources/{resource_id}",
    operation_id="get_resource",
    response_model=schemas.Resource,
    responses={200: sends("ETag"), **problems(401, 403, 404)},
    openapi_extra=KEPT,
)
async def get_resource(request: Request, caller: ResourceReader, resource_id: UUID) -> Response:
    """应急资源 One resource, its contact masked, with what it serves now."""
    found = await look(request, caller, lambda room: resources.read(room, resource_id))
    return json_answer(found, etag_of(found["version"]))


@router.patch(
    "/resources/{resource_id}",
    operation_id="change_resource",
    response_model=schemas.Resource,
    responses={**ACTED, **problems(401, 403, 404, 409, 412)},
    openapi_extra=KEPT,
)
async def change_resource(
    request: Request,
    caller: Keeper,
    resource_id: UUID,
    body: schemas.ResourceChange,
    asked: Asked,
    expected: Expected,
) -> Response:
    """修改应急资源 What changes; retire it instead of deleting."""
    return await act(
        request, caller, asked, lambda room: resources.change(room, resource_id, body, expected)
    )


@router.post(
    "/resources/{resource_id}/allocate",
    operation_id="allocate_resource",
    response_model=schemas.Resource,
    responses=ACTED,
    openapi_extra=COMMANDED,
)
async def allocate_resource(
    request: Request,
    caller: Allocator,
    resource_id: UUID,
    body: schemas.AllocationNew,
    asked: Asked,
) -> Response:
    """调配资源 To one activation at a time; who commands the area, whoever owns it."""
    return await act(
        request, caller, asked, lambda room: allocations.allocate(room, resource_id, body)
    )


@router.post(
    "/resources/{resource_id}/release",
    operation_id="release_resource",
    response_model=schemas.Resource,
    responses=ACTED,
    openapi_extra=COMMANDED,
)
async def release_resource(
    request: Request, caller: Allocator, resource_id: UUID, body: schemas.Release, asked: Asked
) -> Response:
    """释放资源 Back to its owner."""
    return await act(
        request, caller, asked, lambda room: allocations.release(room, resource_id, body)
    )


@router.post(
    "/resources/{resource_id}/reveal-contact",
    operation_id="reveal_resource_contact",
    response_model=schemas.ResourceContactShown,
    responses=problems(401, 403, 404, 429),
    openapi_extra=clauses("17.5", "31.3"),
)
async def reveal_resource_contact(
    request: Request, caller: Revealer, resource_id: UUID, body: schemas.RevealReason
) -> Response:
    """查看联系人 The contact in clear, for a stated purpose; logged, and limited in an hour."""
    shown = await look(
        request,
        caller,
        lambda room: resources.reveal(room, resource_id, body.purpose),
        keep=True,
    )
    return json_answer(shown)
