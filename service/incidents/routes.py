"""HTTP of incidents: report, read, and one operation for each step of the workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth.guards import Caller
from service.incidents import actions, contacts, schemas, shown
from service.incidents.bodies import BODIES
from service.incidents.http import Asked, reply_to
from service.incidents.query import IncidentQuery
from service.incidents.workflow import INCIDENT
from service.kit.answers import json_answer
from service.kit.conditional import Expected
from service.kit.hot import HotRoute, Reply
from service.kit.openapi import problems, sends
from service.kit.routing import ClauseRoute, clause_link, clauses
from service.kit.timeline import Timeline, timeline

hot = APIRouter(prefix="/v1", tags=["incidents"], route_class=HotRoute)
router = APIRouter(prefix="/v1", tags=["incidents"], route_class=ClauseRoute)


@hot.post(
    "/incidents",
    status_code=201,
    operation_id="report_incident",
    response_model=shown.Incident,
    responses={201: sends("Location", "ETag"), **problems(401, 403, 409, 415)},
    openapi_extra=clauses(*INCIDENT.creation.clauses),
)
async def report_incident(
    request: Request, caller: Caller, body: schemas.Report, asked: Asked
) -> Reply:
    """上报 Report an incident at a position; the service finds its grid.

    Replaying the same `id` or Idempotency-Key gives the first answer. With `self_handled` the
    finder reports and closes in one call, where the category allows it.
    """
    answered = await actions.report(request.app.state, caller, body, asked)
    return reply_to(answered, location=True)


@hot.get(
    "/incidents",
    operation_id="list_incidents",
    response_model=shown.IncidentPage,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2"),
)
async def list_incidents(
    request: Request, caller: Caller, query: Annotated[IncidentQuery, Query()]
) -> Reply:
    """事件列表 What the caller may read, newest first, in keyset pages."""
    page = await actions.list_page(
        request.app.state, caller, query.filters(), query.cursor, query.limit
    )
    return Reply(page)


@hot.get(
    "/incidents/{incident_id}",
    operation_id="get_incident",
    response_model=shown.Incident,
    responses={200: sends("ETag"), **problems(401, 404)},
    openapi_extra=clauses("23.2"),
)
async def get_incident(request: Request, caller: Caller, incident_id: UUID) -> Reply:
    """事件详情 One incident with what the caller may do now; `ETag` is its version."""
    body, version, case_clauses = await actions.show(request.app.state, caller, incident_id)
    return Reply(
        body, headers=[(b"etag", b'"%d"' % version)], link=clause_link(case_clauses).encode()
    )


@router.get(
    "/incidents/{incident_id}/timeline",
    operation_id="get_incident_timeline",
    response_model=Timeline,
    responses=problems(401, 404),
    openapi_extra=clauses("23.2"),
)
async def get_incident_timeline(request: Request, caller: Caller, incident_id: UUID) -> Response:
    """办理过程 Every step of the case, by whom, when, and which clauses it fulfils."""
    db, who = request.app.state.db, caller.account_id
    return json_answer(await timeline(db, who, incident_id, INCIDENT.kind))


@router.post(
    "/incidents/{incident_id}/reveal-contact",
    operation_id="reveal_incident_contact",
    responses=problems(401, 403, 404, 429),
    openapi_extra=clauses("31.3"),
)
async def reveal_contact(
    request: Request, caller: Caller, incident_id: UUID, body: schemas.RevealPurpose
) -> schemas.RevealedContact:
    """查看联系方式 The reporter's contact in clear, for a stated purpose.

    The access is logged, and limited in an hour.
    """
    clear = await contacts.reveal(request.app.state, caller, incident_id, body.purpose)
    return schemas.RevealedContact(**clear)


def _endpoint(action: str, body_type: type[schemas.Noted]) -> Callable[..., Awaitable[Reply]]:
    async def endpoint(
        request: Request,
        caller: Caller,
        incident_id: UUID,
        body: Any,
        asked: Asked,
        expected: Expected,
    ) -> Reply:
        answered = await actions.act(
            request.app.state, caller, incident_id, action, body, asked, expected
        )
        return reply_to(answered)

    endpoint.__annotations__["body"] = body_type
    return endpoint


for _step in INCIDENT.steps:
    if not _step.sources or _step.automatic or _step.part:
        continue
    hot.add_api_route(
        f"/incidents/{{incident_id}}/{_step.action}",
        _endpoint(_step.action, BODIES[_step.action]),
        methods=["POST"],
        operation_id=f"{_step.action.replace('-', '_')}_incident",
        summary=f"{_step.zh} {_step.en}",
        description=(
            f"From {', '.join(sorted(_step.sources))}"
            f"{f' to {_step.target}' if _step.target else ''}. "
            "If-Match with the case's ETag makes a stale action 412."
        ),
        response_model=shown.Incident,
        responses={200: sends("ETag"), **problems(401, 403, 404, 409, 412, 415)},
        openapi_extra=clauses(*_step.clauses),
    )
