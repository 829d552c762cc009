"""Use cases of approvals, and the door for rooms that dispatch: judge first, then use once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.duties import rules, schemas, store
from service.duties.case import APPROVALS, ApprovalCase
from service.duties.errors import ApprovalMismatch
from service.duties.facts import actor_for
from service.duties.judging import Verdict, judge
from service.duties.lists.cache import DutyCache
from service.duties.present import document
from service.duties.requesting import judge_request, request
from service.duties.workflow import APPROVAL
from service.errors import Forbidden, NotFound
from service.kit import clock
from service.kit.actors import SERVICE
from service.kit.conditional import etag_of
from service.kit.idempotency import Answer
from service.kit.paging import KEYSET_TYPES
from service.kit.quiet_cases import Connection, Deed
from service.kit.routing import clause_link
from service.kit.workflow import Step

Body = schemas.Opinion | schemas.Approved | schemas.Denied | schemas.Withdrawn


async def judge_dispatch(
    connection: asyncpg.Connection | asyncpg.Pool,
    cache: DutyCache,
    *,
    case_id: UUID,
    category: str,
    from_tier: int,
    target_area: str,
    target_tier: int,
    target_unit: str | None = None,
) -> Verdict:
    """Whether the case may be dispatched there: by the list in force, else by an approval.

    `from_tier` is where the dispatching party stands (a county unit stands at 4), `target_area`
    and `target_tier` are the target unit's: 9 digits and 3, or 12 digits and 2. Nothing changes:
    a verdict with `approval_id` stands once `use_approval` has used it. `Verdict.require` raises
    OutsideDutyList. The connection must see all approvals, as the writer's does; one that sees
    none refuses. Clauses 35.2, 25.1, 35.4.
    """
    verdict = judge(
        await cache.current(), category=category, from_tier=from_tier, target_area=target_area,
        target_tier=target_tier,
    )  # fmt: skip
    if verdict.allowed:
        return verdict
    found = await connection.fetchval(
        store.VALID, case_id, category, target_area, target_unit, clock.now()
    )
    if found is None:
        return verdict
    return Verdict(
        "approved", category, target_area, verdict.kind, verdict.list_version, verdict.item, found
    )


async def use_approval(
    connection: Connection,
    approval_id: UUID,
    *,
    case_id: UUID,
    category: str,
    target_area: str,
    target_unit: str | None,
    actor_id: UUID,
    role: str | None,
    now: datetime,
) -> None:
    """Mark the approval used, in the caller's own transaction: of two dispatches one gets it.

    Whether the actor may dispatch is the caller's to judge; this judges the approval alone.

    Raises NotFound, ActionNotAllowed when it is not (or no longer) approved, ApprovalExpired, and
    ApprovalMismatch when it is for another dispatch. Clauses 35.2, 25.1, 35.4.
    """
    case = await APPROVALS.hold(connection, approval_id)
    if case is None:
        raise NotFound
    step = APPROVAL.step("use")
    APPROVAL.require(step, case.state)
    asked = (case.case_id, case.category_code, case.target_area)
    of_unit = case.target_unit is None or case.target_unit == target_unit
    if asked != (case_id, category, target_area) or not of_unit:
        raise ApprovalMismatch(clause=case.clauses[0])
    if over := rules.expiry(case, now):
        raise over
    case.used_by, case.used_at = actor_id, now
    payload = {"case_id": str(case_id)}
    deed = Deed(actor_id, role, now, payload, tuple(case.clauses))
    await APPROVALS.advance(connection, case, step, deed)


async def ask(
    state: State, session: Session, caller: Subject, body: schemas.ApprovalRequest
) -> Answer:
    """201 with the new request. Raises Forbidden and what `requesting` raises."""
    if not caller.has(Permission.DISPATCH_APPROVAL_REQUEST):
        raise Forbidden
    verdict = await judge_request(await state.duties.current(), state.categories, body)
    now, days = clock.now(), state.settings.dispatch_approval_days
    case = await request(session, caller, body, verdict, now=now, days=days)
    return _answer(case, caller, now, 201)


async def act(
    session: Session, caller: Subject, approval_id: UUID, step: Step, body: Body,
    *, expected: int | None, days: int,
) -> Answer:  # fmt: skip
    """200 with the approval one step further; an approval is then good for `days`.

    Raises NotFound, Forbidden and its kinds, StaleVersion, and the guards of service.duties.rules.
    """
    case, now = await APPROVALS.hold(session, approval_id), clock.now()
    if case is None:
        raise NotFound
    actor = actor_for(caller, case)
    note = None if isinstance(body, schemas.Opinion) else body.note
    rules.check(step, case, actor, now, expected=expected, note=note)
    if isinstance(body, schemas.Opinion):
        case.opinion_agrees, case.opinion_text = body.agrees, body.text
        case.opinion_by, case.opinion_at = actor.account_id, now
    elif step.action in rules.DECIDING:
        case.decision_note, case.decided_by, case.decided_at = note, actor.account_id, now
        if step.action == "approve":
            case.expires_at = now + timedelta(days=days)
    deed = Deed(actor.account_id, actor.role, now, body.model_dump(), tuple(case.clauses))
    await APPROVALS.advance(session, case, step, deed)
    return _answer(case, caller, now, 200)


async def show(state: State, caller: Subject, approval_id: UUID) -> ApprovalCase:
    """The approval. Raises NotFound."""
    case = await store.readable(state.db, caller, approval_id)
    if case is None or not actor_for(caller, case).readable:
        raise NotFound
    return case


async def list_page(
    state: State, caller: Subject, *, states: list[str], case_id: UUID | None, area: str | None,
    cursor: str | None, limit: int,
) -> dict[str, Any]:  # fmt: skip
    """A keyset page of what the caller may read, newest first. Raises Forbidden, BadCursor."""
    if not caller.has(Permission.DISPATCH_APPROVAL_READ):
        raise Forbidden
    scope = f"dispatch-approvals {caller.account_id} {sorted(states)} {case_id} {area}"
    after = state.cursors.read(cursor, scope, *KEYSET_TYPES) if cursor else None
    found = await store.page(
        state.db, caller, states=states, case_id=case_id, area=area, after=after, limit=limit + 1
    )
    last = found[limit - 1] if len(found) > limit else None
    return {
        "items": [shown(case, caller) for case in found[:limit]],
        "next": state.cursors.make(scope, last.requested_at, last.id) if last else None,
    }


def shown(case: ApprovalCase, caller: Subject, now: datetime | None = None) -> dict[str, Any]:
    """The approval with what the caller may do now."""
    actions = rules.available_actions(case, actor_for(caller, case), now or clock.now())
    return document(case, actions)


async def expire_approvals(pool: asyncpg.Pool, *, most: int = 500) -> int:
    """Mark what has run out, in batches of `most`, each event in its chain; how many.

    `pool` is the owner's. Several workers share the work: a row that one holds another leaves.
    """
    step, total, done = APPROVAL.step("expire"), 0, most
    while done == most:
        async with pool.acquire() as connection, connection.transaction():
            now = clock.now()
            cases = await store.run_out(connection, now, most)
            for case in cases:
                deed = Deed(SERVICE, None, now, {"expired_at": clock.iso(case.expires_at)},
                            tuple(case.clauses))  # fmt: skip
                await APPROVALS.advance(connection, case, step, deed)
        done = len(cases)
        total += done
    return total


def _answer(case: ApprovalCase, caller: Subject, now: datetime, status: int) -> Answer:
    headers = {**etag_of(case.version), "Link": clause_link(case.clauses)}
    if status == 201:
        headers["Location"] = f"/v1/dispatch-approvals/{case.id}"
    return Answer(status, shown(case, caller, now), headers)
