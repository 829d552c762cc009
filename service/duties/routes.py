"""HTTP of out-of-list dispatch approvals: ask, read, and one operation for each step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from service.auth.guards import Caller
from service.auth.office_http import keyed
from service.auth.subject import Subject
from service.duties import actions, schemas
from service.duties.workflow import APPROVAL, ASKED_FOR
from service.kit import clock
from service.kit.conditional import Expected
from service.kit.fields import AreaPrefix
from service.kit.idempotency import Once, once, run_once
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.kit.routing import ClauseRoute, clause_link, clauses

router = APIRouter(prefix="/v1", tags=["duties"], route_class=ClauseRoute)

JSON_TYPE = "application/json"
CLAUSES = clauses(*APPROVAL.creation.clauses)
Asked = Annotated[Once, Depends(once)]


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
    fresh = await _as_the_tables_say(request, caller)
    async with state.db.session(fresh.account_id) as session:
        return await run_once(
            session, fresh.account_id, once_only,
            lambda: actions.ask(state, session, fresh, body),
        )  # fmt: skip


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
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """清单外派单审批列表 What the caller asked for, is asked about or decides, newest first."""
    found = await actions.list_page(
        request.app.state, caller, states=[*(state or ())], case_id=case_id, area=area,
        cursor=cursor, limit=limit,
    )  # fmt: skip
    return Response(msgspec.json.encode(found), media_type=JSON_TYPE)


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
    headers = {"ETag": f'"{case.version}"', "Link": clause_link(case.clauses)}
    body = msgspec.json.encode(actions.shown(case, caller))
    return Response(body, headers=headers, media_type=JSON_TYPE)


async def _as_the_tables_say(request: Request, caller: Subject) -> Subject:
    """The caller with the roles that the tables hold at this moment."""
    fresh: Subject = await request.app.state.subjects.load(caller.account_id, clock.now())
    return fresh


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
        fresh = await _as_the_tables_say(request, caller)
        days = request.app.state.settings.dispatch_approval_days
        async with request.app.state.db.session(fresh.account_id) as session:
            return await run_once(
                session, fresh.account_id, asked,
                lambda: actions.act(
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
