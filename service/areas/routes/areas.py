"""HTTP of divisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.areas.actions import read
from service.areas.routes.common import AreaCode, Geometry, Reader, json_answer
from service.areas.schemas import areas as schemas
from service.kit.openapi import problems
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["areas"], route_class=ClauseRoute)


@router.get(
    "/areas/{code}",
    operation_id="read_area",
    response_model=schemas.Area,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2", "30.1"),
)
async def read_area(
    request: Request, _: Reader, code: AreaCode, geometry: Geometry = False
) -> Response:
    """区划 A county, township or village: name, what is above and below, source, boundary.

    The old code of a re-coded division leads to the present one; the answer names both.
    """
    return json_answer(await read.area(request.app.state.db.reads, code, geometry))


@router.get(
    "/areas/{code}/children",
    operation_id="list_area_children",
    response_model=schemas.AreaChildren,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2", "30.1"),
)
async def list_area_children(
    request: Request,
    _: Reader,
    code: AreaCode,
    geometry: Annotated[bool, Query(description="With the boundary of each")] = False,
) -> Response:
    """下级区划 The areas directly below: townships, villages, or the grids of a village."""
    return json_answer(await read.children(request.app.state.db.reads, code, geometry))
