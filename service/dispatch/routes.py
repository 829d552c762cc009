"""HTTP of the console: the queue, the stream, bulk actions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from service.auth.guards import Caller, Visit, visit
from service.dispatch import actions, schemas
from service.dispatch.query import QueueQuery
from service.dispatch.stream.response import EventStream
from service.errors import language_of
from service.kit.hot import HotRoute, Reply
from service.kit.idempotency import Once, once
from service.kit.openapi import problems, sends
from service.kit.routing import ClauseRoute, clauses

hot = APIRouter(prefix="/v1/dispatch", tags=["dispatch"], route_class=HotRoute)
router = APIRouter(prefix="/v1/dispatch", tags=["dispatch"], route_class=ClauseRoute)

MAX_ID = 200
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An endless stream of events (HTML standard, section 9.2)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        **sends("X-Accel-Buffering"),
    }
}


@hot.get(
    "/queue",
    operation_id="read_dispatch_queue",
    response_model=schemas.QueuePage,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2"),
)
async def read_dispatch_queue(
    request: Request, caller: Caller, query: Annotated[QueueQuery, Query()]
) -> Reply:
    """待办队列 What waits for the caller's unit and tier, most urgent first.

    Without `tier` it is what the caller's own tier holds; a unit's handler sees what the unit has
    in hand or helps with. `counts` leave the filters of state and colour aside.
    """
    return Reply(await actions.queue(request.app.state, caller, query))


@router.get(
    "/stream",
    operation_id="stream_dispatch",
    response_class=Response,
    responses={**STREAM, **problems(401, 403)},
    openapi_extra=clauses("23.2"),
)
async def stream_dispatch(
    request: Request,
    who: Annotated[Visit, Depends(visit)],
    seen: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=MAX_ID,
            description="断点续传 The id of the last event that this account got: goes on after it",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None, Query(max_length=MAX_ID, description="The same, where no header can be sent")
    ] = None,
) -> Response:
    """实时消息 Every step of every case that the caller may read, as it is committed.

    Events: `ready` (where the stream begins), `incident` (a step), `gone` (a case has left the
    caller's unit), `reset` (too long away: read the queue again), `end` (with its reason). Open
    the stream first, then read the queue. `Last-Event-ID` goes on where it stopped: nothing is
    missed and nothing comes twice.
    """
    hub = request.app.state.stream
    console = await hub.admit(who, seen or last_event_id)
    return EventStream(hub, console, who.ends, request)


@router.post(
    "/bulk",
    operation_id="act_in_bulk",
    response_model=schemas.BulkResult,
    responses=problems(401, 409, 415),
    openapi_extra=clauses("23.2"),
)
async def act_in_bulk(
    request: Request, caller: Caller, body: schemas.Bulk, asked: Annotated[Once, Depends(once)]
) -> Response:
    """批量操作 One action on up to 200 cases; each row succeeds or fails by itself."""
    language = language_of(request.headers.get("accept-language"))
    result, replayed = await actions.bulk(request.app.state, caller, body, asked, language)
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return Response(result, headers=headers, media_type="application/json")
