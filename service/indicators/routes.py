"""HTTP of the figures. There is none of a person: nobody is counted, compared or ranked here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from service.auth.guards import Caller, holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.indicators import actions, schemas
from service.kit import clock
from service.kit.openapi import problems
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1/indicators", tags=["indicators"], route_class=ClauseRoute)

JSON_TYPE = "application/json"
# Figures from the work itself: nobody reports them (36.1), nobody is ranked by them (36.2).
SERVED = clauses("18.1", "18.2", "23.2", "36.1", "36.2")

Reader = Annotated[Subject, Depends(holder_of(Permission.INDICATOR_READ))]


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), media_type=JSON_TYPE)


@router.get(
    "",
    operation_id="list_indicators",
    response_model=schemas.Indicators,
    responses=problems(401, 403, 404),
    openapi_extra=SERVED,
)
async def list_indicators(
    request: Request, caller: Reader, asked: Annotated[schemas.IndicatorQuery, Query()]
) -> Response:
    """运行指标 The indicators of an area, period and category, each with numerator and denominator.

    Right at this moment. A day is one of China. Void, merged and rejected cases and drills are
    left out, suspended time too. With fewer than five cases to divide by, the value is null and
    shown as –. There are no figures of persons.
    """
    state = request.app.state
    return _json(await actions.read_indicators(state.db, caller, asked, clock.now()))


@router.get(
    "/catalogue",
    operation_id="list_indicator_definitions",
    response_model=schemas.IndicatorCatalogue,
    responses=problems(401),
    openapi_extra=SERVED,
)
async def list_indicator_definitions(_caller: Caller) -> Response:
    """指标目录 Every indicator with definition, formula, clauses and target.

    Those that belong to services not in use yet are named too, as not available, with the reason.
    """
    return _json(actions.show_catalogue())
