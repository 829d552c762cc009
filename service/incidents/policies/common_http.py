"""What the routes of the response room share: callers, the rules in force, keyset pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Query, Request
from starlette.responses import Response

from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.incidents.policies.cache import ResponseCache
from service.incidents.policies.store import decoded
from service.kit.idempotency import Answer, Once, once, run_once
from service.kit.paging import MAX_LIMIT, page_bytes

JSON_TYPE = "application/json"
BEYOND_ANY = 2_000_000_000
Asked = Annotated[Once, Depends(once)]
Manager = Annotated[Subject, Depends(holder_of(Permission.POLICY_MANAGE, countywide=True))]
Reader = Annotated[Subject, Depends(holder_of(Permission.POLICY_READ, countywide=True))]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]


def rules_of(request: Request) -> ResponseCache:
    """The process's memory of policies and work time."""
    found: ResponseCache = request.app.state.response
    return found


def shown(body: Any) -> Response:
    """A document as an answer."""
    return Response(msgspec.json.encode(body), media_type=JSON_TYPE)


async def administer(
    request: Request, caller: Subject, asked: Once, act: Callable[[Session], Awaitable[Answer]]
) -> Response:
    """Run one action once, in a transaction of the caller's."""
    who = caller.account_id
    async with request.app.state.db.session(who) as session:
        return await run_once(session, who, asked, lambda: act(session))


async def page(
    request: Request, query: str, key: str, cursor: str | None, limit: int, *, first: Any,
    more: tuple[Any, ...] = (), name: str,
) -> Response:  # fmt: skip
    """A keyset page of `query`, whose $1 is the key to go on after, $2 the size; `more` from $3."""
    cursors = request.app.state.cursors
    after = cursors.read(cursor, name, type(first))[0] if cursor else first
    rows = await request.app.state.db.reads.fetch(query, after, limit + 1, *more)
    following = cursors.make(name, rows[limit - 1][key]) if len(rows) > limit else None
    items = [msgspec.json.encode(decoded(row)) for row in rows[:limit]]
    return Response(page_bytes(items, following), media_type=JSON_TYPE)
