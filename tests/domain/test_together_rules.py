"""Calls, sub-orders and merging as tables: who may, what follows, when a call is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.errors import NotFound
from service.incidents import rules
from service.incidents.case import IncidentCase
from service.incidents.errors import HeldAbove, NoHigherTier, VerifierIsHandler
from service.incidents.together import calls, effects, merging, orders
from service.incidents.together.commands import Joint, NewCall
from service.incidents.together.errors import (
    AlreadyCalled,
    ArbitrationAbove,
    CallOver,
    ConcernsDiffer,
    FinallyAssigned,
    HasMerged,
    MasterClosed,
    MasterMerged,
    MergedIntoItself,
    NotCalled,
    NotIssuer,
    NotSubOrderUnit,
    SubOrdersOpen,
    UnknownCase,
)
from service.incidents.together.structs import SubOrder
from service.incidents.together.workflow import CALL, ORDER_STEPS, SUB_ORDER
from service.incidents.workflow import INCIDENT
from service.kit.parts import move
from service.kit.workflow import ActionNotAllowed
from tests.domain.test_incident_rules import FREE, ME, NOW, OTHER, actor, called, case_in

MAIN_UNIT, CO_UNIT = "U-main", "U-co"
NAMED = UUID(int=77)


def order(**more: Any) -> SubOrder:
    """A sub-order of CO_UNIT that the county has issued, with `more`."""
    values: dict[str, Any] = {
        "id": NAMED, "unit": CO_UNIT, "role": "co", "task": "t", "deadline": None,
        "issued_by": OTHER, "issued_at": NOW, "issuer_unit": None, **more,
    }  # fmt: skip
    return SubOrder(**values)


CALLERS = {
    "a handler of the called unit": (actor(0, units=frozenset({CO_UNIT})), "U"),
    "a dispatcher of the called tier": (actor(2), "T"),
    "a dispatcher above the called tier": (actor(3), "T"),
    "a handler of another unit": (actor(0, units=frozenset({MAIN_UNIT})), ""),
    "a grid worker": (actor(1), ""),
}


@pytest.mark.parametrize("name", CALLERS)
def test_who_was_called_may_answer_and_nobody_else(name: str) -> None:
    who, by = CALLERS[name]
    unit_call, tier_call = called(unit=CO_UNIT), called(tier=2, id=UUID(int=8))
    case = case_in("accepted", calls=[unit_call, tier_call])
    if by == "U":
        assert calls.call_for(case, who, None) is unit_call
    elif by == "T":
        assert calls.call_for(case, who, None) is tier_call
    else:
        with pytest.raises(NotCalled):
            calls.call_for(case, who, None)
    with pytest.raises(NotFound):
        calls.call_for(case, who, UUID(int=99))
    if by != "U":
        with pytest.raises(NotCalled):
            calls.call_for(case, who, unit_call.id)


# From each state of a call, the actions that lead on and where to.
CALL_TABLE = {
    "waiting": {"on_the_way": "on_the_way", "accept": "accepted", "refuse": "refused",
                "arrive": "arrived", "expire": "unanswered"},
    "on_the_way": {"on_the_way": "on_the_way", "accept": "accepted", "refuse": "refused",
                   "arrive": "arrived"},
    "accepted": {"on_the_way": "on_the_way", "accept": "accepted", "refuse": "refused",
                 "arrive": "arrived"},
    "refused": {}, "arrived": {}, "unanswered": {},
}  # fmt: skip


@pytest.mark.parametrize("state", CALL_TABLE)
def test_a_call_goes_only_where_the_table_says(state: str) -> None:
    for step in CALL.steps[1:]:
        call = called(unit=CO_UNIT, state=state)
        target = CALL_TABLE[state].get(step.action)
        if target is None:
            with pytest.raises(ActionNotAllowed):
                move(call, CALL, step.action)
            assert call.state == state
        else:
            move(call, CALL, step.action)
            assert call.state == target


@pytest.mark.parametrize(
    ("state", "due_in", "ends"),
    [
        ("waiting", 0, True), ("waiting", -1, True), ("waiting", 1, False),
        ("waiting", None, False), ("on_the_way", -1, False), ("accepted", -1, False),
        ("refused", -1, False), ("arrived", -1, False), ("unanswered", -1, False),
    ],
)  # fmt: skip
def test_a_call_is_over_when_nobody_answered_in_time(
    state: str, due_in: int | None, ends: bool
) -> None:
    due = None if due_in is None else NOW + timedelta(seconds=due_in)
    case = case_in("accepted", calls=[called(unit=CO_UNIT, state=state, answer_due=due)])
    waits = state == "waiting" and due is not None
    assert calls.next_answer_due(case) == (due if waits else None)
    over = calls.expire_calls(case, NOW)
    assert bool(over) is ends
    if ends:
        assert (over[0].state, over[0].outcome) == ("unanswered", "escalated")
        assert calls.expire_calls(case, NOW) == []
        assert calls.next_answer_due(case) is None
        effects.settle(case)
        assert case.co_units == []


def test_nobody_is_called_twice_at_once_nor_a_tier_that_is_not_there() -> None:
    unit, tier = Joint(calls=[NewCall(ME, CO_UNIT)]), Joint(calls=[NewCall(ME, None)])
    fresh = case_in("accepted", calls=[called(unit=CO_UNIT, state="refused", outcome="refused")])
    calls.check_new(fresh, unit)
    calls.check_new(fresh, tier)
    for joint, call in ((unit, called(unit=CO_UNIT)), (tier, called(tier=2))):
        with pytest.raises(AlreadyCalled):
            calls.check_new(case_in("accepted", calls=[call]), joint)
    with pytest.raises(NoHigherTier):
        calls.check_new(case_in("accepted", tier=4), tier)


DISPATCHER, ABOVE, BELOW = actor(2), actor(3), actor(1)
CO = actor(0, units=frozenset({CO_UNIT}))
MAIN = actor(0, in_unit=True, units=frozenset({MAIN_UNIT}))
WHO = {"dispatcher": DISPATCHER, "above": ABOVE, "below": BELOW, "co": CO, "main": MAIN}
BY_MAIN = {"issuer_unit": MAIN_UNIT}
# A sub-order, an action on it, and why each may not take it ("" for may).
ORDER_TABLE: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({}, "accept", {"co": None, "main": NotSubOrderUnit, "dispatcher": NotSubOrderUnit}),
    ({}, "refuse", {"co": None, "main": NotSubOrderUnit, "above": NotSubOrderUnit}),
    ({"final": True}, "refuse", {"co": FinallyAssigned}),
    ({}, "submit", {"co": ActionNotAllowed, "main": NotSubOrderUnit}),
    ({"state": "accepted"}, "submit", {"co": None, "dispatcher": NotSubOrderUnit}),
    ({"state": "submitted"}, "approve",
     {"dispatcher": None, "above": None, "below": NotIssuer, "co": NotIssuer, "main": NotIssuer}),
    ({"state": "submitted", **BY_MAIN}, "approve",
     {"dispatcher": None, "main": None, "co": NotIssuer, "below": NotIssuer}),
    ({"state": "submitted", "submitted_by": ME}, "approve", {"dispatcher": VerifierIsHandler}),
    ({"state": "submitted", "accepted_by": ME}, "approve", {"above": VerifierIsHandler}),
    ({"state": "submitted", **BY_MAIN}, "send-back", {"main": None, "dispatcher": None}),
    ({"state": "refused"}, "transfer", {"dispatcher": None, "co": NotIssuer}),
    ({"final": True, "arbitration_tier": 3}, "transfer",
     {"dispatcher": ArbitrationAbove, "above": None}),
    ({"state": "arbitration", "arbitration_tier": 3}, "assign",
     {"dispatcher": ArbitrationAbove, "above": None, "co": ArbitrationAbove}),
    ({"state": "arbitration", "arbitration_tier": 3, **BY_MAIN}, "withdraw",
     {"dispatcher": ArbitrationAbove, "above": None, "main": ArbitrationAbove}),
    ({"state": "issued"}, "assign", {"dispatcher": ArbitrationAbove, "above": ActionNotAllowed}),
    ({"state": "done"}, "withdraw", {"dispatcher": ActionNotAllowed, "below": NotIssuer}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("which", "action", "expected"), ORDER_TABLE, ids=[f"{t[1]} {t[0]}" for t in ORDER_TABLE]
)
def test_who_may_do_what_with_a_sub_order(
    which: dict[str, Any], action: str, expected: dict[str, Any]
) -> None:
    case = case_in("handling", tier=2, unit_code=MAIN_UNIT, sub_orders=[order(**which)])
    for name, why in expected.items():
        refused = orders.refusal(SUB_ORDER.step(action), case.sub_orders[0], case, WHO[name])
        assert (type(refused) if refused else None) is why, name
        offered = f"sub-orders/{NAMED}/{action}" in orders.actions(case, WHO[name])
        assert offered is (why is None), name


@pytest.mark.parametrize(
    ("rule", "more", "state", "blocks"),
    [
        ("all", {}, "issued", True), ("all", {}, "submitted", True),
        ("all", {}, "refused", True), ("all", {}, "arbitration", True),
        ("all", {}, "done", False), ("all", {}, "withdrawn", False),
        ("main_and_named", {}, "issued", False),
        ("main_and_named", {"named": True}, "issued", True),
        ("main_and_named", {"named": True}, "done", False),
        ("main_and_named", {"role": "main"}, "submitted", True),
        ("main_and_named", {"role": "main"}, "withdrawn", False),
    ],
)  # fmt: skip
def test_the_closing_rule_says_what_is_waited_for(
    rule: str, more: dict[str, Any], state: str, blocks: bool
) -> None:
    held = order(state=state, **more)
    for action, begin in (("submit", "handling"), ("close", "verifying")):
        case = case_in(begin, closing_rule=rule, sub_orders=[held], assignee_id=ME,
                       verification="passed")  # fmt: skip
        refused = rules.refusal(INCIDENT.step(action), case, actor(), FREE)
        assert isinstance(refused, SubOrdersOpen) is blocks
        if refused is not None:
            assert refused.extra == {"sub_orders": [str(NAMED)]}


def test_the_second_refusal_goes_one_tier_up_and_never_beyond_the_county() -> None:
    for tier, decides in ((2, 3), (3, 4), (4, 4)):
        case = case_in("handling", tier=tier, sub_orders=[order()])
        command = rules.Command("refuse", note="不接", joint=Joint(order=NAMED, unit=CO_UNIT))
        orders.take("refuse", case, CO, command, NOW)
        assert case.sub_orders[0].state == "refused"
        orders.take("transfer", case, DISPATCHER, command, NOW)
        orders.take("accept", case, CO, command, NOW)
        orders.take("refuse", case, CO, command, NOW)
        found = case.sub_orders[0]
        assert (found.state, found.refusals, found.arbitration_tier) == ("arbitration", 2, decides)
        orders.take("assign", case, ABOVE, command, NOW)
        assert (found.state, found.final) == ("issued", True)


def test_only_the_main_unit_and_the_holding_tier_ask_for_help() -> None:
    case = case_in("handling", tier=2, unit_code=MAIN_UNIT, sub_orders=[order()])
    for action in ("request-help", "set-closing-rule"):
        step = INCIDENT.step(action)
        for who, may in ((DISPATCHER, True), (ABOVE, True), (MAIN, True), (CO, False),
                         (BELOW, False)):  # fmt: skip
            refused = rules.refusal(step, case, who, FREE)
            assert (refused is None) is may
            assert may or isinstance(refused, HeldAbove)


@pytest.mark.parametrize(
    ("action", "unit", "before", "after"),
    [
        ("transfer", "U-new", "accepted", ("U-new", "issued")),
        ("transfer", "U-new", "submitted", ("U-new", "issued")),
        ("transfer", "U-new", "done", (MAIN_UNIT, "done")),
        ("transfer", "U-new", "arbitration", (MAIN_UNIT, "arbitration")),
        ("transfer", MAIN_UNIT, "accepted", (MAIN_UNIT, "accepted")),
        ("assign", MAIN_UNIT, "refused", (MAIN_UNIT, "issued")),
        ("return", None, "accepted", (MAIN_UNIT, "refused")),
        ("escalate", None, "refused", (MAIN_UNIT, "refused")),
        ("handle", MAIN_UNIT, "accepted", (MAIN_UNIT, "accepted")),
    ],
)  # fmt: skip
def test_what_the_main_unit_had_to_do_follows_the_case(
    action: str, unit: str | None, before: str, after: tuple[str, str]
) -> None:
    main = order(unit=MAIN_UNIT, role="main", state=before)
    case = case_in("assigned", unit_code=unit, sub_orders=[main, order()])
    effects.follow(action, case, NOW)
    assert (main.unit, main.state) == after
    assert case.sub_orders[1].state == "issued"
    assert CO_UNIT in case.co_units


@pytest.mark.parametrize("action", effects.ENDS)
def test_a_case_that_ends_says_what_it_ends_with_it(action: str) -> None:
    done = order(id=UUID(int=78), state="done")
    case = case_in("x", sub_orders=[order(), done],
                   calls=[called(unit="U1"), called(unit="U2", state="on_the_way"),
                          called(unit="U3", state="arrived", outcome="arrived")])  # fmt: skip
    told = effects.follow(action, case, NOW)
    assert told == {"sub_orders_withdrawn": [str(NAMED)]}
    assert [o.state for o in case.sub_orders] == ["withdrawn", "done"]
    why = effects.ENDS[action]
    assert [(c.state, c.outcome) for c in case.calls] == [
        ("unanswered", why), ("on_the_way", why), ("arrived", "arrived"),
    ]  # fmt: skip
    with pytest.raises(CallOver):
        calls.call_for(case, actor(0, units=frozenset({"U2"})), None)


def master_in(state: str, **more: Any) -> IncidentCase:
    return case_in(state, id=UUID(int=10), **more)


MERGES = [
    ("merge", {}, master_in("assigned"), True, None),
    ("merge", {}, master_in("suspended"), True, None),
    ("merge", {}, master_in("assigned"), False, UnknownCase),
    ("merge", {}, master_in("merged", master_id=UUID(int=11)), True, MasterMerged),
    ("merge", {}, master_in("closed"), True, MasterClosed),
    ("merge", {}, master_in("void"), True, MasterClosed),
    ("merge", {}, case_in("assigned"), True, MergedIntoItself),
    ("merge", {"merged_ids": [UUID(int=12)]}, master_in("assigned"), True, HasMerged),
    ("merge", {"concerns_unit": "U"}, master_in("assigned", concerns_unit="U"), True, None),
    ("merge", {"concerns_unit": "U"}, master_in("assigned"), True, ConcernsDiffer),
    ("merge", {}, master_in("assigned", concerns_unit="U"), True, ConcernsDiffer),
    ("split-off", {}, master_in("assigned"), True, None),
    ("split-off", {}, master_in("void"), True, None),
    ("split-off", {}, master_in("followed_up"), True, MasterClosed),
]


@pytest.mark.parametrize(("action", "case", "master", "readable", "why"), MERGES)
def test_what_may_be_merged_into_what(
    action: str, case: dict[str, Any], master: IncidentCase, readable: bool, why: type | None
) -> None:
    on_master = actor(readable=readable)
    merged = case_in("accepted", **case)
    if why is None:
        merging.check_pair(action, merged, master, on_master)
    else:
        with pytest.raises(why):
            merging.check_pair(action, merged, master, on_master)


def test_merging_and_splitting_off_undo_one_another() -> None:
    case, master = case_in("accepted", unit_code="U"), master_in("assigned", merged_ids=[ME])
    command = rules.Command("merge", joint=Joint(other=master.id))
    merging.merge(case, actor(), command, NOW)
    told = merging.follow_on_master("merge", master, case)
    assert (case.master_id, case.unit_code) == (master.id, None)
    assert master.merged_ids == [ME, case.id]
    assert told["incident"] == str(case.id)
    merging.split_off(case, actor(), command, NOW)
    merging.follow_on_master("split-off", master, case)
    assert (case.master_id, master.merged_ids) == (None, [ME])


def test_the_named_steps_of_sub_orders_are_those_of_their_table() -> None:
    assert set(ORDER_STEPS) == {
        f"sub-order-{a}"
        for a in ("accept", "refuse", "submit", "approve", "send-back", "transfer", "withdraw",
                  "assign")
    }  # fmt: skip
    for action, step in ORDER_STEPS.items():
        assert INCIDENT.step(action).permission == step.permission
        assert INCIDENT.step(action).event == step.event
