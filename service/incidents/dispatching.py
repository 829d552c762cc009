"""Whether the county may dispatch a case to a township or a village: the duty list decides.

Clauses 9.1, 35.1 to 35.4 and 25.1: what is not on the list needs the township's opinion and the
county's approval, both recorded; the dispatch says on which ground it was made.
"""

from __future__ import annotations

import asyncpg
from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.duties.actions import judge_dispatch, use_approval
from service.incidents.rules import Approved, Command
from service.kit.case_rows import Write

TIER_OF_DIGITS = {9: 3, 12: 2, 15: 2}
VILLAGE_DIGITS = 12


async def judge(
    state: State,
    caller: Subject,
    case: asyncpg.Record,
    command: Command,
    *,
    area: str,
    unit: str | None = None,
) -> None:
    """Pass when `caller` may dispatch the case to whom works in `area` (for `unit`).

    The command then carries the ground, and the approval that it uses up. Raises OutsideDutyList.
    """
    tier = TIER_OF_DIGITS.get(len(area))
    if tier is None:
        return
    async with state.db.writing() as connection:
        verdict = await judge_dispatch(
            connection,
            state.duties,
            case_id=case["id"],
            category=case["category_code"],
            from_tier=caller.tier_in(Permission.INCIDENT_ASSIGN, case["grid_code"]),
            target_area=area[:VILLAGE_DIGITS],
            target_tier=tier,
            target_unit=unit,
        )
    verdict.require()
    if verdict.item is not None:
        command.grounds.append({"list_version": verdict.list_version, "item": verdict.item.code,
                                "clause": verdict.clause, "ground": verdict.ground})  # fmt: skip
    if verdict.approval_id is not None:
        command.approvals.append(Approved(verdict.approval_id, verdict.area, unit))


async def use(connection: asyncpg.Connection, write: Write, command: Command) -> None:
    """Use up the command's approvals, in the transaction that stores the dispatch `write`.

    Raises what `service.duties.actions.use_approval` raises.
    """
    [event] = write.events
    for approved in command.approvals:
        await use_approval(
            connection,
            approved.approval_id,
            case_id=write.case.id,
            category=write.case.category_code,
            target_area=approved.area,
            target_unit=approved.unit,
            actor_id=write.element.actor,
            role=event.actor_role,
            now=event.recorded_at,
        )
