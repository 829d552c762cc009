"""Pure decisions over one incident: who may do what now, and what it changes.

Every function takes the clock and the facts; none asks the database or the web.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from service.errors import AppError, Forbidden, NotFound
from service.incidents.case import IncidentCase
from service.incidents.errors import (
    BadOccurredAt,
    EvidenceMissing,
    ExtensionDecidedByAsker,
    ExtensionPending,
    ExtensionUsed,
    HeldAbove,
    InaccuratePosition,
    NoExtensionAsked,
    NoHigherTier,
    NoLimitRuns,
    NotHandler,
    NotVerified,
    SelfHandleNotAllowed,
    VerifierIsHandler,
)
from service.incidents.together import rules as together
from service.incidents.together.commands import Joint
from service.incidents.workflow import INCIDENT, TIERS, TOP_TIER
from service.kit.durations import Duration
from service.kit.workflow import Step, require_version

HANDLER_ACTIONS = frozenset({"arrive", "handle", "submit", "return", "extend"})
JUDGING_ACTIONS = frozenset({"verify", "close", "rework"})
# A follow-up asks the people how it went, and anybody may urge: any tier may.
ANY_TIER_ACTIONS = frozenset({"follow-up", "urge"})
MAX_ACCURACY_M = 2_000.0
# Where a case began without any policy.
MAX_RETURNS = 2

_UNDECIDABLE: dict[str, type[AppError]] = {
    "none": NoExtensionAsked,
    "free": NoExtensionAsked,
    "used": NoExtensionAsked,
    "mine": ExtensionDecidedByAsker,
}
EXTENSION_REFUSALS: dict[str, dict[str, type[AppError]]] = {
    "extend": {
        "none": NoLimitRuns,
        "used": ExtensionUsed,
        "mine": ExtensionPending,
        "asked": ExtensionPending,
    },
    "approve-extension": _UNDECIDABLE,
    "refuse-extension": _UNDECIDABLE,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """What the rules need to know of a caller, for one case.

    `permissions` are those that hold where the case is; `tier` is the highest response tier at
    which the caller dispatches there; `in_unit` says whether the caller handles for its unit, and
    `units` are all units with a part in the case that it handles for.
    """

    account_id: UUID
    permissions: frozenset[str]
    tier: int
    in_unit: bool
    readable: bool
    role: str | None
    units: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """What a category demands of handling."""

    self_handle: bool = False
    evidence: str = "none"


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval by which a dispatch goes outside the duty list: of which area, for which unit."""

    approval_id: UUID
    area: str
    unit: str | None


@dataclass(slots=True)
class Command:
    """One action asked for: by whom, with which body, on which expected version.

    `grounds` say why a dispatch to a township or village is within the duty list; `approvals` are
    used up by it. `max_returns` is after how many returns the case's policy lets the next tier up
    decide.
    """

    action: str
    expected_version: int | None = None
    note: str | None = None
    unit: str | None = None
    assignee: UUID | None = None
    result: str | None = None
    satisfaction: str | None = None
    occurred_at: datetime | None = None
    attachments: list[UUID] = field(default_factory=list)
    position: dict[str, Any] | None = None
    duration: Duration | None = None
    outcome: str | None = None
    joint: Joint | None = None
    grounds: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[Approved] = field(default_factory=list)
    max_returns: int = MAX_RETURNS


class Stand(NamedTuple):
    """Where a caller stands to a case: all that a refusal depends on beside the step."""

    state: str
    tier: int
    verification: str | None
    category_code: str
    in_hand: bool
    handled: bool
    readable: bool
    permissions: frozenset[str]
    actor_tier: int
    extension: str
    part: together.Part


def extension_of(case: IncidentCase, actor: Actor) -> str:
    """Where an extension stands: `none` (no limit), `free`, `mine` or `asked` (waits), `used`."""
    if case.extension_state == "asked":
        return "mine" if case.extension_by == str(actor.account_id) else "asked"
    if case.finish_due is None:
        return "none"
    return "used" if case.extensions else "free"


def stand_of(case: IncidentCase, actor: Actor) -> Stand:
    """Where `actor` stands to `case` now."""
    return Stand(
        case.state, case.tier, case.verification, case.category_code, is_handler(case, actor),
        actor.account_id in case.handler_ids, actor.readable, actor.permissions, actor.tier,
        extension_of(case, actor),
        together.part_of(case, actor),
    )  # fmt: skip


