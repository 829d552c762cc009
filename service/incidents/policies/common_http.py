"""What the routes of the response room share: callers, the rules in force, keyset pages."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from starlette.responses import Response

from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.incidents.policies.cache import ResponseCache
from service.incidents.policies.store import decoded
from service.kit.answers import json_answer
from service.kit.paging import page_bytes

Manager = Annotated[Subject, Depends(holder_of(Permission.POLICY_MANAGE, countywide=True))]
Reader = Annotated[Subject, Depends(holder_of(Permission.POLICY_READ, countywide=True))]


def rules_of(request: Request) -> ResponseCache:
    """The process's memory of policies and work time."""
    found: ResponseCache = request.app.state.response
    return found


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
    return json_answer(page_bytes(items, following))
