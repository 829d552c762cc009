"""HTTP of published grids."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.areas.actions import read
from service.areas.routes.common import AsOf, Geometry, GridCode, Reader, json_answer
from service.areas.schemas import grids as schemas
from service.areas.schemas.common import GridKind
from service.areas.store.grids import GridFilter
from service.kit import clock
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["grids"], route_class=ClauseRoute)

Status = Literal["current", "retired", "all"]


@router.get(
    "/grids",
    operation_id="list_grids",
    response_model=schemas.GridPage,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2", "18.6", "30.1"),
)
async def list_grids(
    request: Request,
    _: Reader,
    area: Annotated[
        str | None, Query(max_length=64, description="County, township or village code")
    ] = None,
    kind: GridKind | None = None,
    status: Annotated[Status, Query(description="At `as_of`, or now")] = "current",
    bbox: Annotated[
        str | None,
        Query(max_length=200, description="west,south,east,north in EPSG:4490 (lon, lat)"),
    ] = None,
    as_of: AsOf = None,
    geometry: Geometry = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> Response:
    """网格列表 Grids in order of their codes, in force now, retired, or as they were."""
    state = request.app.state
    inside = read.require_area_code(area, "/area") if area is not None else ""
    asked = GridFilter(inside, kind, status, read.box_of(bbox), as_of)
    return json_answer(
        await read.grid_page(
            state.db.reads,
            state.cursors,
            asked,
            cursor=cursor,
            limit=limit,
            geometry=geometry,
            now=clock.now(),
        )
    )


@router.get(
    "/grids/{code}",
    operation_id="read_grid",
    response_model=schemas.Grid,
    responses={200: sends("ETag"), **problems(401, 403, 404)},
    openapi_extra=clauses("23.2", "18.6", "30.1"),
)
async def read_grid(request: Request, _: Reader, code: GridCode, as_of: AsOf = None) -> Response:
    """网格 One grid: boundary, provenance, lineage; its version is the ETag."""
    state = request.app.state
    found = await read.grid(state.db.reads, state.settings.code_scheme, code, as_of, clock.now())
    return json_answer(found, {"ETag": f'"{found["version"]}"'})


@router.get(
    "/grids/{code}/versions",
    operation_id="list_grid_versions",
    response_model=schemas.GridVersions,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2"),
)
async def list_grid_versions(
    request: Request, _: Reader, code: GridCode, geometry: Geometry = False
) -> Response:
    """网格版本 All versions of a grid, the newest first, each with the change that made it."""
    state = request.app.state
    return json_answer(
        await read.versions(state.db.reads, state.settings.code_scheme, code, geometry)
    )


@router.get(
    "/grids/{code}/lineage",
    operation_id="read_grid_lineage",
    response_model=schemas.Lineage,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2"),
)
async def read_grid_lineage(request: Request, _: Reader, code: GridCode) -> Response:
    """网格沿革 Where a grid comes from and what became of it, through all changes."""
    state = request.app.state
    return json_answer(await read.lineage(state.db.reads, state.settings.code_scheme, code))


@router.get(
    "/grid-codes/{code:path}",
    operation_id="explain_grid_code",
    response_model=schemas.GridCode,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2"),
)
async def explain_grid_code(request: Request, _: Reader, code: GridCode) -> Response:
    """网格编码说明 The parts of a code, its check character, and all that is wrong with a bad one.

    A bad code is answered 200 with `valid: false` and its problems in Chinese and English.
    """
    state = request.app.state
    return json_answer(await read.explain_code(state.db.reads, state.settings.code_scheme, code))
