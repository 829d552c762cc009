"""Use cases of the console: the queue, and one action on many cases."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.dispatch import store
from service.dispatch.query import QueueQuery
from service.dispatch.schemas import Bulk, BulkItem, BulkProblem
from service.dispatch.store import Wanted
from service.errors import AppError, Forbidden
from service.incidents import actions as incidents
from service.incidents.bodies import BODIES
from service.incidents.offered import offered_actions
from service.incidents.present import with_actions
from service.incidents.schemas import Noted
from service.kit import clock
from service.kit.failures import database_problem
from service.kit.idempotency import Once, claim, derived
from service.kit.paging import page_bytes

# So many rows of one bulk are under way at a time: others get their turn.
AT_ONCE = 32
DATABASE_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
                     OSError, TimeoutError)  # fmt: skip


async def queue(state: State, caller: Subject, query: QueueQuery) -> bytes:
    """A page of what waits for the caller, with counts where asked, as JSON.

    Raises Forbidden, BadCursor.
    """
    wanted = query.wanted(geometry=query.geometry)
    items, following = await queue_page(state, caller, wanted, query.cursor, query.limit)
    counted = query.counts if query.counts is not None else query.cursor is None
    counts = await _counts(state, caller, wanted) if counted else None
    return b'%b,"counts":%b}' % (page_bytes(items, following)[:-1], msgspec.json.encode(counts))


async def queue_page(
    state: State, caller: Subject, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[str], str | None]:
    """The items as JSON texts, most urgent first, and the next cursor.

    Raises Forbidden, BadCursor.
    """
    if not caller.has(Permission.INCIDENT_READ):
        raise Forbidden
    scope = f"queue {wanted}"
    after = state.cursors.read(cursor, scope, str, UUID) if cursor else None
    found = store.queue_query(caller, wanted, clock.now(), after, limit + 1)
    if found is None:
        return [], None
    rows = await state.db.reads.fetch(found[0], str(caller.account_id), *found[1])
    items = [await _item(state, caller, row) for row in rows[:limit]]
    if len(rows) <= limit:
        return items, None
    last = rows[limit - 1]
    return items, state.cursors.make(scope, last["due_key"], last["id"])


async def _item(state: State, caller: Subject, row: asyncpg.Record) -> str:
    more = f',"colour":"{row["colour"]}","due_at":{row["due_json"]}'
    return with_actions(row["body"], await offered_actions(state, caller, row), more)


async def _counts(state: State, caller: Subject, wanted: Wanted) -> dict[str, Any]:
    by_state: Counter[str] = Counter()
    by_colour: Counter[str] = Counter()
    found = store.counts_query(caller, wanted, clock.now())
    if found is not None:
        for row in await state.db.reads.fetch(found[0], str(caller.account_id), *found[1]):
            by_state[row["state"]] += row["many"]
            by_colour[row["colour"]] += row["many"]
    return {"total": by_state.total(), "by_state": by_state, "by_colour": by_colour}


async def bulk(
    state: State, caller: Subject, asked_for: Bulk, asked: Once, language: str
) -> tuple[bytes, bool]:
    """One result for each row as JSON, and whether this was a replay.

    Each row goes the way of the single action, under a key of its own made from the request's; so
    a replay finishes what an interrupted request has begun and does nothing twice. Raises
    RequestValidationError for a body that the action does not take, KeyReused.
    """
    body = _body_of(asked_for)
    replayed = False
    if asked.key is not None:
        async with state.db.session(caller.account_id) as session:
            replayed = not await claim(session, caller.account_id, asked)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(item: BulkItem) -> bytes:
        async with turn:
            return await _row(state, caller, asked_for.action, item, body, asked, language)

    rows = await asyncio.gather(*(one(item) for item in asked_for.items))
    return b'{"items":[%b]}' % b",".join(rows), replayed


def _body_of(asked_for: Bulk) -> Noted:
    try:
        return BODIES[asked_for.action].model_validate(asked_for.input)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
        placed = [{**error, "loc": ("body", "input", *error["loc"])} for error in errors]
        raise RequestValidationError(placed) from None


async def _row(
    state: State,
    caller: Subject,
    action: str,
    item: BulkItem,
    body: Noted,
    asked: Once,
    language: str,
) -> bytes:
    """One row: what failed here is told here, and harms no other row."""
    try:
        answered = await incidents.act(
            state, caller, item.id, action, body, derived(asked, item.id), item.expected_version
        )
    except AppError as refused:
        return _rejected(item.id, refused, language)
    except DATABASE_FAILURES as failure:
        problem = database_problem(failure)
        if problem is None:
            raise
        return _rejected(item.id, problem, language)
    result = b"duplicate" if answered.replayed else b"applied"
    told = b'{"id":"%b","result":"%b","incident":%b,"problem":null}'
    return told % (str(item.id).encode(), result, answered.body.encode())


def _rejected(case: UUID, refused: AppError, language: str) -> bytes:
    told = refused.document(language)
    problem = {name: told.get(name) for name in BulkProblem.model_fields}
    row = {"id": case, "result": "rejected", "incident": None, "problem": problem}
    return msgspec.json.encode(row)
