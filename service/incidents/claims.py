"""What a report or an action names must exist and fit: files, units, people."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from starlette.datastructures import State

from service.attachments.actions import usable
from service.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from service.auth.subject import Subject
from service.errors import NotFound
from service.incidents import rules, store
from service.incidents.dispatching import judge
from service.incidents.errors import BadAssignee, UnknownAttachment
from service.incidents.schemas import Assigned
from service.kit import clock


async def require_usable(state: State, caller: Subject, ids: list[UUID]) -> None:
    """Pass when the caller has uploaded all of them. Raises UnknownAttachment."""
    if not ids:
        return
    async with state.db.writing() as connection:
        known = await usable(connection, caller.account_id, ids)
    if missing := [str(i) for i in ids if i not in known]:
        raise UnknownAttachment(ids=", ".join(missing), pointer="/attachments")


async def require_unit(state: State, code: str, pointer: str = "/unit") -> asyncpg.Record:
    """The active unit `code`. Raises BadAssignee."""
    row: asyncpg.Record | None = await state.db.reads.fetchrow(store.UNIT, code)
    if row is None or not row["active"]:
        raise BadAssignee(
            reason_zh=f"没有单位 {code}", reason_en=f"there is no unit {code}", pointer=pointer
        )
    return row


async def resolve_assignee(
    state: State, caller: Subject, incident_id: UUID, body: Assigned, command: rules.Command
) -> None:
    """Fill the command's unit or assignee, if it can handle this case.

    Raises NotFound, BadAssignee, OutsideDutyList.
    """
    case = await state.db.reads.fetchrow(store.ONE, str(caller.account_id), incident_id)
    if case is None:
        raise NotFound
    if body.unit is not None:
        unit = await require_covering(state, case, body.unit, "/unit")
        command.unit, area = body.unit, unit["area_code"]
    else:
        area = await _assign_person(state, case, str(body.account), command)
    await judge(state, caller, case, command, area=area, unit=command.unit)


async def require_covering(
    state: State, case: asyncpg.Record, code: str, pointer: str
) -> asyncpg.Record:
    """The unit, when it is active, covers the case's grid and is not complained of.

    Raises BadAssignee at `pointer`.
    """
    if case["concerns_unit"] == code:
        raise BadAssignee(
            reason_zh="该投诉涉及此单位，不能派遣给它",
            reason_en="the complaint concerns this unit",
            pointer=pointer,
        )
    unit = await require_unit(state, code, pointer)
    if not case["grid_code"].startswith(unit["area_code"]):
        raise BadAssignee(
            reason_zh=f"单位 {code} 不负责该网格所在区域",
            reason_en=f"unit {code} does not cover the grid",
            pointer=pointer,
        )
    return unit


async def _assign_person(
    state: State, case: asyncpg.Record, account: str, command: rules.Command
) -> str:
    """Fill the command's assignee; the area that the person, or its unit, works for."""
    rows = await state.db.reads.fetch(store.ASSIGNEE, account, clock.now())
    handlers = [
        row
        for row in rows
        if row["status"] == "active"
        and row["role"] is not None
        and Permission.INCIDENT_HANDLE in ROLE_PERMISSIONS[Role(row["role"])]
        and case["grid_code"].startswith(row["area_code"])
        and (row["unit_code"] is None or row["unit_code"] != case["concerns_unit"])
    ]
    if not handlers:
        raise BadAssignee(
            reason_zh="该人员不存在、已停用或不负责该区域",
            reason_en="no such active person who handles cases there",
            pointer="/account",
        )
    chosen = next((row for row in handlers if row["unit_code"]), handlers[0])
    command.assignee, command.unit = chosen["id"], chosen["unit_code"]
    if command.unit is None:
        return str(chosen["area_code"])
    return str((await require_unit(state, command.unit, "/account"))["area_code"])
