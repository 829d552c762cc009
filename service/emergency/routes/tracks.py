"""HTTP of tracks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.emergency.actions import tracks
from service.emergency.http import Tracked, TrackReader, act, page
from service.emergency.room import Room
from service.emergency.schemas import activations as schemas
from service.errors import language_of
from service.kit.idempotency import Asked
from service.kit.openapi import problems
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["emergency"], route_class=ClauseRoute)

CASE = clauses(*tracks.CLAUSES)


@router.post(
    "/tracks",
    operation_id="send_tracks",
    response_model=schemas.TracksReceived,
    responses=problems(401, 403, 409),
    openapi_extra=CASE,
)
async def send_tracks(
    request: Request, caller: Tracked, body: schemas.TrackBatch, asked: Asked
) -> Response:
    """上传轨迹 Where the caller was, only during an emergency that covers the caller's area.

    Each point declares its `crs`. The answer names the points that were not kept, and why. Tracks
    are deleted 30 days after the activation's end.
    """
    language = language_of(request.headers.get("accept-language"))
    return await act(request, caller, asked, lambda room: tracks.receive(room, body, language))


@router.get(
    "/activations/{activation_id}/tracks",
    operation_id="list_activation_tracks",
    response_model=schemas.TrackPage,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def list_activation_tracks(
    request: Request,
    caller: TrackReader,
    activation_id: UUID,
    account: Annotated[UUID | None, Query(description="One worker's only")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """人员轨迹 Of workers where the caller dispatches or commands, oldest first.

    That they were looked at is stored, once an hour.
    """

    async def fetch(room: Room, after: tuple[Any, ...] | None, most: int) -> list[Any]:
        since, last = after or (None, None)
        return await tracks.list_page(
            room, activation_id, most, account=account, since=since, after=last
        )

    return await page(
        request, caller, cursor, limit, {"at": datetime, "account": UUID}, fetch, keep=True
    )
