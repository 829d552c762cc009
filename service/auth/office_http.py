"""What the routes of administering people share: callers, filters, one answer, one list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Path, Query, Request
from sqlalchemy import TextClause
from starlette.responses import Response

from service.auth import schemas, store
from service.auth.acting import act_once
from service.auth.guards import holder_of
from service.auth.office import Done, Office, scope_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.kit.answers import JSON_TYPE, json_answer
from service.kit.idempotency import Answer, Once
from service.kit.paging import page_bytes

Reader = Annotated[Subject, Depends(holder_of(Permission.ACCOUNT_READ))]
Manager = Annotated[Subject, Depends(holder_of(Permission.ACCOUNT_MANAGE))]
AnyReader = Annotated[Subject, Depends(holder_of(Permission.AREA_READ))]
NearArea = Annotated[
    schemas.Area | None, Query(description="What works there: inside it, or above it")
]
UnitFilter = Annotated[schemas.UnitCode | None, Query()]
UnitPath = Annotated[schemas.UnitCode, Path()]


async def administer(
    request: Request, caller: Subject, asked: Once, work: Callable[[Office], Awaitable[Done]]
) -> Response:
    """Run one action once, under what the tables say of the caller at this moment."""
    state = request.app.state
    done: list[Done] = []

    async def act(session: Session, fresh: Subject) -> Answer:
        scope = scope_of(fresh, state.settings.county)
        done.append(await work(Office(session, fresh, scope, state.logins.passwords)))
        return done[0].answer

    response = await act_once(request, caller, asked, act)
    if done and done[0].touched is not None:
        state.subjects.forget(done[0].touched)
    return _with_secret(done[0]) if done and done[0].secret is not None else response


def _with_secret(done: Done) -> Response:
    """The answer with the new secret; the stored first answer has none."""
    assert done.secret is not None
    body = {**done.answer.body, done.secret.name: done.secret.value}
    return Response(msgspec.json.encode(body), done.answer.status, done.answer.headers, JSON_TYPE)


async def list_page(
    request: Request,
    caller: Subject,
    statement: TextClause,
    cursor: str | None,
    limit: int,
    key: type = UUID,
    **filters: Any,
) -> Response:
    """A keyset page of `statement` in the caller's scope, as `{"items": …, "next": …}`."""
    state = request.app.state
    scope = scope_of(caller, state.settings.county)
    name = f"{request.url.path} {caller.account_id} {sorted(filters.items())}"
    after = state.cursors.read(cursor, name, key)[0] if cursor else None
    async with state.db.session(caller.account_id) as session:
        rows = await store.page(session, statement, scope, after=after, limit=limit + 1, **filters)
    more = state.cursors.make(name, rows[limit - 1][0]) if len(rows) > limit else None
    return json_answer(page_bytes([item for _, item in rows[:limit]], more))
