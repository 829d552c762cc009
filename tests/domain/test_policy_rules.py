"""Rules of response policies: the defaults, what stops a publication, which clocks start."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from service.incidents.policies.cache import NEVER_LOADED, PolicyRow, ResponseSnapshot, snapshot
from service.incidents.policies.errors import CalendarMissing, NoPolicy, NoServiceHours
from service.incidents.policies.messages import MESSAGES
from service.incidents.policies.policy import Policy, compiled, draft_of
from service.incidents.policies.rules import Publication, findings
from service.incidents.policies.seed import defaults, statutory_days
from service.incidents.policies.workdays import Calendar
from service.kit.drafts import errors_of
from tests.worktimes import at, told

COUNTY, TOWNSHIP, GRID = "511723", "511723001", "511723001001001"
JUNE = at("2026-06-01 10:00")
YEARS = (2026, 2027)


def body(**changes: Any) -> dict[str, Any]:
    """The default policy with top members replaced."""
    return {**copy.deepcopy(defaults().policy), **changes}


def with_level(number: int, **limits: str | None) -> dict[str, Any]:
    """The default policy with limits of one level replaced, or taken out by None."""
    made = body()
    level = {**made["levels"][str(number)], **limits}
    made["levels"][str(number)] = {step: text for step, text in level.items() if text is not None}
    return made


def said(policy: dict[str, Any], into: Publication | None = None) -> set[tuple[str, str, str]]:
    return {(f.severity, f.pointer, f.code) for f in findings(draft_of(policy), into)}


def calendar(year: int) -> Calendar:
    """A year as the library knows it; one that it does not know has no feasts."""
    return Calendar(year, tuple(statutory_days(year)) if year <= 2026 else ())


def test_the_default_policy_can_be_published_without_a_remark() -> None:
    line = axis_of(2026, 2027)
    assert findings(draft_of(defaults().policy), Publication(JUNE, line)) == ()


def axis_of(*years: int) -> Any:
    rules = snapshot(0, (), [calendar(y) for y in years], {COUNTY: defaults().service_hours})
    return rules.worktime_for(COUNTY)


@pytest.mark.parametrize(
    ("level", "limits"),
    [
        (1, {"clock": "calendar", "accept": "5min", "assign": "10min", "on_site": "30min",
             "finish": "4h", "close": "24h"}),
        (2, {"clock": "calendar", "accept": "30min", "assign": "1h", "on_site": "2h",
             "finish": "24h"}),
        (3, {"clock": "work", "accept": "4wh", "assign": "1wd", "on_site": "1wd",
             "finish": "3wd"}),
        (4, {"clock": "work", "accept": "1wd", "assign": "1wd", "on_site": "2wd",
             "finish": "15wd"}),
    ],
)  # fmt: skip
def test_the_default_policy_has_the_limits_of_the_field(level: int, limits: dict[str, str]) -> None:
    found = defaults().policy
    assert found["levels"][str(level)] == limits
    assert found["tiers"] == {"1": "24h", "2": "2wd", "3": "5wd"}
    assert found["shares"] == {"amber": 0.7, "red": 1.0, "supervise": 1.2}
    assert found["extension"] == {"max": 1, "share": 1.0}
    assert found["max_returns"] == 2


def without(member: str, key: str) -> dict[str, Any]:
    made = body()
    del made[member][key]
    return made


# One contradiction a row: the policy, and the one thing that is said about it.
BROKEN = [
    (without("levels", "3"), ("error", "/levels/3", "missing_level")),
    (with_level(3, accept=None), ("error", "/levels/3/accept", "missing_limit")),
    (with_level(4, finish=None), ("error", "/levels/4/finish", "missing_limit")),
    (with_level(2, clock=None), ("error", "/levels/2/clock", "missing_clock")),
    (with_level(2, on_site="2 h"), ("error", "/levels/2/on_site", "bad_duration")),
    (with_level(2, on_site="2weeks"), ("error", "/levels/2/on_site", "bad_duration")),
    (with_level(2, on_site="2wh"), ("error", "/levels/2/on_site", "work_unit")),
    (with_level(3, on_site="24h"), ("warning", "/levels/3/on_site", "wall_unit")),
    (with_level(1, finish="44min"), ("error", "/levels/1/finish", "finish_too_fast")),
    (with_level(3, finish="2wd"), ("error", "/levels/3/finish", "finish_too_fast")),
    (with_level(1, close="3h"), ("error", "/levels/1/close", "close_before_finish")),
    (with_level(2, accept="6min", assign="9min"), ("warning", "/levels/1/assign",
                                                   "slower_than_next")),
    (without("tiers", "2"), ("error", "/tiers/2", "missing_tier")),
    (body(tiers={"1": "24h", "2": "2wd", "3": "5wd", "4": "9wd"}),
     ("error", "/tiers/4", "top_tier")),
    (body(tiers={"1": "24h", "2": "2wd", "3": "soon"}), ("error", "/tiers/3", "bad_duration")),
    (body(tiers={"1": "23h", "2": "2wd", "3": "5wd"}), ("error", "/tiers/1", "tier_too_fast")),
    (body(tiers={"1": "24h", "2": "6wd", "3": "5wd"}), ("warning", "/tiers/3", "ladder_narrows")),
    (body(shares={"amber": 1.0, "red": 1.0, "supervise": 1.2}),
     ("error", "/shares", "shares_out_of_order")),
    (body(shares={"amber": 0.7, "red": 1.0, "supervise": 0.9}),
     ("error", "/shares", "shares_out_of_order")),
    (body(shares={"amber": 0.0, "red": 1.0, "supervise": 1.2}),
     ("error", "/shares", "shares_out_of_order")),
    (without("call_answer", "4"), ("error", "/call_answer/4", "missing_answer")),
    (body(call_answer={"1": "5min", "2": "15min", "3": "4wh", "4": "1w"}),
     ("error", "/call_answer/4", "bad_duration")),
    (body(extension={"max": 2, "share": 1.0}), ("error", "/extension", "bad_extension")),
    (body(extension={"max": 1, "share": 1.5}), ("error", "/extension", "bad_extension")),
    (body(extension={"max": 1, "share": 0}), ("error", "/extension", "bad_extension")),
    (body(max_returns=0), ("error", "/max_returns", "bad_returns")),
    (body(max_returns=6), ("error", "/max_returns", "bad_returns")),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "expected"), BROKEN, ids=[f"{e[2]} {e[1]}" for _, e in BROKEN])
def test_a_contradiction_is_told_with_its_place(
    policy: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert said(policy) == {expected}
    assert bool(errors_of(findings(draft_of(policy)))) is (expected[0] == "error")


def test_an_urgent_level_on_work_time_is_a_warning() -> None:
    policy = with_level(2, clock="work", accept="1wh", assign="1wh", on_site="2wh", finish="1wd")
    assert ("warning", "/levels/2/clock", "urgent_on_work_clock") in said(policy)
    assert not errors_of(findings(draft_of(policy)))


def test_an_empty_policy_lacks_everything() -> None:
    empty = body(levels={}, tiers={}, call_answer={})
    assert {code for _, _, code in said(empty)} == {
        "missing_level", "missing_tier", "missing_answer",
    }  # fmt: skip


INTO = [
    ("all entered", Publication(JUNE, axis_of(2026, 2027)), set()),
    ("next year not entered", Publication(JUNE, axis_of(2026)), {"calendar_ends"}),
    ("this year not entered", Publication(JUNE, axis_of(2027)), {"calendar_missing"}),
    ("a limit runs into a year not entered",
     Publication(at("2026-12-20 10:00"), axis_of(2026)), {"calendar_missing"}),
    ("no hours", Publication(JUNE, None), {"no_service_hours"}),
    ("another one begins later", Publication(JUNE, axis_of(2026, 2027), ((7, JUNE),)),
     {"overlapping_validity"}),
]  # fmt: skip


@pytest.mark.parametrize(("into", "codes"), [i[1:] for i in INTO], ids=[i[0] for i in INTO])
def test_a_policy_is_judged_by_the_time_that_it_would_run_in(
    into: Publication, codes: set[str]
) -> None:
    assert {code for _, _, code in said(body(), into)} == codes


def test_a_policy_without_work_time_needs_no_calendar() -> None:
    round_the_clock = body(
        levels={n: {**body()["levels"]["2"]} for n in ("1", "2", "3", "4")},
        tiers={"1": "24h", "2": "48h", "3": "5d"},
        call_answer=dict.fromkeys(("1", "2", "3", "4"), "5min"),
    )
    assert said(round_the_clock, Publication(JUNE, None)) == set()


def test_every_message_is_produced_by_some_case_above() -> None:
    produced = {expected[2] for _, expected in BROKEN} | {"urgent_on_work_clock"}
    for _, _, codes in INTO:
        produced |= codes
    assert produced == set(MESSAGES)


def make_rules(
    hours: dict[str, list[tuple[str, str]]] | None = None, *begins: str
) -> ResponseSnapshot:
    """A snapshot with the default policy as versions 1, 2, … from `begins`."""
    rows = [
        PolicyRow(n, at(begin), at(begin), "", defaults().policy)
        for n, begin in enumerate(begins or ("2024-01-01 00:00",), 1)
    ]
    found = {COUNTY: defaults().service_hours} if hours is None else hours
    return snapshot(1, rows, [calendar(y) for y in YEARS], found)


def test_the_policy_of_a_moment_is_the_last_that_has_begun() -> None:
    rules = make_rules(None, "2026-01-01 00:00", "2026-07-01 08:00")
    assert rules.policy_at(at("2026-01-01 00:00")).version == 1
    assert rules.policy_at(at("2026-07-01 07:59:59")).version == 1
    assert rules.policy_at(at("2026-07-01 08:00")).version == 2
    assert rules.policy_at(datetime(2030, 1, 1, tzinfo=UTC)).version == 2
    assert rules.policy(1).version == 1
    with pytest.raises(NoPolicy):
        rules.policy_at(at("2025-12-31 23:59"))
    with pytest.raises(NoPolicy):
        rules.policy(3)


def test_empty_tables_are_told_by_name() -> None:
    empty = snapshot(NEVER_LOADED, (), (), {})
    with pytest.raises(NoPolicy) as caught:
        empty.policy_at(JUNE)
    assert "2026-06-01T10:00:00+08:00" in caught.value.text("en")
    with pytest.raises(NoServiceHours):
        empty.worktime_for(GRID)
    policy = make_rules().policy(1)
    assert empty.start(policy, "accept", 1, {}, GRID, JUNE) is not None
    with pytest.raises(NoServiceHours):
        empty.start(policy, "accept", 3, {}, GRID, JUNE)


def test_the_most_specific_hours_win() -> None:
    noon, night = [("08:00", "18:00")], [("18:00", "24:00")]
    county = [("09:00", "12:00"), ("14:00", "18:00")]
    rules = make_rules({COUNTY: county, TOWNSHIP: noon, GRID[:12]: night})
    assert rules.worktime_for(GRID).day_seconds == 6 * 3_600
    assert rules.worktime_for(GRID + "01").day_seconds == 6 * 3_600
    assert rules.worktime_for(f"{TOWNSHIP}002001").day_seconds == 10 * 3_600
    assert rules.worktime_for(TOWNSHIP).day_seconds == 10 * 3_600
    assert rules.worktime_for("511723002001001").day_seconds == 7 * 3_600
    with pytest.raises(NoServiceHours):
        rules.worktime_for("511724001001001")
    alike = make_rules({COUNTY: county, TOWNSHIP: county})
    assert alike.worktime_for(TOWNSHIP) is alike.worktime_for(COUNTY)


# Level, step, the category's own limits → when it is due, from Friday 09-18 17:00.
STARTS = [
    (1, "accept", {}, "2026-09-18 17:05:00"),
    (1, "close", {}, "2026-09-19 17:00:00"),
    (2, "on_site", {}, "2026-09-18 19:00:00"),
    (3, "accept", {}, "2026-09-20 12:00:00"),
    (3, "finish", {}, "2026-09-22 17:00:00"),
    (3, "finish", {"finish": "4wh"}, "2026-09-20 12:00:00"),
    (3, "finish", {"finish": "30d"}, "2026-10-18 17:00:00"),
    (2, "cordon", {"cordon": "2h"}, "2026-09-18 19:00:00"),
    (2, "cordon", {}, None),
    (2, "close", {}, None),
    (5, "accept", {}, None),
]


@pytest.mark.parametrize(("level", "step", "own", "due"), STARTS)
def test_a_step_starts_the_clock_of_its_level_or_category(
    level: int, step: str, own: dict[str, str], due: str | None
) -> None:
    rules = make_rules()
    found = rules.start(rules.policy(1), step, level, own, GRID, at("2026-09-18 17:00"))
    assert (found and told(found.due)) == due


@pytest.mark.parametrize(
    ("tier", "due"),
    [(1, "2026-09-19 17:00:00"), (2, "2026-09-21 17:00:00"), (3, "2026-09-24 17:00:00"),
     (4, None), (5, None)],
)  # fmt: skip
def test_a_tier_has_its_time_and_the_top_has_none(tier: int, due: str | None) -> None:
    rules = make_rules()
    found = rules.tier(rules.policy(1), tier, GRID, at("2026-09-18 17:00"))
    assert (found and told(found.due)) == due


def test_a_clock_that_would_run_into_an_unknown_year_is_refused() -> None:
    rules = make_rules()
    with pytest.raises(CalendarMissing) as caught:
        rules.start(rules.policy(1), "finish", 4, {}, GRID, at("2027-12-20 10:00"))
    assert (caught.value.year, caught.value.status) == (2028, 409)


def test_a_policy_is_parsed_once_and_cannot_be_changed() -> None:
    policy: Policy = compiled(1, JUNE, draft_of(body()))
    with pytest.raises(TypeError):
        policy.tiers[1] = policy.tiers[2]  # type: ignore[index]
    with pytest.raises(AttributeError):
        policy.version = 2  # type: ignore[misc]
