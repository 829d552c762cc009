"""What the routes of this room share: callers, one answer, one page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Path, Request
from starlette.responses import Response

from service.auth.acting import act_once
from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.emergency.room import Room
from service.emergency.schemas.common import Code
from service.kit import clock
from service.kit.answers import json_answer
from service.kit.idempotency import Answer, Once
from service.kit.paging import page_bytes

T = TypeVar("T")
Page = Callable[[Room, tuple[Any, ...] | None, int], Awaitable[list[Any]]]

CodePath = Annotated[Code, Path(examples=["511723-flood"])]
Reader = Annotated[Subject, Depends(holder_of(Permission.EMERGENCY_READ))]
Manager = Annotated[Subject, Depends(holder_of(Permission.EMERGENCY_MANAGE))]
CountyManager = Annotated[Subject, Depends(holder_of(Permission.EMERGENCY_MANAGE, countywide=True))]
Commanding = Annotated[Subject, Depends(holder_of(Permission.ACTIVATION_COMMAND))]
ResourceReader = Annotated[Subject, Depends(holder_of(Permission.RESOURCE_READ))]
Keeper = Annotated[Subject, Depends(holder_of(Permission.RESOURCE_MANAGE))]
Allocator = Annotated[Subject, Depends(holder_of(Permission.RESOURCE_ALLOCATE))]
Mover = Annotated[Subject, Depends(holder_of(Permission.STOCK_MOVE))]
Revealer = Annotated[Subject, Depends(holder_of(Permission.RESOURCE_REVEAL))]
Tracked = Annotated[Subject, Depends(holder_of(Permission.TRACK_WRITE))]
TrackReader = Annotated[Subject, Depends(holder_of(Permission.TRACK_READ))]


def _room(request: Request, session: Session, caller: Subject) -> Room:
    state = request.app.state
    grids = state.grids.peek()
    return Room(session, caller, grids, state.cipher, state.settings, clock.now())


async def act(
    request: Request, caller: Subject, asked: Once, work: Callable[[Room], Awaitable[Answer]]
) -> Response:
    """Run one action once, under what the tables say of the caller at this moment."""
    await request.app.state.grids.current()
    return await act_once(
        request, caller, asked, lambda session, fresh: work(_room(request, session, fresh))
    )


async def look(
    request: Request, caller: Subject, work: Callable[[Room], Awaitable[T]], *, keep: bool = False
) -> T:
    """What a reading gives. With `keep` what it stored - who looked - is committed first."""
    state = request.app.state
    await state.grids.current()
    async with state.db.session(caller.account_id) as session:
        found = await work(_room(request, session, caller))
        if keep:
            await session.commit()
        return found


async def page(
    request: Request,
    caller: Subject,
    cursor: str | None,
    limit: int,
    key: dict[str, type],
    fetch: Page,
    *,
    keep: bool = False,
) -> Response:
    """A keyset page as `{"items": …, "next": …}`.

    `key` names the members of an item that sort the list, with their types; `fetch` is asked for
    the rows after such a key.
    """
    cursors = request.app.state.cursors
    asked = sorted((k, v) for k, v in request.query_params.multi_items() if k not in _PAGING)
    scope = f"{request.url.path} {caller.account_id} {asked}"
    after = cursors.read(cursor, scope, *key.values()) if cursor else None
    rows = await look(request, caller, lambda room: fetch(room, after, limit + 1), keep=keep)
    more = None
    if len(rows) > limit:
        more = cursors.make(scope, *(rows[limit - 1][name] for name in key))
    items = [msgspec.json.encode(row) for row in rows[:limit]]
    return json_answer(page_bytes(items, more))


_PAGING = ("cursor", "limit")
