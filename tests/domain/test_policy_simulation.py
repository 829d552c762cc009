"""Replaying real histories under a policy: which clocks ran, which ran out, compared with today."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import pytest

from service.incidents.policies.cache import PolicyRow, ResponseSnapshot, snapshot
from service.incidents.policies.policy import Policy, compiled, draft_of
from service.incidents.policies.replay import Happening, History, replay
from service.incidents.policies.seed import defaults, statutory_days
from service.incidents.policies.simulation import MOST_EXAMPLES, simulate
from service.incidents.policies.workdays import Calendar
from tests.worktimes import at, second

COUNTY, GRID = "511723", "511723001001001"
# Monday to Wednesday of an ordinary week.
START = "2026-03-02 09:00"
LATER = second("2026-03-20 09:00")


@pytest.fixture(scope="module")
def rules() -> ResponseSnapshot:
    row = PolicyRow(1, at("2024-01-01 00:00"), at("2024-01-01 00:00"), "", defaults().policy)
    calendars = [Calendar(2026, tuple(statutory_days(2026)))]
    return snapshot(1, [row], calendars, {COUNTY: defaults().service_hours})


def history(
    *steps: tuple[str, str] | tuple[str, str, int],
    level: int = 3,
    limits: dict[str, str] | None = None,
) -> History:
    """A case reported at START and what came then, each as (action, time, new tier)."""
    events = [Happening("report", second(START))]
    events += [Happening(s[0], second(s[1]), s[2] if len(s) == 3 else None) for s in steps]
    is_open = not {"close", "self-handle", "reject"} & {e.action for e in events}
    return History(
        uuid4(), "511723-260302-0000001", "0601", level, GRID, is_open, limits or {}, tuple(events)
    )


def late(rules: ResponseSnapshot, case: History, now: int = LATER) -> set[str]:
    """The steps that were late and the tiers that would have escalated, as `tier 1`."""
    runs = replay(case, rules.policy(1), rules, now)
    return {f"tier {r.tier}" if r.clock == "tier" else r.clock for r in runs if r.late}


# What happened to an L3 case (accept 4 wh, assign, on site 1 wd, finish 3 wd, tier 1 24 h, tier 2
# 2 wd), and what was late in it.
LIVES = [
    ("all in time", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-02 11:00"),
     ("arrive", "2026-03-02 15:00"), ("submit", "2026-03-02 17:00"),
     ("close", "2026-03-03 09:00")], set()),
    ("to the second", [("accept", "2026-03-02 15:00"), ("close", "2026-03-03 09:00")], set()),
    ("a second late", [("accept", "2026-03-02 15:00:01"), ("close", "2026-03-03 09:00")],
     {"accept"}),
    ("never accepted", [], {"accept", "finish", "tier 1"}),
    ("rejected late", [("reject", "2026-03-02 17:00")], {"accept"}),
    ("assigned late", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-03 10:30"),
     ("self-handle", "2026-03-03 10:31")], {"assign", "tier 1"}),
    ("nobody came", [("accept", "2026-03-02 10:00"), ("escalate", "2026-03-02 10:30", 2),
     ("accept", "2026-03-02 10:40"), ("assign", "2026-03-02 11:00"),
     ("arrive", "2026-03-03 15:00"), ("close", "2026-03-04 09:00")], {"on_site"}),
    ("transferred in time", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-02 11:00"),
     ("transfer", "2026-03-02 17:00"), ("arrive", "2026-03-03 15:00"),
     ("close", "2026-03-03 16:00")], {"tier 1"}),
    ("returned, not assigned again", [("accept", "2026-03-02 10:00"),
     ("assign", "2026-03-02 11:00"), ("return", "2026-03-02 12:00"),
     ("assign", "2026-03-03 17:00"), ("close", "2026-03-03 17:30")], {"assign", "tier 1"}),
    ("the worker did it alone", [("accept", "2026-03-02 10:00"), ("handle", "2026-03-02 11:00"),
     ("submit", "2026-03-02 17:00"), ("close", "2026-03-02 17:30")], set()),
    ("closed late", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-02 10:10"),
     ("arrive", "2026-03-02 10:20"), ("escalate", "2026-03-02 10:30", 4),
     ("accept", "2026-03-02 10:40"), ("handle", "2026-03-02 10:50"),
     ("close", "2026-03-05 11:00")], {"finish"}),
    ("rework late", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-02 10:10"),
     ("arrive", "2026-03-02 10:20"), ("submit", "2026-03-02 11:00"),
     ("rework", "2026-03-02 12:00"), ("submit", "2026-03-03 18:00"),
     ("close", "2026-03-03 18:00")], {"on_site", "tier 1"}),
    ("suspended for a week", [("accept", "2026-03-02 10:00"), ("handle", "2026-03-02 10:10"),
     ("suspend", "2026-03-02 11:00"), ("resume", "2026-03-09 11:00"),
     ("close", "2026-03-10 08:00")], set()),
    ("suspended until now", [("accept", "2026-03-02 10:00"), ("handle", "2026-03-02 10:10"),
     ("suspend", "2026-03-02 11:00")], set()),
    ("reopened, then left", [("accept", "2026-03-02 09:10"), ("close", "2026-03-02 10:00"),
     ("reopen", "2026-03-10 10:00")], {"assign", "finish", "tier 1"}),
    ("two returns", [("accept", "2026-03-02 10:00"), ("assign", "2026-03-02 10:10"),
     ("return", "2026-03-02 10:20"), ("assign", "2026-03-02 10:30"),
     ("return", "2026-03-02 10:40", 2), ("assign", "2026-03-02 11:00"),
     ("arrive", "2026-03-02 11:10"), ("close", "2026-03-04 10:40")], set()),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "expected"), [x[1:] for x in LIVES], ids=[x[0] for x in LIVES])
def test_what_was_late_in_a_life(
    rules: ResponseSnapshot, steps: list[Any], expected: set[str]
) -> None:
    assert late(rules, history(*steps)) == expected


def test_under_control_ends_the_finish_of_an_emergency_and_its_close_runs_on(
    rules: ResponseSnapshot,
) -> None:
    life = [("accept", "2026-03-02 09:01"), ("assign", "2026-03-02 09:02"),
            ("arrive", "2026-03-02 09:10"), ("submit", "2026-03-02 12:59"),
            ("verify", "2026-03-03 09:10")]  # fmt: skip
    assert late(rules, history(*life, level=1)) == {"close"}
    assert "finish" in late(rules, history(*life, level=2))


def test_the_categorys_own_limit_counts(rules: ResponseSnapshot) -> None:
    life = [("accept", "2026-03-02 10:00"), ("handle", "2026-03-02 10:10"),
            ("close", "2026-03-02 16:00")]  # fmt: skip
    assert late(rules, history(*life)) == set()
    assert late(rules, history(*life, limits={"finish": "4wh"})) == {"finish"}


def faster() -> Policy:
    """The default policy with level 3 accepted in 1 wh and a grid's time cut to 4 h."""
    body = copy.deepcopy(defaults().policy)
    body["levels"]["3"]["accept"] = "1wh"
    body["tiers"]["1"] = "4h"
    return compiled(2, at(START), draft_of(body))


