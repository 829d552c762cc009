"""What the routes of this room share: callers, one answer, one page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.emergency.room import Room, expected_version
from service.emergency.schemas.common import Code
from service.kit import clock
from service.kit.idempotency import Answer, Once, once, run_once
from service.kit.openapi import reads
from service.kit.paging import MAX_LIMIT, page_bytes

JSON_TYPE = "application/json"
T = TypeVar("T")
Page = Callable[[Room, tuple[Any, ...] | None, int], Awaitable[list[Any]]]

Asked = Annotated[Once, Depends(once)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]
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


@reads("If-Match")
def if_match(request: Request) -> int | None:
    """The version that If-Match expects; None when it is absent or `*`. Raises BadIfMatch."""
    return expected_version(request.headers.get("if-match"))


Expected = Annotated[int | None, Depends(if_match)]


def _room(request: Request, session: Session, caller: Subject) -> Room:
    state = request.app.state
    grids = state.grids.peek()
    return Room(session, caller, grids, state.cipher, state.settings, clock.now())


async def act(
    request: Request, caller: Subject, asked: Once, work: Callable[[Room], Awaitable[Answer]]
) -> Response:
    """Run one action once, under what the tables say of the caller at this moment."""
    state = request.app.state
    await state.grids.current()
    fresh = await state.subjects.load(caller.account_id, clock.now())
    async with state.db.session(fresh.account_id) as session:
        room = _room(request, session, fresh)
        return await run_once(session, fresh.account_id, asked, lambda: work(room))


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


def answer(body: Any, headers: dict[str, str] | None = None) -> Response:
    """200 with a body as JSON."""
    return Response(msgspec.json.encode(body), headers=headers, media_type=JSON_TYPE)


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
    return Response(page_bytes(items, more), media_type=JSON_TYPE)


_PAGING = ("cursor", "limit")


def keyed(asked: Once, kind: str, made: UUID | None) -> Once:
    """A client-made id serves as the key where no Idempotency-Key is given."""
    if asked.key is not None or made is None:
        return asked
    return Once(f"{kind} {made}", asked.request_hash)
