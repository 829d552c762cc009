"""HTTP of out-of-list dispatch approvals: ask, read, and one operation for each step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth.acting import act_once
from service.auth.guards import Caller
from service.duties import actions, schemas
from service.duties.workflow import APPROVAL, ASKED_FOR
from service.kit.answers import json_answer
from service.kit.conditional import Expected, etag_of
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Asked, keyed
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clause_link, clauses
from service.kit.timeline import Timeline, timeline

router = APIRouter(prefix="/v1", tags=["duties"], route_class=ClauseRoute)

CLAUSES = clauses(*APPROVAL.creation.clauses)


@router.post(
    "/dispatch-approvals",
    status_code=201,
    operation_id="request_dispatch_approval",
    response_model=schemas.DispatchApproval,
    responses={201: sends("Location", "ETag"), **problems(401, 403, 409)},
    openapi_extra=CLAUSES,
)
async def request_dispatch_approval(
    request: Request, caller: Caller, body: schemas.ApprovalRequest, asked: Asked
) -> Response:
    """申请清单外派单 Ask leave to dispatch one case outside the target's duty list.

    By a county dispatcher or a handler of a county unit; the township gives its opinion, another
    dispatcher of the county decides. What the list holds needs no leave (409).
    """
    state, once_only = request.app.state, keyed(asked, "dispatch_approval", body.id)
    return await act_once(
        request, caller, once_only, lambda session, fresh: actions.ask(state, session, fresh, body)
    )


@router.get(
    "/dispatch-approvals",
    operation_id="list_dispatch_approvals",
    response_model=schemas.DispatchApprovalPage,
    responses=problems(401, 403),
    openapi_extra=CLAUSES,
)
async def list_dispatch_approvals(
    request: Request,
    caller: Caller,
    state: Annotated[list[schemas.State] | None, Query(max_length=7)] = None,
    case_id: Annotated[UUID | None, Query(description="Of one incident")] = None,
    area: Annotated[AreaPrefix | None, Query(description="Targets inside")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """清单外派单审批列表 What the caller asked for, is asked about or decides, newest first."""
    found = await actions.list_page(
        request.app.state, caller, states=[*(state or ())], case_id=case_id, area=area,
        cursor=cursor, limit=limit,
    )  # fmt: skip
    return json_answer(found)


@router.get(
    "/dispatch-approvals/{approval_id}",
    operation_id="read_dispatch_approval",
    response_model=schemas.DispatchApproval,
    responses={200: sends("ETag"), **problems(401, 404)},
    openapi_extra=CLAUSES,
)
async def read_dispatch_approval(request: Request, caller: Caller, approval_id: UUID) -> Response:
    """清单外派单审批详情 One approval with what the caller may do now; `ETag` is its version."""
    case = await actions.show(request.app.state, caller, approval_id)
    headers = {**etag_of(case.version), "Link": clause_link(case.clauses)}
    return json_answer(actions.shown(case, caller), headers)


@router.get(
    "/dispatch-approvals/{approval_id}/timeline",
    operation_id="get_dispatch_approval_timeline",
    response_model=Timeline,
    responses=problems(401, 404),
    openapi_extra=CLAUSES,
)
async def get_dispatch_approval_timeline(
    request: Request, caller: Caller, approval_id: UUID
) -> Response:
    """审批过程 Every step of an approval: who asked, gave the opinion, decided, used it."""
    state = request.app.state
    case = await actions.show(state, caller, approval_id)
    body = await timeline(state.db, caller.account_id, case.id, APPROVAL.kind)
    return json_answer(body, {"Link": clause_link(case.clauses)})


BODIES: dict[str, type[actions.Body]] = {
    "opinion": schemas.Opinion,
    "approve": schemas.Approved,
    "deny": schemas.Denied,
    "withdraw": schemas.Withdrawn,
}
NAMES = {
    "opinion": "give_dispatch_opinion",
    "approve": "approve_dispatch",
    "deny": "deny_dispatch",
    "withdraw": "withdraw_dispatch_approval",
}


def _endpoint(action: str) -> Callable[..., Awaitable[Response]]:
    step = APPROVAL.step(action)

    async def endpoint(
        request: Request,
        caller: Caller,
        approval_id: UUID,
        body: Any,
        asked: Asked,
        expected: Expected,
    ) -> Response:
        days = request.app.state.settings.dispatch_approval_days
        return await act_once(
            request, caller, asked,
            lambda session, fresh: actions.act(
                session, fresh, approval_id, step, body, expected=expected, days=days
            ),
        )  # fmt: skip

    endpoint.__annotations__["body"] = BODIES[action]
    return endpoint


for _step in ASKED_FOR:
    router.add_api_route(
        f"/dispatch-approvals/{{approval_id}}/{_step.action}",
        _endpoint(_step.action),
        methods=["POST"],
        operation_id=NAMES[_step.action],
        summary=f"{_step.zh} {_step.en}",
        description=(
            f"From {', '.join(sorted(_step.sources))} to {_step.target}. "
            "If-Match with the approval's ETag makes a stale action 412."
        ),
        response_model=schemas.DispatchApproval,
        responses={200: sends("ETag"), **problems(401, 403, 404, 409, 412)},
        openapi_extra=clauses(*_step.clauses),
    )