def test_a_draft_is_compared_with_the_policy_in_force(rules: ResponseSnapshot) -> None:
    quick = history(("accept", "2026-03-02 09:30"), ("close", "2026-03-02 10:00"))
    slow = history(("accept", "2026-03-02 12:00"), ("close", "2026-03-02 18:00"))
    left = history()
    found = simulate([quick, slow, left], faster(), rules.policy(1), rules, LATER).document()
    assert (found["cases"], found["open"], found["without_calendar"]) == (3, 1, 0)
    steps = {s["step"]: (s["draft"], s["in_force"]) for s in found["steps"]}
    assert steps["accept"] == (
        {"judged": 3, "late": 2, "supervised": 2}, {"judged": 3, "late": 1, "supervised": 1},
    )  # fmt: skip
    assert steps["close"][0]["judged"] == 0
    tiers = {t["tier"]: (t["draft"], t["in_force"]) for t in found["tiers"]}
    assert tiers[1][0] == {"stays": 3, "escalated": 2, "supervised": 2}
    assert tiers[1][1] == {"stays": 3, "escalated": 1, "supervised": 1}
    assert found["totals"] == {
        "draft": {"late": 2, "escalated": 2, "supervised": 2},
        "in_force": {"late": 1, "escalated": 1, "supervised": 1},
    }
    # The case of which the two make different things comes first.
    assert [e["id"] for e in found["examples"]] == [slow.id, left.id]
    assert found["examples"][0]["draft"] == {
        "late": ["accept"], "escalated": [1], "supervised": True,
    }  # fmt: skip
    assert found["examples"][0]["in_force"] == {"late": [], "escalated": [], "supervised": False}


def test_without_a_policy_in_force_the_draft_stands_alone(rules: ResponseSnapshot) -> None:
    found = simulate([history()], faster(), None, rules, LATER).document()
    assert found["totals"]["in_force"] is None
    assert all(step["in_force"] is None for step in found["steps"])
    assert [e["in_force"] for e in found["examples"]] == [None]


def test_examples_are_bounded_and_a_year_without_calendar_is_counted_apart(
    rules: ResponseSnapshot,
) -> None:
    old = history()
    moved = tuple(Happening(e.action, e.at - 400 * 86_400) for e in old.happenings)
    unknown = History(old.id, old.number, old.category, 3, GRID, True, {}, moved)
    many = [history() for _ in range(50)]
    found = simulate([*many, unknown], faster(), rules.policy(1), rules, LATER).document()
    assert len(found["examples"]) == MOST_EXAMPLES
    assert (found["cases"], found["without_calendar"], found["missing_years"]) == (50, 1, [2025])
