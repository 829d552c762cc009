"""HTTP of positions: which grid is where."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from geo.beidou import HIGHEST_LEVEL
from service.areas.actions import locate
from service.areas.routes.common import AsOf, Reader, json_answer
from service.areas.schemas import locate as schemas
from service.errors import UnsupportedMediaType, language_of
from service.kit.openapi import problems
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["grids"], route_class=ClauseRoute)

JSON = "application/json"
BODY: dict[str, Any] = {
    "required": True,
    "content": {JSON: {"schema": schemas.LocateBatch.model_json_schema()}},
}


@router.get(
    "/grids/locate",
    operation_id="locate_grid",
    response_model=schemas.Located,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2", "30.1"),
)
async def locate_grid(
    request: Request,
    _: Reader,
    lon: Annotated[float, Query(allow_inf_nan=False, examples=[107.8683])],
    lat: Annotated[float, Query(allow_inf_nan=False, examples=[31.0829])],
    crs: Annotated[
        str | None,
        Query(
            max_length=40,
            description="cgcs2000, wgs84, gcj02 or bd09; required",
            examples=["gcj02"],
        ),
    ] = None,
    as_of: AsOf = None,
    beidou_level: Annotated[int, Query(ge=1, le=HIGHEST_LEVEL)] = 5,
) -> Response:
    """定位 The grid responsible at a position: a dedicated one, else the basic one.

    A point on a shared border belongs to the grid with the lower code. Outside the county, or
    where no grid is, `code` is null and `reason` says which. With `as_of` the answer is the grid
    then, and `now` the grid today.
    """
    state = request.app.state
    found = await locate.locate(
        state.grids,
        state.db.reads,
        lon=lon,
        lat=lat,
        crs=crs,
        as_of=as_of,
        beidou_level=beidou_level,
    )
    return json_answer(found)


@router.post(
    "/grids/locate",
    operation_id="locate_grids",
    response_model=schemas.LocatedBatch,
    responses=problems(401, 403, 415),
    openapi_extra={**clauses("23.2", "30.1"), "requestBody": BODY},
)
async def locate_grids(request: Request, _: Reader) -> Response:
    """批量定位 The grids at up to 10,000 positions of one system, in the order of the points.

    A row that is no position is listed under `problems`; the other rows are answered.
    """
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(given=given[:100] or "–", expected=JSON)
    state = request.app.state
    language = language_of(request.headers.get("accept-language"))
    body = await locate.locate_batch(state.grids, state.db.reads, await request.body(), language)
    return Response(body, media_type=JSON)