def refusal(
    step: Step, case: IncidentCase, actor: Actor, category: CategoryRule
) -> AppError | None:
    """Why `actor` may not take `step` on `case` now, or None when it may.

    The order is what a caller sees first: unreadable (404), the role (403), the state (409), then
    tier, handler and verifier.
    """
    return _refusal(step, stand_of(case, actor), category)


def _refusal(step: Step, stand: Stand, category: CategoryRule) -> AppError | None:
    if not stand.readable:
        return NotFound()
    if step.permission not in stand.permissions:
        return Forbidden()
    try:
        INCIDENT.require(step, stand.state)
    except AppError as not_allowed:
        return not_allowed
    return _holder_refusal(step, stand) or _guard_refusal(step, stand, category)


def _holder_refusal(step: Step, stand: Stand) -> AppError | None:
    if step.action in HANDLER_ACTIONS:
        return None if stand.in_hand else NotHandler(action=step.zh)
    if step.action in together.ANSWERS:
        return together.answer_refusal(stand.part)
    if together.has_part(step, stand.part):
        return None
    if step.action not in ANY_TIER_ACTIONS and stand.actor_tier < stand.tier:
        return HeldAbove(tier=stand.tier, name=TIERS[stand.tier], action=step.zh)
    return None


def _guard_refusal(step: Step, stand: Stand, category: CategoryRule) -> AppError | None:
    action = step.action
    if action in JUDGING_ACTIONS and stand.handled:
        return VerifierIsHandler()
    if action == "close" and stand.verification != "passed":
        return NotVerified()
    if action == "escalate" and stand.tier >= TOP_TIER:
        return NoHigherTier()
    if action in EXTENSION_REFUSALS:
        found = EXTENSION_REFUSALS[action].get(stand.extension)
        return found() if found else None
    if action == "self-handle" and not category.self_handle:
        return SelfHandleNotAllowed(category=stand.category_code)
    return together.guard_refusal(step, stand.part)


def is_handler(case: IncidentCase, actor: Actor) -> bool:
    """Whether the case is in the actor's hands: assigned in person, or to its unit."""
    if case.assignee_id is not None:
        return case.assignee_id == actor.account_id
    return case.unit_code is not None and actor.in_unit


def available_actions(
    case: IncidentCase, actor: Actor, category: CategoryRule, now: datetime
) -> list[str]:
    """The actions that `actor` may take on `case` now, in the workflow's order; then those on its
    sub-orders, as `sub-orders/{id}/{action}`."""
    if not actor.readable:
        return []
    found = _available(stand_of(case, actor), category)
    # Nobody may ask for an extension of a limit that is over.
    is_over = case.finish_due is not None and now > case.finish_due
    own = [action for action in found if not (is_over and action == "extend")]
    return [*own, *together.sub_order_actions(case, actor)]


@lru_cache(maxsize=20_000)
def _available(stand: Stand, category: CategoryRule) -> tuple[str, ...]:
    return tuple(
        step.action
        for step in INCIDENT.steps_from(stand.state)
        if not step.part and _refusal(step, stand, category) is None
    )


def check(
    step: Step, case: IncidentCase, actor: Actor, command: Command, category: CategoryRule
) -> None:
    """Pass when the command may be carried out on the locked row.

    Raises the refusal, StaleVersion (412) or EvidenceMissing (422).
    """
    why_not = refusal(step, case, actor, category)
    if isinstance(why_not, NotFound) or type(why_not) is Forbidden:
        raise why_not
    require_version(command.expected_version, case.version)
    if why_not is not None:
        raise why_not
    together.check(step, case, actor, command)
    if (
        step.action in ("submit", "self-handle")
        and category.evidence != "none"
        and not command.attachments
    ):
        raise EvidenceMissing(category=case.category_code, pointer="/attachments")


def check_occurred_at(occurred_at: datetime, now: datetime, *, days: int, skew: timedelta) -> None:
    """Pass when the time is at most `days` before now or `skew` after. Raises BadOccurredAt."""
    if not now - timedelta(days=days) <= occurred_at <= now + skew:
        raise BadOccurredAt(days=days, pointer="/occurred_at")


def check_accuracy(accuracy_m: float | None) -> None:
    """Pass when the fix is good enough to name a grid. Raises InaccuratePosition."""
    if accuracy_m is not None and accuracy_m > MAX_ACCURACY_M:
        raise InaccuratePosition(
            accuracy_m=accuracy_m, limit=MAX_ACCURACY_M, pointer="/location/accuracy_m"
        )
