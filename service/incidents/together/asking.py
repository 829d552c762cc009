"""From what was sent to a command that is complete: what it names is looked up and must fit."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from starlette.datastructures import State

from service.auth.subject import Subject
from service.errors import NotFound
from service.incidents.claims import require_covering
from service.incidents.dispatching import judge
from service.incidents.rules import Command
from service.incidents.schemas import Noted
from service.incidents.together import schemas, store
from service.incidents.together.commands import Joint, NewCall, NewOrder
from service.incidents.together.errors import BadDeadline, UnknownCase
from service.kit import clock
from service.kit.ids import uuid7


async def prepare(
    state: State, caller: Subject, incident_id: UUID, body: Noted, command: Command
) -> None:
    """Fill `command.joint` from a body of this room; any other body is left alone.

    Raises NotFound (the case), BadAssignee, OutsideDutyList, BadDeadline, UnknownCase.
    """
    joint = command.joint or Joint()
    match body:
        case schemas.Called():
            case = await _case(state, caller, incident_id)
            await _fit(state, case, body.units, "/units/{}")
            joint.calls = [NewCall(uuid7(), unit) for unit in body.units]
            joint.calls += [NewCall(uuid7(), None)] if body.next_tier else []
        case schemas.CallAnswered():
            joint.call, joint.answer = body.call, body.answer
        case schemas.CallArrived():
            joint.call = body.call
        case schemas.HelpRequested():
            case = await _case(state, caller, incident_id)
            joint.orders = await _orders(state, caller, case, body.sub_orders, command)
        case schemas.ClosingRuleSet():
            joint.rule, joint.named = body.rule, body.named
        case schemas.SubOrderMoved():
            case = await _case(state, caller, incident_id)
            unit = await require_covering(state, case, body.unit, "/unit")
            await judge(state, caller, case, command, area=unit["area_code"], unit=body.unit)
            joint.unit = body.unit
        case schemas.MergedInto():
            joint.other = await _other(state, caller, incident_id, body.master, "/master")
        case schemas.DuplicateDeclined():
            joint.other = await _other(state, caller, incident_id, body.duplicate, "/duplicate")
        case _:
            if command.action == "split-off":
                joint.other = (await _case(state, caller, incident_id))["master_id"]
    command.joint = joint


async def _case(state: State, caller: Subject, incident_id: UUID) -> asyncpg.Record:
    found: asyncpg.Record | None = await state.db.reads.fetchrow(
        store.CASE, str(caller.account_id), incident_id
    )
    if found is None:
        raise NotFound
    return found


async def _other(
    state: State, caller: Subject, incident_id: UUID, other: UUID, pointer: str
) -> UUID:
    """The other case's id, if the caller may read both. Raises NotFound, UnknownCase."""
    await _case(state, caller, incident_id)
    try:
        await _case(state, caller, other)
    except NotFound:
        raise UnknownCase(id=other, pointer=pointer) from None
    return other


async def _fit(state: State, case: asyncpg.Record, units: list[str], pointer: str) -> None:
    for n, unit in enumerate(units):
        await require_covering(state, case, unit, pointer.format(n))


async def _orders(
    state: State,
    caller: Subject,
    case: asyncpg.Record,
    asked: list[schemas.NewSubOrder],
    command: Command,
) -> list[NewOrder]:
    now = clock.now()
    for n, new in enumerate(asked):
        unit = await require_covering(state, case, new.unit, f"/sub_orders/{n}/unit")
        await judge(state, caller, case, command, area=unit["area_code"], unit=new.unit)
        if new.deadline is not None and new.deadline <= now:
            raise BadDeadline(pointer=f"/sub_orders/{n}/deadline")
    return [NewOrder(uuid7(), new.unit, new.task, new.deadline) for new in asked]
