"""Use cases that read: sub-orders and calls of my units, proposed duplicates."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import Forbidden, NotFound
from service.incidents.together import store
from service.kit.paging import page_bytes

STATEMENTS = {"sub-orders": store.SUB_ORDERS, "calls": store.CALLS}


async def parts_of_my_units(
    state: State,
    caller: Subject,
    kind: str,
    *,
    unit: str | None,
    states: list[str],
    cursor: str | None,
    limit: int,
) -> bytes:
    """A keyset page of the sub-orders or calls of the caller's units on open cases, newest first.

    Raises Forbidden (no reader, or not the caller's unit), BadCursor.
    """
    if not caller.has(Permission.INCIDENT_READ) or (unit and unit not in caller.units):
        raise Forbidden
    scope = f"{kind} {unit} {sorted(states)}"
    after = state.cursors.read(cursor, scope, UUID)[0] if cursor else None
    units = [unit] if unit else sorted(caller.units)
    if not units:
        return page_bytes([], None)
    rows = await state.db.reads.fetch(
        STATEMENTS[kind], str(caller.account_id), units, states or None, after, limit + 1
    )
    shown = rows[:limit]
    more = state.cursors.make(scope, shown[-1]["id"]) if len(rows) > limit else None
    return page_bytes([row["body"] for row in shown], more)


async def duplicates(state: State, caller: Subject, incident_id: UUID) -> bytes:
    """What may be the same matter as the case, nearest first, as JSON bytes. Raises NotFound."""
    reads = state.db.reads
    case = await reads.fetchrow(store.CASE, str(caller.account_id), incident_id)
    if case is None:
        raise NotFound
    span = timedelta(days=state.settings.duplicate_days)
    found = store.duplicates_query(
        caller,
        case,
        radius_m=state.settings.duplicate_radius_m,
        since=case["reported_at"] - span,
        until=case["reported_at"] + span,
    )
    if found is None:
        return b'{"items":[]}'
    rows = await reads.fetch(found[0], str(caller.account_id), *found[1])
    return b'{"items":[%b]}' % b",".join(row["body"].encode() for row in rows)
