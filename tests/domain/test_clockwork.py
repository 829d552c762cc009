"""Which clocks of a case run when, what they show, and that simulations tell the same of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.incidents import clockwork
from service.incidents.clockwork import RUNNING
from service.incidents.errors import ExtensionTooLate
from service.incidents.policies.errors import CalendarMissing
from service.incidents.policies.replay import replay
from service.incidents.workflow import OPEN_STATES, SUSPENDED
from tests.lives import CHIEF, DEPUTY, EVERYBODY, HANDLER, WORKER, Life, Ran, moment, response
from tests.worktimes import at, told

# Monday of an ordinary week; hours are 09:00 to 12:00 and 14:00 to 18:00.
START = "2026-03-02 09:00"
KNOWN = response(2025, 2026, 2027)


def life(start: str = START, **more: Any) -> Life:
    return Life(at(start), **{"response": KNOWN, **more})


def play(case: Life, *steps: tuple[Any, str]) -> Life:
    """Take the steps, a minute apart."""
    for who, action in steps:
        case.wait(minutes=1)
        case.act(who, action)
    return case


ACCEPTED = [(CHIEF, "accept")]
ASSIGNED = [*ACCEPTED, (CHIEF, "assign")]
ON_SITE = [*ASSIGNED, (HANDLER, "arrive")]
SUBMITTED = [*ON_SITE, (HANDLER, "submit")]
VERIFYING = [*SUBMITTED, (CHIEF, "verify")]
SUSPENDED_CASE = [*ON_SITE, (CHIEF, "suspend")]
CLOSED = [*VERIFYING, (CHIEF, "close")]

# What runs where a level has a `close` limit beside `finish`, and where it has not.
STATES = [
    ("reported", [], "accept tier finish close"),
    ("accepted by a dispatcher", ACCEPTED, "assign tier finish close"),
    ("accepted by a worker, who has it in hand", [(WORKER, "accept")],
     "on_site tier finish close"),
    ("assigned", ASSIGNED, "on_site tier finish close"),
    ("on site", ON_SITE, "tier finish close"),
    ("handled without arriving", [*ASSIGNED, (HANDLER, "handle")], "tier finish close"),
    ("returned", [*ASSIGNED, (HANDLER, "return")], "assign tier finish close"),
    ("transferred", [*ON_SITE, (CHIEF, "transfer")], "on_site tier finish close"),
    ("escalated", [*ON_SITE, (CHIEF, "escalate")], "accept tier finish close"),
    ("at the county, which has nobody above it", [(CHIEF, "escalate")] * 3,
     "accept finish close"),
    ("submitted", SUBMITTED, "finish? close"),
    ("verifying", VERIFYING, "finish? close"),
    ("reworked", [*VERIFYING, (CHIEF, "rework")], "on_site tier finish close"),
    ("suspended", SUSPENDED_CASE, "tier finish close"),
    ("resumed", [*SUSPENDED_CASE, (CHIEF, "resume")], "on_site tier finish close"),
    ("urged", [*ON_SITE, (CHIEF, "urge")], "tier finish close"),
    ("closed", CLOSED, ""),
    ("followed up", [*CLOSED, (CHIEF, "follow-up")], ""),
    ("reopened", [*CLOSED, (CHIEF, "reopen")], "assign tier finish close"),
    ("self-handled", [(WORKER, "self-handle")], ""),
    ("rejected", [(CHIEF, "reject")], ""),
    ("void", [*ACCEPTED, (CHIEF, "void")], ""),
]  # fmt: skip


@pytest.mark.parametrize("level", [1, 3])
@pytest.mark.parametrize(("steps", "clocks"), [s[1:] for s in STATES], ids=[s[0] for s in STATES])
def test_which_clocks_run(level: int, steps: list[Any], clocks: str) -> None:
    """`finish?` goes on until closing only where the level has no limit of its own for that."""
    named = clocks.split()
    under_control = {"finish?": "finish" if level == 3 else ""}
    expected = {under_control.get(name, name) for name in named} - {""}
    if level == 3:
        expected.discard("close")
    assert play(life(level=level), *steps).case.clocks.keys() == expected


def test_every_open_state_has_its_clocks() -> None:
    assert RUNNING.keys() == OPEN_STATES - {SUSPENDED}
    assert all({"finish", "close"} <= set(names) for names in RUNNING.values())


# The clocks that the last step begins anew; all others go on as they were.
AGAIN = [
    ("a transfer gives the new unit its own time", [*ASSIGNED, (CHIEF, "transfer")], "on_site"),
    ("assigned by a dispatcher after the worker took it", [(WORKER, "accept"), (CHIEF, "assign")],
     "on_site"),
    ("a new tier accepts and has its own time", [(CHIEF, "escalate")], "accept tier"),
    ("a tier that gets it out of hands", [*ON_SITE, (CHIEF, "escalate")], "accept tier"),
    ("one return stays at its tier", [*ASSIGNED, (HANDLER, "return")], "assign"),
    ("two returns do not", [*ASSIGNED, (HANDLER, "return"), (CHIEF, "assign"),
     (HANDLER, "return")], "assign tier"),
    ("rework", [*VERIFYING, (CHIEF, "rework")], "on_site tier"),
    ("rework before a verification", [*SUBMITTED, (CHIEF, "rework")], "on_site tier"),
    ("reopening begins the whole case", [*CLOSED, (CHIEF, "reopen")], "assign tier finish"),
    ("handling again", [*ON_SITE, (HANDLER, "handle"), (HANDLER, "handle")], ""),
    ("urging", [*ON_SITE, (CHIEF, "urge")], ""),
    ("supervising", [*ON_SITE, (CHIEF, "supervise")], ""),
    ("asking for an extension", [*ON_SITE, (HANDLER, "extend")], ""),
    ("a refused extension", [*ON_SITE, (HANDLER, "extend"), (CHIEF, "refuse-extension")], ""),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "anew"), [a[1:] for a in AGAIN], ids=[a[0] for a in AGAIN])
def test_which_clocks_begin_anew(steps: list[Any], anew: str) -> None:
    case = play(life(), *steps)
    began = int(case.now.timestamp())
    found = case.case.clocks
    assert {name for name, clock in found.items() if clock.began == began} == set(anew.split())
    assert all(clock.began <= began for clock in found.values())


def test_an_emergency_is_finished_when_submitted_and_its_close_goes_on() -> None:
    case = play(life(level=1), *ON_SITE)
    closing = case.case.clocks["close"]
    assert told(closing.due) == "2026-03-03 09:00:00"
    assert told(case.case.clocks["finish"].due) == "2026-03-02 13:00:00"
    play(case, (HANDLER, "submit"))
    assert case.case.clocks == {"close": closing}
    assert case.case.due_at == moment(closing.due)
    # What was not under control after all has to be brought under control from then on.
    play(case, (CHIEF, "rework"))
    assert told(case.case.clocks["finish"].due) == "2026-03-02 13:05:00"
    assert case.case.clocks["close"] is closing


def marks(case: Life, name: str) -> tuple[str, str, str]:
    clock = case.case.clocks[name]
    return told(clock.amber), told(clock.due), told(clock.supervise)


def test_a_suspension_leaves_what_was_left_on_each_clock_of_its_own() -> None:
    case = play(life("2026-09-28 09:00"), *ON_SITE)
    # 3 wd of 7 hours, from Monday to Wednesday; the tier's 24 h run day and night.
    assert told(case.case.clocks["finish"].due) == "2026-09-30 18:00:00"
    case.now = at("2026-09-29 17:00")
    case.act(CHIEF, "suspend")
    assert case.case.next_alarm_at is None
    assert (case.case.amber_at, case.case.due_at, case.case.supervise_at) == (None, None, None)
    assert case.sweep() == []
    case.now = at("2026-10-08 09:00")
    case.act(CHIEF, "resume")
    # An hour and a day were left; National Day stands between. The tier was over and stays so.
    assert told(case.case.clocks["finish"].due) == "2026-10-09 10:00:00"
    assert told(case.case.clocks["tier"].due) == "2026-09-29 09:00:00"
    assert case.case.suspended_seconds == 8 * 86_400 + 16 * 3_600
    assert case.case.suspended_at is None


def test_a_case_that_is_suspended_while_a_sweep_looks_at_it_is_left_alone() -> None:
    """The sweep finds it by its old alarm and locks it as it stands now."""
    case = play(life(level=2), *SUSPENDED_CASE)
    case.wait(days=9)
    assert case.sweep() == []
    assert (case.case.state, case.case.next_alarm_at) == (SUSPENDED, None)


def test_a_suspension_shifts_a_limit_of_hours_by_the_clock_on_the_wall() -> None:
    case = play(life(level=2), *ON_SITE)
    case.act(CHIEF, "suspend")
    case.wait(days=2, seconds=7)
    case.act(CHIEF, "resume")
    assert told(case.case.clocks["finish"].due) == "2026-03-05 09:00:07"


def extended(case: Life, asked: str, approved: str, duration: str) -> Life:
    play(case, *ON_SITE)
    case.now = at(asked)
    case.act(HANDLER, "extend", duration=duration)
    case.now = at(approved)
    case.act(CHIEF, "approve-extension")
    return case


def test_an_extension_moves_the_limits_of_the_whole_case_alone() -> None:
    case = play(life(), *ON_SITE)
    tier = case.case.clocks["tier"]
    play(case, (HANDLER, "extend"))
    case.act(DEPUTY, "approve-extension")
    assert told(case.case.clocks["finish"].due) == "2026-03-05 10:00:00"
    assert told(int((case.case.finish_due or at(START)).timestamp())) == "2026-03-05 10:00:00"
    assert case.case.clocks["tier"] is tier
    assert (case.case.extensions, case.case.extension_state) == (1, "approved")


def test_a_limit_that_was_over_when_it_was_asked_is_not_extended() -> None:
    """Of an emergency the hours to get it under control may be over while closing is not."""
    case = extended(life(level=1), "2026-03-02 15:00", "2026-03-02 15:10", "6h")
    assert told(case.case.clocks["finish"].due) == "2026-03-02 13:00:00"
    assert told(case.case.clocks["close"].due) == "2026-03-03 15:00:00"


def test_a_mark_that_lies_ahead_again_is_acted_on_again() -> None:
    """Asked in time, granted after the limit: the case was marked and will be once more."""
    limits = {"finish": "4h", "on_site": "1h"}
    case = life(level=2, limits=limits)
    play(case, *ON_SITE)
    case.now = at("2026-03-02 12:59")
    case.act(HANDLER, "extend", duration="2h")
    case.now = at("2026-03-02 13:01")
    assert [e.payload["rule"] for e in case.sweep()] == ["finish.amber", "finish.due"]
    case.act(CHIEF, "approve-extension")
    assert told(case.case.clocks["finish"].amber) == "2026-03-02 13:48:00"
    assert case.case.clocks["finish"].done == 0
    case.now = at("2026-03-02 15:00")
    found = [(e.action, e.payload["reached_at"]) for e in case.sweep()]
    assert [action for action, _ in found] == ["warn", "mark-overdue"]
    assert found[-1][1] == at("2026-03-02 15:00").isoformat()
    assert case.sweep() == []


def test_nobody_is_offered_an_extension_of_a_limit_that_is_over() -> None:
    case = play(life(level=2), *ON_SITE)
    case.now = at("2026-03-03 09:00:00")
    assert "extend" in case.open_actions(HANDLER)
    case.wait(seconds=1)
    assert "extend" not in case.open_actions(HANDLER)
    with pytest.raises(ExtensionTooLate):
        case.act(HANDLER, "extend", duration="1h")


def waiting_case() -> Life:
    """Reported in the last days of the only year that has a calendar; level 4 has 15 wd."""
    return Life(at("2026-12-22 09:00"), level=4, response=response(2025, 2026))


def test_a_clock_without_calendar_waits_and_is_looked_at_again() -> None:
    case = waiting_case()
    assert case.case.waiting == ["finish"]
    assert case.case.finish_due is None
    assert case.case.next_alarm_at == case.now + timedelta(hours=1)
    # What can be counted is; an earlier alarm comes first.
    assert told(case.case.clocks["accept"].due) == "2026-12-22 18:00:00"
    case.now = at("2026-12-22 13:50")
    case.act(CHIEF, "accept")
    case.case.next_alarm_at = None
    assert case.sweep() == []
    assert case.case.next_alarm_at == case.now + timedelta(hours=1)
    case.response = KNOWN
    counted = case.sweep()
    assert [(e.action, e.payload) for e in counted] == [("count", {"rule": "calendar_entered"})]
    finish = case.case.clocks["finish"]
    assert (told(finish.began), finish.done) == ("2026-12-22 09:00:00", 0)
    assert case.case.waiting == []
    exact = KNOWN.start(KNOWN.policy(1), "finish", 4, {}, case.case.grid_code,
                        at("2026-12-22 09:00"))  # fmt: skip
    assert exact is not None
    assert (finish.amber, finish.due, finish.supervise) == exact


def test_what_was_reached_while_a_clock_waited_is_acted_on_when_it_is_counted() -> None:
    case = waiting_case()
    case.act(CHIEF, "accept")
    play(case, (CHIEF, "assign"), (HANDLER, "arrive"))
    case.now = at("2027-02-10 09:00")
    case.response = KNOWN
    rules = [e.payload["rule"] for e in case.sweep()]
    assert rules[0] == "calendar_entered"
    assert {"finish.amber", "finish.due", "finish.supervise"} <= set(rules)
    assert len(rules) == len(set(rules))


def test_a_suspension_does_not_run_down_a_clock_that_waits() -> None:
    """Counted later, it is what a clock that was counted at once would be."""
    late, counted = waiting_case(), Life(at("2026-12-22 09:00"), level=4, response=KNOWN)
    for case in (late, counted):
        play(case, *ON_SITE)
        case.now = at("2026-12-22 16:30")
        case.act(CHIEF, "suspend")
        case.now = at("2026-12-29 10:15")
        case.act(CHIEF, "resume")
    late.response = KNOWN
    late.sweep()
    assert marks(late, "finish") == marks(counted, "finish")


def test_a_suspension_that_ends_in_a_year_without_calendar_is_refused_with_that_year() -> None:
    case = Life(at("2026-12-22 09:00"), level=3, response=response(2025, 2026))
    play(case, *SUSPENDED_CASE)
    case.now = at("2027-01-04 09:00")
    with pytest.raises(CalendarMissing) as missing:
        case.act(CHIEF, "resume")
    assert missing.value.year == 2027


def test_what_is_shown_is_the_earliest_of_what_runs() -> None:
    case = life(level=2)
    clocks = case.case.clocks
    assert case.case.amber_at == moment(min(c.amber for c in clocks.values()))
    assert told(int((case.case.due_at or case.now).timestamp())) == "2026-03-02 09:30:00"
    assert case.case.next_alarm_at == case.case.amber_at == at("2026-03-02 09:21")
    case.now = at("2026-03-02 09:21")
    assert [e.payload["rule"] for e in case.sweep()] == ["accept.amber"]
    # The colour stays; the next alarm is the next mark.
    assert case.case.amber_at == at("2026-03-02 09:21")
    assert case.case.next_alarm_at == at("2026-03-02 09:30")
    case.now = at("2026-03-02 09:36")
    assert [e.action for e in case.sweep()] == ["mark-overdue", "supervise"]
    assert case.case.supervised_at == case.now
    play(case, (CHIEF, "accept"))
    assert case.case.due_at == at("2026-03-02 10:37")


def test_a_tier_that_is_over_is_left_so_nobody_supervises_it() -> None:
    case = play(life(level=4), *ON_SITE)
    tier = case.case.clocks["tier"]
    assert case.case.due_at == moment(tier.due)
    assert case.case.supervise_at == moment(case.case.clocks["finish"].supervise)
    case.now = moment(tier.due)
    assert [e.payload["rule"] for e in case.sweep()] == ["tier.amber", "tier.due"]
    assert (case.case.tier, case.case.state, case.case.unit_code) == (2, "reported", None)
    assert case.sweep() == []


def test_a_long_absence_of_the_worker_moves_a_case_one_tier_and_no_further() -> None:
    case = life(level=4)
    case.wait(days=60)
    events = case.sweep()
    assert [e.action for e in events].count("escalate") == 1
    assert case.case.tier == 2
    assert case.case.clocks["tier"].began == int(case.now.timestamp())


def test_the_first_arrival_is_judged_by_the_limit_that_ran_then() -> None:
    case = play(life(level=2), *ASSIGNED)
    case.now = at("2026-03-02 12:00")
    case.act(HANDLER, "handle")
    arrived, until = case.case.arrived_at, case.case.on_site_due
    assert (arrived, until) == (at("2026-03-02 12:00"), at("2026-03-02 11:02"))
    play(case, (CHIEF, "transfer"))
    assert "on_site" in case.case.clocks
    assert (case.case.arrived_at, case.case.on_site_due) == (arrived, until)


def test_each_decision_says_why() -> None:
    case = life(level=2)
    case.now = at("2026-03-02 09:30")
    warned, overdue = case.sweep()
    assert overdue.payload == {
        "automatic": True,
        "rule": "accept.due",
        "policy_version": 1,
        "limit": "30min",
        "began_at": at("2026-03-02 09:00").isoformat(),
        "reached_at": at("2026-03-02 09:30").isoformat(),
        "due_at": at("2026-03-02 09:30").isoformat(),
    }
    assert warned.payload["rule"] == "accept.amber"
    assert (overdue.actor_id.int, overdue.actor_role) == (0, "service")


def test_the_clocks_of_a_case_without_policy_do_not_run_but_its_pauses_are_counted() -> None:
    case = life()
    case.case.policy_version, case.case.clocks = None, {}
    play(case, *SUSPENDED_CASE)
    case.wait(hours=3)
    case.act(CHIEF, "resume")
    assert (case.case.clocks, case.case.suspended_seconds) == ({}, 3 * 3_600)


SWEEP = "sweep"
STEPS = st.lists(
    st.tuples(
        st.sampled_from([1, 59, 600, 3_600, 5 * 3_600, 86_400, 4 * 86_400]),
        st.integers(0, 10_000),
    ),
    max_size=25,
)


def lived(
    level: int, limits: dict[str, str], start: datetime, steps: list[tuple[int, int]]
) -> Life:
    """A life of random steps: each time one of all that anybody may do then, or a sweep."""
    case = Life(start, level=level, limits=limits, response=KNOWN)
    for gap, choice in steps:
        case.wait(seconds=gap)
        open_steps = [(who, action) for who in EVERYBODY for action in case.open_actions(who)]
        if choice % 5 == 0 or not open_steps:
            case.sweep()
            continue
        who, action = open_steps[choice % len(open_steps)]
        wall = level in (1, 2)
        body = {"duration": "1h" if wall else "1wh"} if action == "extend" else {}
        case.act(who, action, **body)
    return case


@settings(
    max_examples=120, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    level=st.sampled_from([1, 2, 3, 4]),
    own=st.booleans(),
    start=st.datetimes(datetime(2026, 1, 2), datetime(2026, 10, 10)),  # noqa: DTZ001
    steps=STEPS,
)
def test_a_simulation_tells_of_a_life_what_its_own_clocks_told(
    level: int, own: bool, start: datetime, steps: list[tuple[int, int]]
) -> None:
    """The same clocks with the same limits, late and supervised alike, whatever happened."""
    limits = {"finish": "2h" if level < 3 else "5wh"} if own else {}
    case = lived(level, limits, at(start.isoformat(" ", "seconds")), steps)
    now = int(case.now.timestamp())
    runs = replay(case.history(), KNOWN.policy(1), KNOWN, now)
    told_by_replay = sorted(Ran(r.clock, r.tier, r.due, r.late, r.supervised) for r in runs)
    assert told_by_replay == case.finished()


@settings(max_examples=120, derandomize=True, deadline=None)
@given(level=st.sampled_from([1, 2, 3, 4]), steps=STEPS)
def test_no_deadline_is_lost_whatever_happens(level: int, steps: list[tuple[int, int]]) -> None:
    case = lived(level, {}, at(START), steps)
    found = case.case
    if found.state not in OPEN_STATES:
        assert (found.clocks, found.next_alarm_at) == ({}, None)
    elif found.state == SUSPENDED:
        assert found.next_alarm_at is None
    else:
        assert found.clocks.keys() & {"finish", "close"}
        ahead = [d.at for n, c in found.clocks.items() for d in clockwork._open_marks(n, c)]
        assert found.next_alarm_at == (moment(min(ahead)) if ahead else None)
    case.wait(days=1)
    case.sweep()
    assert clockwork.due(found, case.now) == []
    times = [event.recorded_at for event in case.events]
    assert times == sorted(times)
