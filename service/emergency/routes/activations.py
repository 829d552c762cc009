"""HTTP of activations and drills."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.emergency.actions import activations, command
from service.emergency.http import Commanding, Reader, act, look, page
from service.emergency.room import Room
from service.emergency.schemas import activations as schemas
from service.emergency.schemas.common import Code
from service.emergency.workflow import ACTIVATION, DRILL
from service.kit.answers import json_answer
from service.kit.conditional import Expected, etag_of
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Asked, keyed
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses
from service.kit.timeline import Timeline, timeline

router = APIRouter(prefix="/v1", tags=["emergency"], route_class=ClauseRoute)

CASE = clauses("17.1", "17.2", "17.5", "24.2")
ACTED: dict[int | str, Any] = {
    200: sends("ETag"),
    **problems(401, 403, 404, 409, 412),
}
BY_TIME: dict[str, type] = {"activated_at": datetime, "id": UUID}


@router.post(
    "/activations",
    status_code=201,
    operation_id="start_activation",
    response_model=schemas.Activation,
    responses={201: sends("Location", "ETag"), **problems(401, 403, 409)},
    openapi_extra=CASE,
)
async def start_activation(
    request: Request, caller: Commanding, body: schemas.ActivationNew, asked: Asked
) -> Response:
    """启动应急响应 Put a plan in force inside the caller's own area, or start a drill of it.

    Command of the area's resources passes to the two committees of its villages (24.2).
    """
    once = keyed(asked, "activation", body.id)
    return await act(request, caller, once, lambda room: activations.start(room, body))


@router.get(
    "/activations",
    operation_id="list_activations",
    response_model=schemas.ActivationPage,
    responses=problems(401, 403),
    openapi_extra=CASE,
)
async def list_activations(
    request: Request,
    caller: Reader,
    area: Annotated[AreaPrefix | None, Query(description="What touches this area")] = None,
    state: Annotated[schemas.State | None, Query()] = None,
    drill: Annotated[bool | None, Query(description="Drills only, or none")] = None,
    plan: Annotated[Code | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """应急响应列表 Activations and drills that concern the caller, newest first."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        since, last = after or (None, None)
        filters = {"area": area, "state": state, "drill": drill, "plan": plan}
        return await activations.list_page(room, most, since=since, after=last, **filters)

    return await page(request, caller, cursor, limit, BY_TIME, fetch)


@router.get(
    "/activations/{activation_id}",
    operation_id="get_activation",
    response_model=schemas.Activation,
    responses={200: sends("ETag"), **problems(401, 403, 404)},
    openapi_extra=CASE,
)
async def get_activation(request: Request, caller: Reader, activation_id: UUID) -> Response:
    """应急响应 One activation with what the caller may do now; `ETag` is its version."""
    found = await look(request, caller, lambda room: activations.read(room, activation_id))
    return json_answer(found, etag_of(found["version"]))


@router.get(
    "/activations/{activation_id}/timeline",
    operation_id="get_activation_timeline",
    response_model=Timeline,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def get_activation_timeline(
    request: Request, caller: Reader, activation_id: UUID
) -> Response:
    """响应过程 Every step of an activation or drill: by whom, when, what served it."""
    await look(request, caller, lambda room: activations.read(room, activation_id))
    db, who = request.app.state.db, caller.account_id
    return json_answer(await timeline(db, who, activation_id, ACTIVATION.kind, DRILL.kind))


@router.post(
    "/activations/{activation_id}/change-level",
    operation_id="change_activation_level",
    response_model=schemas.Activation,
    responses=ACTED,
    openapi_extra=CASE,
)
async def change_activation_level(
    request: Request,
    caller: Commanding,
    activation_id: UUID,
    body: schemas.LevelChange,
    asked: Asked,
    expected: Expected,
) -> Response:
    """调整响应级别 Another level of the same plan."""
    return await act(
        request,
        caller,
        asked,
        lambda room: activations.change_level(room, activation_id, body, expected),
    )


@router.post(
    "/activations/{activation_id}/end",
    operation_id="end_activation",
    response_model=schemas.Activation,
    responses=ACTED,
    openapi_extra=CASE,
)
async def end_activation(
    request: Request,
    caller: Commanding,
    activation_id: UUID,
    body: schemas.ActivationEnd,
    asked: Asked,
    expected: Expected,
) -> Response:
    """终止应急响应 Command goes back, resources are released, tracks are taken no more."""
    return await act(
        request, caller, asked, lambda room: activations.end(room, activation_id, body, expected)
    )


@router.post(
    "/activations/{activation_id}/evaluate",
    operation_id="evaluate_drill",
    response_model=schemas.Activation,
    responses=ACTED,
    openapi_extra=clauses("17.1", "17.2"),
)
async def evaluate_drill(
    request: Request,
    caller: Commanding,
    activation_id: UUID,
    body: schemas.DrillEvaluationNew,
    asked: Asked,
    expected: Expected,
) -> Response:
    """演练评估 Who took part in a drill that ended, what it showed, when the next is due."""
    return await act(
        request,
        caller,
        asked,
        lambda room: activations.evaluate(room, activation_id, body, expected),
    )


@router.get(
    "/activations/{activation_id}/commanders",
    operation_id="list_activation_commanders",
    response_model=schemas.CommanderPage,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("17.5", "24.2"),
)
async def list_activation_commanders(
    request: Request,
    caller: Reader,
    activation_id: UUID,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """现场指挥 The two committees of the area's villages, who command while it lasts."""

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        area = (await activations.read(room, activation_id))["area"]
        last = after[0] if after else None
        found = await command.commanders(room.session, area, room.now, after=last, limit=most)
        return [asdict(row) for row in found]

    return await page(request, caller, cursor, limit, {"assignment": UUID}, fetch)
