"""HTTP of sub-orders, calls and duplicates beside the steps of the case itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth.guards import Caller
from service.incidents import actions
from service.incidents.http import Asked, reply_to
from service.incidents.schemas import Noted
from service.incidents.shown import Incident
from service.incidents.together import reading, shown
from service.incidents.together.commands import Joint
from service.incidents.together.schemas import ORDER_BODIES, HelpRequested
from service.incidents.together.workflow import CALLED, JOINT, ORDER_STEPS
from service.kit.conditional import Expected
from service.kit.hot import HotRoute, Reply
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.kit.routing import ClauseRoute, clauses

hot = APIRouter(prefix="/v1", tags=["incidents"], route_class=HotRoute)
router = APIRouter(prefix="/v1", tags=["incidents"], route_class=ClauseRoute)

JSON_TYPE = "application/json"
ACTS = {200: sends("ETag"), **problems(401, 403, 404, 409, 412, 415)}
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]
Unit = Annotated[
    str | None,
    Query(max_length=50, pattern=r"^[^\x00]+$", description="One of your units; all by default"),
]


@router.get(
    "/sub-orders",
    operation_id="list_sub_orders",
    response_model=shown.SubOrderPage,
    responses=problems(401, 403),
    openapi_extra=clauses(*JOINT),
)
async def list_sub_orders(
    request: Request,
    caller: Caller,
    unit: Unit = None,
    state: Annotated[list[shown.SubOrderState] | None, Query(max_length=7)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """协办单列表 The sub-orders of your units on open cases, newest first, in keyset pages."""
    page = await reading.parts_of_my_units(
        request.app.state, caller, "sub-orders",
        unit=unit, states=list(state or []), cursor=cursor, limit=limit,
    )  # fmt: skip
    return Response(page, media_type=JSON_TYPE)


@router.get(
    "/calls",
    operation_id="list_calls",
    response_model=shown.CallPage,
    responses=problems(401, 403),
    openapi_extra=clauses(*CALLED),
)
async def list_calls(
    request: Request,
    caller: Caller,
    unit: Unit = None,
    state: Annotated[list[shown.CallState] | None, Query(max_length=6)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """呼叫列表 The calls of your units on open cases, newest first, in keyset pages."""
    page = await reading.parts_of_my_units(
        request.app.state, caller, "calls",
        unit=unit, states=list(state or []), cursor=cursor, limit=limit,
    )  # fmt: skip
    return Response(page, media_type=JSON_TYPE)


@router.get(
    "/incidents/{incident_id}/duplicates",
    operation_id="list_incident_duplicates",
    response_model=shown.Duplicates,
    responses=problems(401, 404),
    openapi_extra=clauses("23.2"),
)
async def list_duplicates(request: Request, caller: Caller, incident_id: UUID) -> Response:
    """疑似重复 Cases of the same category nearby that may be the same matter, nearest first.

    Within 100 m and 30 days unless the deployment says otherwise; nothing is merged by itself. What
    somebody has declined is not proposed again.
    """
    body = await reading.duplicates(request.app.state, caller, incident_id)
    return Response(body, media_type=JSON_TYPE)


@hot.post(
    "/incidents/{incident_id}/sub-orders",
    operation_id="issue_sub_orders",
    response_model=Incident,
    responses=ACTS,
    openapi_extra=clauses(*JOINT),
)
async def issue_sub_orders(
    request: Request,
    caller: Caller,
    incident_id: UUID,
    body: HelpRequested,
    asked: Asked,
    expected: Expected,
) -> Reply:
    """下达协办单 Sub-orders to one or several units; the same step as `request-help`."""
    return reply_to(
        await actions.act(
            request.app.state, caller, incident_id, "request-help", body, asked, expected
        )
    )


def _endpoint(action: str, body_type: type[Noted]) -> Callable[..., Awaitable[Reply]]:
    async def endpoint(
        request: Request,
        caller: Caller,
        incident_id: UUID,
        sub_order_id: UUID,
        body: Any,
        asked: Asked,
        expected: Expected,
    ) -> Reply:
        joint = Joint(order=sub_order_id)
        return reply_to(
            await actions.act(
                request.app.state, caller, incident_id, action, body, asked, expected, joint
            )
        )

    endpoint.__annotations__["body"] = body_type
    return endpoint


for _action, _step in ORDER_STEPS.items():
    hot.add_api_route(
        f"/incidents/{{incident_id}}/sub-orders/{{sub_order_id}}/{_step.action}",
        _endpoint(_action, ORDER_BODIES[_step.action]),
        methods=["POST"],
        operation_id=f"{_step.action.replace('-', '_')}_sub_order",
        summary=f"协办单{_step.zh} {_step.en} a sub-order",
        description=(
            f"From {', '.join(sorted(_step.sources))} to {_step.target}. "
            "If-Match with the case's ETag makes a stale action 412."
        ),
        response_model=Incident,
        responses=ACTS,
        openapi_extra=clauses(*_step.clauses),
    )
