"""Asking for an approval: who may, for which target, and whether any is needed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from service.auth.errors import UnknownArea, UnknownUnit
from service.auth.permissions import Permission, Role
from service.auth.subject import Subject
from service.db import Session
from service.duties import schemas, store
from service.duties.case import APPROVALS, ApprovalCase
from service.duties.errors import (
    ApprovalPending,
    IdTaken,
    NotRequester,
    TargetElsewhere,
    TargetUnitElsewhere,
    WithinDutyList,
)
from service.duties.judging import COUNTY_TIER, TIER_BY_DIGITS, Verdict, judge
from service.duties.lists.actions import Categories
from service.duties.lists.cache import DutySnapshot
from service.duties.lists.errors import UnknownDutyCategory
from service.duties.rules import clauses_of
from service.kit.ids import uuid7
from service.kit.quiet_cases import Deed

REQUEST = Permission.DISPATCH_APPROVAL_REQUEST
OPEN_ONCE = "uq_dispatch_approval_open"


async def judge_request(
    lists: DutySnapshot, categories: Categories, body: schemas.ApprovalRequest
) -> Verdict:
    """The verdict that makes a request necessary.

    Raises UnknownDutyCategory, TargetElsewhere, and WithinDutyList when none is needed.
    """
    if body.category not in (await categories.current()).by_code:
        raise UnknownDutyCategory(pointer="/category", category=body.category)
    if not body.grid_code.startswith(body.target_area):
        raise TargetElsewhere(pointer="/target_area", target=body.target_area, grid=body.grid_code)
    verdict = judge(
        lists, category=body.category, from_tier=COUNTY_TIER, target_area=body.target_area,
        target_tier=TIER_BY_DIGITS[len(body.target_area)],
    )  # fmt: skip
    if verdict.allowed:
        item = verdict.item.code if verdict.item else "–"
        raise WithinDutyList(
            category=body.category, area=body.target_area, item=item, clause=verdict.clause
        )
    return verdict


async def request(
    session: Session, caller: Subject, body: schemas.ApprovalRequest, verdict: Verdict, *,
    now: datetime, days: int,
) -> ApprovalCase:  # fmt: skip
    """A new approval in state requested, stored, good for `days` to be decided.

    Raises NotRequester, UnknownArea, UnknownUnit, TargetUnitElsewhere, ApprovalPending, IdTaken.
    """
    await _require_target(session, body)
    role, unit = await _capacity(session, caller, body)
    case = _opened(caller.account_id, unit, body, verdict, now, timedelta(days=days))
    if (await store.one(session, store.PENDING, case_id=body.case_id, area=body.target_area))[0]:
        raise ApprovalPending(area=body.target_area)
    payload = {"case_id": str(body.case_id), "category": body.category, "target": body.target_area,
               "target_unit": body.target_unit, "unit": unit, "reason": body.reason,
               "support": body.support, "list_version": case.list_version,
               "item": case.item_code}  # fmt: skip
    deed = Deed(caller.account_id, role, now, payload, tuple(case.clauses))
    try:
        await APPROVALS.open(session, case, deed)
    except asyncpg.UniqueViolationError as taken:
        if taken.constraint_name == OPEN_ONCE:
            raise ApprovalPending(area=body.target_area) from None
        raise IdTaken(id=case.id, pointer="/id") from None
    return case


def _opened(
    account: UUID, unit: str | None, body: schemas.ApprovalRequest, verdict: Verdict,
    now: datetime, good_for: timedelta,
) -> ApprovalCase:  # fmt: skip
    assert verdict.list_version is not None
    return ApprovalCase(
        id=body.id or uuid7(),
        case_id=body.case_id, category_code=body.category, grid_code=body.grid_code,
        target_area=body.target_area, target_unit=body.target_unit,
        list_version=verdict.list_version,
        item_code=verdict.item.code if verdict.item else None,
        reason=body.reason, support=body.support, requested_by=account, requesting_unit=unit,
        requested_at=now, expires_at=now + good_for,
        clauses=list(clauses_of(body.target_area)),
    )  # fmt: skip


async def _require_target(session: Session, body: schemas.ApprovalRequest) -> None:
    if not (await store.one(session, store.TARGET, area=body.target_area)).known:
        raise UnknownArea(pointer="/target_area", area=body.target_area)
    if body.target_unit is None:
        return
    unit = await store.one(session, store.UNIT, unit=body.target_unit)
    if unit is None or not unit.active:
        raise UnknownUnit(pointer="/target_unit", unit=body.target_unit)
    if unit.area_code != body.target_area:
        raise TargetUnitElsewhere(
            pointer="/target_unit", unit=body.target_unit, target=body.target_area
        )


async def _capacity(
    session: Session, caller: Subject, body: schemas.ApprovalRequest
) -> tuple[str, str | None]:
    """The role in which the caller asks, and the county unit it asks for, if it does for one."""
    if body.unit is None and caller.tier_in(REQUEST, body.target_area) >= COUNTY_TIER:
        return Role.COUNTY_DISPATCHER.value, None
    for code in sorted(caller.units) if body.unit is None else [body.unit]:
        unit = await store.one(session, store.UNIT, unit=code)
        if (
            code in caller.units
            and unit is not None
            and unit.active
            and unit.tier == COUNTY_TIER
            and body.target_area.startswith(unit.area_code)
        ):
            return Role.UNIT_HANDLER.value, code
    raise NotRequester(pointer="/unit" if body.unit else None)
