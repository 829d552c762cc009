"""Pure decisions over one approval: who may do what now. The clock is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.duties.case import ApprovalCase
from service.duties.errors import (
    ApprovalExpired,
    NotOwnRequest,
    OpinionMissing,
    OwnPart,
    ReasonMissing,
)
from service.duties.workflow import APPROVAL, ASKED_FOR, COMMUNITY_CLAUSES, TOWNSHIP_CLAUSES
from service.errors import AppError, Forbidden, NotFound
from service.kit.workflow import Step, require_version

TOWNSHIP_DIGITS = 9
DECIDING = frozenset({"approve", "deny"})


@dataclass(frozen=True, slots=True)
class Actor:
    """What the rules need to know of a caller, for one approval.

    `permissions` are those that hold where the target lies, or for the caller's unit when that
    asked; `in_unit` says whether it did.
    """

    account_id: UUID
    permissions: frozenset[str]
    in_unit: bool
    readable: bool
    role: str | None


def clauses_of(target_area: str) -> tuple[str, ...]:
    """What rules over the target: 35.2 for a township, 25.1 and 35.4 for a community."""
    return TOWNSHIP_CLAUSES if len(target_area) == TOWNSHIP_DIGITS else COMMUNITY_CLAUSES


def refusal(step: Step, case: ApprovalCase, actor: Actor, now: datetime) -> AppError | None:
    """Why `actor` may not take `step` on `case` now, or None when it may.

    The order is what a caller sees first: unreadable (404), the role (403), the state (409), then
    who has had a part in it, and time.
    """
    if not actor.readable:
        return NotFound()
    if step.permission not in actor.permissions:
        return Forbidden()
    if step.action in DECIDING and case.state == APPROVAL.initial:
        return OpinionMissing(clause="35.2")
    try:
        APPROVAL.require(step, case.state)
    except AppError as not_allowed:
        return not_allowed
    return _part_refusal(step, case, actor) or expiry(case, now)


def _part_refusal(step: Step, case: ApprovalCase, actor: Actor) -> AppError | None:
    own = actor.account_id == case.requested_by
    if step.action == "withdraw":
        return None if own or actor.in_unit else NotOwnRequest()
    if own:
        return OwnPart(part="申请 asked", clause="35.2")
    if step.action in DECIDING and actor.account_id == case.opinion_by:
        return OwnPart(part="意见 opinion", clause="35.2")
    return None


def expiry(case: ApprovalCase, now: datetime) -> ApprovalExpired | None:
    """The refusal of what has run out by `now`, whether or not it is marked so already."""
    if case.expires_at <= now:
        return ApprovalExpired(at=case.expires_at.isoformat(timespec="seconds"))
    return None


def available_actions(case: ApprovalCase, actor: Actor, now: datetime) -> list[str]:
    """The actions that `actor` may take on `case` now, in the workflow's order."""
    return [s.action for s in ASKED_FOR if refusal(s, case, actor, now) is None]


def check(
    step: Step, case: ApprovalCase, actor: Actor, now: datetime, *,
    expected: int | None, note: str | None,
) -> None:  # fmt: skip
    """Pass when the step may be taken on the locked row.

    Raises the refusal, StaleVersion (412), or ReasonMissing (422) for an approval without a reason
    against the township's opinion.
    """
    why_not = refusal(step, case, actor, now)
    if isinstance(why_not, NotFound) or type(why_not) is Forbidden:
        raise why_not
    require_version(expected, case.version)
    if why_not is not None:
        raise why_not
    if step.action == "approve" and case.opinion_agrees is False and note is None:
        raise ReasonMissing(pointer="/note", clause="35.2")
