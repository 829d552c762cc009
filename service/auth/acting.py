"""How quiet routes act: one action, once, in one transaction of the caller's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import Response

from service.auth.subject import Subject
from service.db import Session
from service.kit import clock
from service.kit.idempotency import Answer, Once, run_once


async def act_once(
    request: Request,
    caller: Subject,
    asked: Once,
    work: Callable[[Session, Subject], Awaitable[Answer]],
) -> Response:
    """Run `work` once, with the caller's roles as the tables hold them at this moment.

    Raises what `work` raises, and KeyReused.
    """
    state = request.app.state
    fresh: Subject = await state.subjects.load(caller.account_id, clock.now())
    async with state.db.session(fresh.account_id) as session:
        return await run_once(session, fresh.account_id, asked, lambda: work(session, fresh))


async def administer(
    request: Request, caller: Subject, asked: Once, work: Callable[[Session], Awaitable[Answer]]
) -> Response:
    """Run `work` once on what is the county's: no role of a place decides over it.

    Raises what `work` raises, and KeyReused.
    """
    who = caller.account_id
    async with request.app.state.db.session(who) as session:
        return await run_once(session, who, asked, lambda: work(session))
