"""The incident's rules as tables: what leads where, and who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.auth.permissions import Permission
from service.errors import Forbidden, NotFound
from service.incidents import effects, rules
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
from service.incidents.together.structs import Call
from service.incidents.workflow import CLOSED_STATES, INCIDENT, STATES
from service.kit.advance import record
from service.kit.events import GENESIS
from service.kit.workflow import ActionNotAllowed, StaleVersion

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ME, OTHER = UUID(int=1), UUID(int=2)

# Written by hand, so that a change of the transition table is a change here too.
IN_HANDS = (
    " transfer handle return escalate merge extend suspend approve-extension refuse-extension"
)
ANY_HELD = " call request-help set-closing-rule"
ANY_OPEN = (
    " answer arrive-call decline-duplicate sub-order-accept sub-order-refuse sub-order-submit"
    " sub-order-approve sub-order-send-back sub-order-transfer sub-order-withdraw sub-order-assign"
    " urge supervise"
)
RUNNING = ANY_OPEN + " warn mark-overdue count call-unanswered"
HELD = ANY_HELD + RUNNING
ALLOWED = {
    "reported": "self-handle accept reject escalate void merge" + RUNNING,
    "accepted": "self-handle assign arrive handle escalate void merge" + HELD,
    "assigned": "arrive void" + IN_HANDS + HELD,
    "on_site": "submit" + IN_HANDS + HELD,
    "handling": "submit" + IN_HANDS + HELD,
    "submitted": "verify rework" + RUNNING,
    "verifying": "rework close" + RUNNING,
    "closed": "follow-up reopen",
    "followed_up": "reopen",
    "returned": "assign escalate void merge" + HELD,
    "suspended": "resume" + ANY_OPEN,
    "rejected": "reopen",
    "merged": "split-off",
    "void": "",
}
# Where a step leads; None leaves the case where it is.
TARGETS = {
    "report": "reported", "self-handle": "closed", "accept": "accepted", "reject": "rejected",
    "assign": "assigned", "transfer": "assigned", "arrive": "on_site", "handle": "handling",
    "submit": "submitted", "return": "returned", "escalate": "reported", "verify": "verifying",
    "rework": "assigned", "close": "closed", "follow-up": "followed_up", "reopen": "accepted",
    "void": "void", "merge": "merged", "split-off": "accepted", "suspend": "suspended",
    "resume": "assigned",
}  # fmt: skip
# They leave the case in the state it is in.
STAYING = set((HELD + " extend approve-extension refuse-extension").split())
ASKED_BY_OTHER = {"state": "asked", "asked_by": str(OTHER)}


def case_in(state: str, **changes: Any) -> IncidentCase:
    """A case of tier 1 in grid 511723100001001, with `changes`."""
    values: dict[str, Any] = {
        "id": UUID(int=9), "number": "1", "category_code": "0502", "category_version": 1,
        "level": 2, "channel": "grid_worker", "description": "x", "occurred_at": NOW,
        "reported_at": NOW, "reporter_id": OTHER, "state": state, "tier": 1, "version": 3,
        "head_hash": GENESIS, "last_event_at": NOW, "grid_code": "511723100001001",
        "micro_grid_code": None, "lon": 107.8, "lat": 31.0, "raw_x": 107.8, "raw_y": 31.0,
        "raw_crs": "cgcs2000", "accuracy_m": None, "cell": 0, **changes,
    }  # fmt: skip
    return IncidentCase(**values)


def called(*, unit: str | None = None, tier: int | None = None, **more: Any) -> Call:
    """A call that waits for its answer, with `more`."""
    values: dict[str, Any] = {
        "id": UUID(int=7), "area": None, "called_by": OTHER, "called_at": NOW,
        "answer_due": None, "note": None, **more,
    }  # fmt: skip
    return Call(unit=unit, tier=tier, **values)


def actor(tier: int = 4, *, account: UUID = ME, in_unit: bool = False, **more: Any) -> rules.Actor:
    """An actor with every permission, unless `more` says otherwise."""
    return rules.Actor(
        account_id=account,
        permissions=more.get("permissions", frozenset(Permission)),
        tier=tier,
        in_unit=in_unit,
        readable=more.get("readable", True),
        role="county_dispatcher",
        units=more.get("units", frozenset()),
    )


FREE = rules.CategoryRule(self_handle=True)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", [s for s in INCIDENT.steps if s.sources], ids=lambda s: s.action)
def test_the_table_allows_exactly_what_is_written_here(state: str, step: Any) -> None:
    allowed = step.action in ALLOWED[state].split()
    deciding = step.action in ("approve-extension", "refuse-extension")
    case = case_in(
        state, assignee_id=ME, verification="passed", calls=[called(tier=2)], finish_due=NOW,
        extension=ASKED_BY_OTHER if deciding else None,
    )  # fmt: skip
    refused = rules.refusal(step, case, actor(), FREE)
    assert (refused is None) == allowed, refused
    if not allowed:
        assert isinstance(refused, ActionNotAllowed)


@pytest.mark.parametrize("step", INCIDENT.steps, ids=lambda s: s.action)
def test_every_step_leads_where_the_table_says_and_names_clause_23_2(step: Any) -> None:
    assert step.target == TARGETS.get(step.action)
    assert (step.target is None) == (step.action in STAYING)
    assert "23.2" in step.clauses
    assert step.permission in set(Permission)
    assert step.zh
    assert step.en


def test_a_finished_case_is_not_open() -> None:
    assert {"closed", "followed_up", "rejected", "merged", "void"} == CLOSED_STATES


LIMITED: dict[str, Any] = {"assignee_id": ME, "finish_due": NOW}
REFUSALS: list[tuple[str, str, dict[str, Any], dict[str, Any], type]] = [
    ("an unreadable case looks absent", "accept", {}, {"readable": False}, NotFound),
    ("a role without the permission", "accept", {}, {"permissions": frozenset()}, Forbidden),
    ("a lower tier on a climbed case", "accept", {"tier": 3}, {"tier": 2}, HeldAbove),
    ("a stranger to the assignment", "submit", {"assignee_id": OTHER}, {}, NotHandler),
    ("a member of another unit", "submit", {"unit_code": "U"}, {}, NotHandler),
    ("the handler verifying", "verify", {"handler_ids": [ME]}, {}, VerifierIsHandler),
    ("the handler closing", "close", {"handler_ids": [ME], "verification": "passed"}, {},
     VerifierIsHandler),
    ("closing after a failed verification", "close", {"verification": "failed"}, {}, NotVerified),
    ("climbing beyond the county", "escalate", {"tier": 4}, {}, NoHigherTier),
    ("extending where no limit runs", "extend", {"assignee_id": ME}, {}, NoLimitRuns),
    ("a second extension", "extend", {**LIMITED, "extensions": 1}, {}, ExtensionUsed),
    ("asking twice", "extend", {**LIMITED, "extension": ASKED_BY_OTHER}, {}, ExtensionPending),
    ("deciding what nobody asked", "approve-extension", LIMITED, {}, NoExtensionAsked),
    ("granting one's own extension", "approve-extension",
     {**LIMITED, "extension": {"state": "asked", "asked_by": str(ME)}}, {},
     ExtensionDecidedByAsker),
    ("refusing one's own extension", "refuse-extension",
     {**LIMITED, "extension": {"state": "asked", "asked_by": str(ME)}}, {},
     ExtensionDecidedByAsker),
    ("deciding again", "refuse-extension",
     {**LIMITED, "extension": {"state": "refused", "asked_by": str(OTHER)}}, {}, NoExtensionAsked),
    ("a lower tier suspending", "suspend", {"tier": 3}, {"tier": 2}, HeldAbove),
    ("a lower tier supervising", "supervise", {"tier": 3}, {"tier": 2}, HeldAbove),
]  # fmt: skip
START = {"accept": "reported", "submit": "handling", "verify": "submitted", "close": "verifying",
         "escalate": "reported", "extend": "handling", "approve-extension": "handling",
         "refuse-extension": "handling", "suspend": "handling", "supervise": "handling",
         }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "case", "who", "failure"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_refusals(action: str, case: dict[str, Any], who: dict[str, Any], failure: type) -> None:
    refused = rules.refusal(
        INCIDENT.step(action), case_in(START[action], **case), actor(**who), FREE
    )
    assert type(refused) is failure


def test_only_a_category_that_allows_it_is_closed_by_who_found_it() -> None:
    step = INCIDENT.step("self-handle")
    assert rules.refusal(step, case_in("reported"), actor(1), FREE) is None
    refused = rules.refusal(step, case_in("reported"), actor(1), rules.CategoryRule())
    assert isinstance(refused, SelfHandleNotAllowed)


def test_evidence_is_asked_only_where_the_category_asks() -> None:
    step, case = INCIDENT.step("submit"), case_in("handling", assignee_id=ME)
    without = rules.Command("submit", note="done")
    rules.check(step, case, actor(), without, FREE)
    with pytest.raises(EvidenceMissing):
        rules.check(step, case, actor(), without, rules.CategoryRule(evidence="after"))
    with_photo = rules.Command("submit", note="done", attachments=[UUID(int=5)])
    rules.check(step, case, actor(), with_photo, rules.CategoryRule(evidence="after"))


def test_a_stale_version_is_told_before_the_state_and_after_the_permission() -> None:
    stale = rules.Command("accept", expected_version=2)
    step = INCIDENT.step("accept")
    with pytest.raises(StaleVersion):
        rules.check(step, case_in("closed"), actor(), stale, FREE)
    with pytest.raises(Forbidden):
        rules.check(step, case_in("reported"), actor(permissions=frozenset()), stale, FREE)


def take(case: IncidentCase, action: str, who: rules.Actor, **command: Any) -> dict[str, Any]:
    """Apply one step as the desk does."""
    step = INCIDENT.step(action)
    rules.check(step, case, who, rules.Command(action), FREE)
    payload = effects.apply(step, case, who, rules.Command(action, **command), NOW)
    record(case, step, kind="incident", actor_id=who.account_id, role=who.role, now=NOW)
    return payload


@pytest.mark.parametrize("most", [1, 2, 3])
def test_after_the_policys_returns_the_next_tier_decides(most: int) -> None:
    case, unit = case_in("assigned", unit_code="U", tier=3), actor(0, in_unit=True)
    for _ in range(most - 1):
        assert "to_tier" not in take(case, "return", unit, max_returns=most)
        assert (case.tier, case.unit_code, case.state) == (3, None, "returned")
        take(case, "assign", actor(), unit="U")
    payload = take(case, "return", unit, max_returns=most)
    assert payload["rule"] == "max_returns"
    assert (case.tier, case.returns) == (4, most)


def test_a_grid_worker_who_accepts_has_it_in_hand_and_a_dispatcher_has_not() -> None:
    by_worker, by_dispatcher = case_in("reported"), case_in("reported")
    take(by_worker, "accept", actor(1))
    take(by_dispatcher, "accept", actor(2))
    assert by_worker.assignee_id == ME
    assert by_dispatcher.assignee_id is None
    refused = rules.refusal(INCIDENT.step("arrive"), by_dispatcher, actor(2), FREE)
    assert isinstance(refused, NotHandler)


def test_escalating_lets_go_of_unit_and_person() -> None:
    case = case_in("handling", unit_code="U", assignee_id=OTHER, tier=2)
    take(case, "escalate", actor())
    assert (case.tier, case.unit_code, case.assignee_id, case.state) == (3, None, None, "reported")


def test_handling_again_after_rework_needs_a_new_verification() -> None:
    case = case_in("verifying", verification="passed", verified_by=OTHER, assignee_id=ME)
    take(case, "rework", actor(account=OTHER))
    assert case.verification == "failed"
    take(case, "arrive", actor())
    take(case, "submit", actor(), note="again")
    assert (case.verification, case.verified_by) == (None, None)


def test_the_clock_of_a_case_never_runs_backwards() -> None:
    case = case_in("reported", last_event_at=NOW + timedelta(minutes=5))
    event = record(case, INCIDENT.step("accept"), kind="incident", actor_id=ME, role=None, now=NOW)
    assert event.recorded_at == NOW + timedelta(minutes=5)
    assert event.seq == case.version == 4
    assert event.hash == case.head_hash == event.digest(GENESIS)


@pytest.mark.parametrize(
    ("age", "fine"),
    [
        (timedelta(days=364), True),
        (timedelta(days=366), False),
        (timedelta(seconds=-250), True),
        (timedelta(seconds=-400), False),
        (timedelta(days=-365 * 3), False),
    ],
)
def test_when_it_happened_must_be_recent_and_not_ahead(age: timedelta, fine: bool) -> None:
    def check() -> None:
        rules.check_occurred_at(NOW - age, NOW, days=365, skew=timedelta(seconds=300))

    if fine:
        check()
    else:
        with pytest.raises(BadOccurredAt):
            check()


def test_a_fix_of_kilometres_names_no_grid() -> None:
    rules.check_accuracy(None)
    rules.check_accuracy(2_000)
    with pytest.raises(InaccuratePosition):
        rules.check_accuracy(200_000)
