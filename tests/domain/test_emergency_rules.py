"""Rules of emergencies as tables: command, levels, stock, travel, tracks, the workflows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.auth.permissions import ROLE_TIER, Permission, Role
from service.emergency import rules
from service.emergency.errors import (
    CommandPassed,
    LevelAboveTier,
    LevelNotInPlan,
    NotYourResource,
    ReturnExceedsIssue,
    StockShort,
    StockTooLarge,
)
from service.emergency.rules import Holding, Standing, TrackFault, Travel
from service.emergency.seed import default_plans, defaults
from service.emergency.workflow import ACTIVATION, ASKED_FOR, DRILL, workflow_of
from service.errors import AppError
from service.kit.workflow import ActionNotAllowed
from service.plan.registry import load_registry

# dispatches, commands, owns, activated: who may give and take back a resource (24.2).
COMMAND = """
d c o a  allocate        issue  count
x . . .  yes             yes    yes
x . . x  yes             yes    yes
. x . x  yes             yes    no
. x x x  yes             yes    yes
. . x .  yes             yes    yes
. . x x  command_passed  yes    yes
. . . x  no              no     no
. . . .  no              no     no
"""


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()[1:]]


def outcome(check: object, *arguments: object) -> str:
    """`yes`, `no`, or the code of a refusal that says more."""
    try:
        check(*arguments)  # type: ignore[operator]
    except AppError as refusal:
        return "no" if isinstance(refusal, NotYourResource) else refusal.code
    return "yes"


@pytest.mark.parametrize("row", _rows(COMMAND), ids=" ".join)
def test_who_allocates_and_who_moves_stock(row: list[str]) -> None:
    standing = Standing(*(mark == "x" for mark in row[:4]))
    assert outcome(rules.require_allocator, standing) == row[4]
    for kind, expected in (("issue", row[5]), ("return", row[5]), ("count", row[6]),
                           ("receive", row[6])):  # fmt: skip
        assert outcome(rules.require_keeper, standing, kind) == expected


def test_the_refusal_of_an_owner_names_the_clause() -> None:
    with pytest.raises(CommandPassed) as refused:
        rules.require_allocator(Standing(False, False, True, True))
    assert refused.value.clause == "24.2"


# balance, outstanding; movement; what is left, or the refusal.
MOVES = [
    ((10, 0), "issue", 10, (0, 10)),
    ((10, 0), "issue", 11, StockShort),
    ((0, 0), "issue", 1, StockShort),
    ((5, 3), "return", 3, (8, 0)),
    ((5, 3), "return", 4, ReturnExceedsIssue),
    ((5, 3), "count", 0, (0, 3)),
    ((5, 3), "count", 9, (9, 3)),
    ((5, 3), "receive", 7, (12, 3)),
    ((rules.MOST_STOCK, 0), "receive", 1, StockTooLarge),
    ((1, rules.MOST_STOCK), "issue", 1, StockTooLarge),
]


@pytest.mark.parametrize(("before", "kind", "quantity", "after"), MOVES)
def test_a_movement_changes_what_is_there_or_is_refused(
    before: tuple[int, int], kind: str, quantity: int, after: tuple[int, int] | type[AppError]
) -> None:
    if isinstance(after, tuple):
        assert rules.moved(Holding(*before), kind, quantity) == Holding(*after)
    else:
        with pytest.raises(after):
            rules.moved(Holding(*before), kind, quantity)


@given(
    st.lists(
        st.tuples(st.sampled_from(["receive", "issue", "return", "count"]), st.integers(1, 200)),
        max_size=40,
    )
)
def test_no_sequence_of_movements_brings_anything_below_zero(
    movements: list[tuple[str, int]],
) -> None:
    holding = Holding(0, 0)
    for kind, quantity in movements:
        try:
            after = rules.moved(holding, kind, quantity)
        except (StockShort, ReturnExceedsIssue):
            continue
        if kind in ("issue", "return"):
            assert after.balance + after.outstanding == holding.balance + holding.outstanding
        holding = after
        assert min(holding.balance, holding.outstanding) >= 0


@pytest.mark.parametrize(
    ("level", "tier", "refusal"),
    [(1, 4, None), (1, 3, LevelAboveTier), (3, 2, None), (2, 4, LevelNotInPlan)],
)
def test_a_level_is_declared_at_its_tier(
    level: int, tier: int, refusal: type[AppError] | None
) -> None:
    levels = [{"level": 1, "tier": 4}, {"level": 3, "tier": 2}]
    if refusal is None:
        rules.require_level(levels, level, tier, "p")
    else:
        with pytest.raises(refusal):
            rules.require_level(levels, level, tier, "p")


@given(st.floats(0.1, 500), st.floats(1, 5), st.floats(0, 1_000))
def test_what_is_reached_in_a_time_needs_that_time(
    speed: float, detour: float, minutes: float
) -> None:
    travel = Travel(speed, detour)
    assert travel.minutes(travel.reach_m(minutes)) == pytest.approx(minutes)


def test_travel_times_by_hand() -> None:
    """40 km/h is 666.7 m a minute; 1 km in a straight line is 1.4 km of road: 2.1 minutes."""
    assert Travel(40, 1.4).minutes(1_000) == pytest.approx(2.1)
    assert Travel(4.5, 1.3).reach_m(15) == pytest.approx(1125 / 1.3)


BEGAN = datetime(2026, 7, 1, 8, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=2)
SKEW = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        (BEGAN - timedelta(microseconds=1), TrackFault.BEFORE),
        (BEGAN, None),
        (NOW, None),
        (NOW + SKEW, None),
        (NOW + SKEW + timedelta(microseconds=1), TrackFault.FUTURE),
    ],
)
def test_a_track_is_of_the_time_of_its_activation(at: datetime, fault: TrackFault | None) -> None:
    assert rules.time_fault(at, began=BEGAN, now=NOW, skew=SKEW) is fault


# State and action: where it leads, for an emergency and for a drill.
STEPS = """
state      change-level  end    evaluate
in_force   in_force      ended  -
ended      -             -      evaluated
evaluated  -             -      -
"""


@pytest.mark.parametrize("drill", [False, True])
def test_each_state_allows_exactly_the_steps_written_here(drill: bool) -> None:
    flow = workflow_of(drill=drill)
    for state, *targets in _rows(STEPS):
        for action, target in zip(("change-level", "end", "evaluate"), targets, strict=True):
            if action == "evaluate" and not drill:
                continue
            step = flow.step(action)
            if target == "-":
                with pytest.raises(ActionNotAllowed):
                    flow.require(step, state)
            else:
                flow.require(step, state)
                assert step.target == target


def test_steps_name_clauses_of_the_plan_and_permissions_that_exist() -> None:
    known = load_registry().measures
    for flow in (ACTIVATION, DRILL):
        for step in flow.steps:
            assert set(step.clauses) <= set(known)
            assert step.permission in (Permission.ACTIVATION_COMMAND, Permission.RESOURCE_ALLOCATE)
            assert (step.permission == Permission.ACTIVATION_COMMAND) == (
                step.action in ASKED_FOR or not step.sources
            )
            assert step.event.startswith(f"{flow.kind}.")
    assert "24.2" in ACTIVATION.creation.clauses
    assert "24.2" not in DRILL.creation.clauses


def test_the_default_plans_hold_to_their_own_rules() -> None:
    plans = default_plans("511723")
    assert len({p["code"] for p in plans}) == len(plans) >= 6
    units = {u: 4 for p in plans for u in (*p["lead_units"], *p["supporting_units"])}
    for plan in plans:
        assert rules.plan_problems(plan["levels"], plan["contacts"], units, []) == []
    codes = [item["code"] for item in defaults()["stock_items"]]
    assert len(set(codes)) == len(codes) >= 10


def test_the_roles_of_the_contact_tree_are_of_their_tiers() -> None:
    assert {ROLE_TIER[Role(role)]: role for role in rules.ROLE_OF_TIER.values()} == (
        rules.ROLE_OF_TIER
    )
