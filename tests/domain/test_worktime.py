"""Work time: hand-made tables around 2026's holidays and make-up days, and what always holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.incidents.policies.errors import CalendarMissing
from service.incidents.policies.marks import (
    Marks,
    Shares,
    extend,
    marks,
    marks_at,
    resume,
    seconds_of,
    within,
)
from service.incidents.policies.seed import known_years, statutory_days
from service.incidents.policies.workdays import (
    Calendar,
    CalendarDay,
    calendar_faults,
    parse_spans,
    parse_time,
    span_faults,
    working_days,
)
from service.incidents.policies.worktime import WorkTime
from service.kit.durations import DurationUnit, parse_duration
from tests.worktimes import WORK_DAY, at, axis, second, told

# When it starts, the limit, when it is due. Make-up days of 2026: 01-04, 02-14, 02-28, 05-09,
# 09-20, 10-10. Spring Festival 02-15 to 02-23, National Day 10-01 to 10-07.
DUE = [
    # An ordinary day, its lunch, its edges.
    ("2026-03-04 09:00:00", "4wh", "2026-03-04 15:00:00"),
    ("2026-03-04 09:00:00", "3wh", "2026-03-04 12:00:00"),
    ("2026-03-04 11:59:59", "1wh", "2026-03-04 14:59:59"),
    ("2026-03-04 12:00:00", "1wh", "2026-03-04 15:00:00"),
    ("2026-03-04 13:30:00", "1wh", "2026-03-04 15:00:00"),
    ("2026-03-04 14:00:00", "1wh", "2026-03-04 15:00:00"),
    ("2026-03-04 08:59:59", "1wh", "2026-03-04 10:00:00"),
    ("2026-03-04 00:00:00", "1wh", "2026-03-04 10:00:00"),
    ("2026-03-04 18:00:00", "1wh", "2026-03-05 10:00:00"),
    ("2026-03-04 23:59:59", "1wh", "2026-03-05 10:00:00"),
    ("2026-03-04 17:59:59", "1wh", "2026-03-05 09:59:59"),
    ("2026-03-04 09:00:00", "7wh", "2026-03-04 18:00:00"),
    ("2026-03-04 09:00:01", "7wh", "2026-03-05 09:00:01"),
    # A work day is a full one: from inside a day to the same time of the next.
    ("2026-03-04 10:15:30", "1wd", "2026-03-05 10:15:30"),
    ("2026-03-04 08:00:00", "1wd", "2026-03-04 18:00:00"),
    ("2026-03-04 12:30:00", "1wd", "2026-03-05 12:00:00"),
    # Over a weekend.
    ("2026-03-06 17:00:00", "4wh", "2026-03-09 12:00:00"),
    ("2026-03-07 10:00:00", "4wh", "2026-03-09 15:00:00"),
    ("2026-03-08 23:00:00", "1wd", "2026-03-09 18:00:00"),
    # New Year: 01-01 to 01-03 off, Sunday 01-04 worked.
    ("2025-12-31 17:00:00", "2wh", "2026-01-04 10:00:00"),
    ("2026-01-02 09:00:00", "1wd", "2026-01-04 18:00:00"),
    ("2026-01-04 16:00:00", "1wd", "2026-01-05 16:00:00"),
    # Spring Festival: Saturday 02-14 worked, off from the 15th to the 23rd.
    ("2026-02-13 17:00:00", "2wh", "2026-02-14 10:00:00"),
    ("2026-02-14 17:00:00", "2wh", "2026-02-24 10:00:00"),
    ("2026-02-13 10:00:00", "1wd", "2026-02-14 10:00:00"),
    ("2026-02-13 10:00:00", "2wd", "2026-02-24 10:00:00"),
    ("2026-02-17 00:00:00", "4wh", "2026-02-24 15:00:00"),
    ("2026-02-23 23:59:59", "1wd", "2026-02-24 18:00:00"),
    ("2026-02-27 17:30:00", "1wh", "2026-02-28 09:30:00"),  # Saturday 02-28 worked
    ("2026-02-28 17:30:00", "1wh", "2026-03-02 09:30:00"),
    # Labour Day: 05-01 to 05-05 off, Saturday 05-09 worked.
    ("2026-04-30 14:00:00", "1wd", "2026-05-06 12:00:00"),
    ("2026-05-08 15:00:00", "1wd", "2026-05-09 15:00:00"),
    # National Day: Sunday 09-20 worked, off 10-01 to 10-07, Saturday 10-10 worked.
    ("2026-09-18 17:00:00", "1wd", "2026-09-20 17:00:00"),
    ("2026-09-30 17:59:59", "1wh", "2026-10-08 09:59:59"),
    ("2026-09-30 18:00:00", "1wh", "2026-10-08 10:00:00"),
    ("2026-09-30 10:00:00", "3wd", "2026-10-10 10:00:00"),
    ("2026-09-30 10:00:00", "4wd", "2026-10-12 10:00:00"),
    ("2026-10-03 12:00:00", "15wd", "2026-10-27 18:00:00"),
    # Across a year that is entered.
    ("2024-12-31 16:00:00", "1wd", "2025-01-02 16:00:00"),
    # The wall clock does not care.
    ("2026-02-14 17:50:00", "30min", "2026-02-14 18:20:00"),
    ("2026-02-14 23:50:00", "24h", "2026-02-15 23:50:00"),
    ("2026-12-20 10:00:00", "30d", "2027-01-19 10:00:00"),
]


@pytest.mark.parametrize(("start", "limit", "due"), DUE)
def test_a_limit_is_due_exactly_then(start: str, limit: str, due: str) -> None:
    found = marks(at(start), parse_duration(limit), axis())
    assert told(found.due) == due


def test_amber_due_and_supervision_are_shares_of_the_limit() -> None:
    # 10 work hours from Wednesday 10:00: 70 % is 7 wh, 120 % is 12 wh.
    found = marks(at("2026-03-04 10:00"), parse_duration("10wh"), axis())
    assert [told(m) for m in found] == [
        "2026-03-05 10:00:00", "2026-03-05 15:00:00", "2026-03-05 17:00:00",
    ]  # fmt: skip
    wall = marks(at("2026-03-04 10:00"), parse_duration("10h"), axis(), Shares(0.5, 1.0, 2.0))
    assert [told(m)[11:16] for m in wall] == ["15:00", "20:00", "06:00"]


def test_a_moment_counts_from_the_beginning_of_its_second() -> None:
    start = at("2026-03-04 10:00:00")
    late = start + timedelta(microseconds=999_999)
    for limit in ("5min", "4wh"):
        assert marks(late, parse_duration(limit), axis()) == marks(
            start, parse_duration(limit), axis()
        )


def test_the_six_make_up_days_of_2026_are_worked_and_the_feasts_are_not() -> None:
    worked = set(working_days(Calendar(2026, tuple(statutory_days(2026)))))
    make_up = {(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)}
    assert {(d.month, d.day) for d in worked if d.weekday() >= 5} == make_up
    assert len(worked) == 248
    assert not worked & {date(2026, 2, 17), date(2026, 10, 1), date(2026, 5, 1)}
    assert list(known_years())[:3] == [2024, 2025, 2026]


# The axis: moment, working seconds since the beginning of 2026 (Sunday 01-04 is the first day).
POSITIONS = [
    ("2026-01-01 00:00:00", 0),
    ("2026-01-04 09:00:00", 0),
    ("2026-01-04 09:00:01", 1),
    ("2026-01-04 11:59:59", 3 * 3_600 - 1),
    ("2026-01-04 12:00:00", 3 * 3_600),
    ("2026-01-04 13:00:00", 3 * 3_600),
    ("2026-01-04 14:00:01", 3 * 3_600 + 1),
    ("2026-01-04 18:00:00", WORK_DAY),
    ("2026-01-05 08:59:59", WORK_DAY),
    ("2026-01-05 09:00:01", WORK_DAY + 1),
    ("2026-12-31 23:59:59", 248 * WORK_DAY),
]


@pytest.mark.parametrize(("moment", "position"), POSITIONS)
def test_a_moment_has_its_position(moment: str, position: int) -> None:
    assert axis((2026,)).position(at(moment)) == position


@pytest.mark.parametrize(
    ("position", "moment"),
    [
        (0, "2026-01-01 00:00:00"),
        (1, "2026-01-04 09:00:01"),
        (3 * 3_600, "2026-01-04 12:00:00"),
        (3 * 3_600 + 1, "2026-01-04 14:00:01"),
        (WORK_DAY, "2026-01-04 18:00:00"),
        (248 * WORK_DAY, "2026-12-31 18:00:00"),
    ],
)
def test_a_position_is_first_reached_at_the_end_of_work(position: int, moment: str) -> None:
    found = axis((2026,)).moment(position)
    assert found == at(moment)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("years", "start", "limit", "missing"),
    [
        ((2026,), "2026-12-30 10:00", "2wd", 2027),
        ((2026,), "2026-12-31 18:00", "1wh", 2027),
        ((2026,), "2026-12-31 16:00", "2wh", 2027),  # due at 18:00, but supervised next year
        ((2026,), "2027-01-01 00:00", "1wh", 2027),
        ((2026,), "2025-12-31 23:59:59", "1wh", 2025),
        ((2024, 2026), "2024-12-31 17:00", "2wh", 2025),
        ((2024, 2026), "2025-06-02 10:00", "2wh", 2025),
        ((2024, 2026), "2030-06-02 10:00", "2wh", 2030),
        ((), "2026-03-04 10:00", "1wd", 2026),
    ],
)
def test_a_year_that_nobody_entered_is_never_guessed(
    years: tuple[int, ...], start: str, limit: str, missing: int
) -> None:
    with pytest.raises(CalendarMissing) as caught:
        marks(at(start), parse_duration(limit), axis(years))
    assert caught.value.year == missing
    assert str(missing) in caught.value.text("zh")
    assert caught.value.text("en").startswith(f"The work calendar of {missing} is not entered")


def test_years_around_a_gap_are_counted_each_for_itself() -> None:
    found = marks(at("2026-01-05 10:00"), parse_duration("1wd"), axis((2024, 2026)))
    assert told(found.due) == "2026-01-06 10:00:00"
    begin = axis((2024, 2026)).position(at("2026-01-01 00:00"))
    assert axis((2024, 2026)).moment(begin) == at("2026-01-01 00:00")
    for beyond in (-1, begin - 1, begin + 10**9):
        with pytest.raises(CalendarMissing):
            axis((2024, 2026)).moment(beyond)


def test_the_last_year_may_be_used_up_to_its_last_working_second() -> None:
    found = marks_at(second("2026-12-31 17:00"), parse_duration("1wh"), axis((2026,)),
                     Shares(0.7, 1.0, 1.0))  # fmt: skip
    assert told(found.due) == "2026-12-31 18:00:00"


SUSPENSIONS = [
    # Inside the day: one hour stopped is one hour later.
    ("2026-03-04 10:00", "4wh", "2026-03-04 11:00", "2026-03-04 14:30", "2026-03-04 17:30"),
    # Over the holiday: 3 work hours were left, 3 are left.
    ("2026-09-30 10:00", "4wh", "2026-09-30 11:00", "2026-10-05 12:00", "2026-10-08 12:00"),
    ("2026-09-30 10:00", "4wh", "2026-09-30 11:00", "2026-10-08 16:00", "2026-10-09 10:00"),
    # Stopped and resumed outside of work: nothing is lost or won.
    ("2026-02-14 16:00", "4wh", "2026-02-14 19:00", "2026-02-20 08:00", "2026-02-24 11:00"),
    # The wall clock: what was left is left.
    ("2026-02-14 16:00", "4h", "2026-02-14 17:00", "2026-02-20 08:00", "2026-02-20 11:00"),
]


@pytest.mark.parametrize(("start", "limit", "stopped", "resumed", "due"), SUSPENSIONS)
def test_what_was_left_at_a_suspension_is_left_after_it(
    start: str, limit: str, stopped: str, resumed: str, due: str
) -> None:
    length = parse_duration(limit)
    running = marks(at(start), length, axis())
    after = resume(running, second(stopped), second(resumed), length.unit, axis())
    assert told(after.due) == f"{due}:00"


def test_what_had_passed_before_a_suspension_stays_passed() -> None:
    length = parse_duration("10h")
    running = marks(at("2026-03-04 00:00"), length, axis())
    stopped = second("2026-03-04 08:00")
    after = resume(running, stopped, stopped + 3_600, length.unit, axis())
    assert after.amber == running.amber
    assert after.due == running.due + 3_600
    work = Marks(stopped - 5, second("2026-03-04 10:00"), second("2026-03-04 11:00"))
    shifted = resume(work, stopped, second("2026-03-05 08:00"), DurationUnit.WORK_HOUR, axis())
    assert [told(m) for m in shifted[1:]] == ["2026-03-05 10:00:00", "2026-03-05 11:00:00"]
    assert shifted.amber == work.amber


@pytest.mark.parametrize(
    ("limit", "granted", "due"),
    [
        ("3wd", "3wd", "2026-10-14 10:00:00"),
        ("3wd", "4wh", "2026-10-10 16:00:00"),
        ("24h", "24h", "2026-10-02 10:00:00"),
    ],
)
def test_an_extension_moves_every_mark_by_what_is_granted(
    limit: str, granted: str, due: str
) -> None:
    running = marks(at("2026-09-30 10:00"), parse_duration(limit), axis())
    found = extend(running, parse_duration(granted), axis())
    assert told(found.due) == due
    assert found.amber > running.amber
    assert found.supervise > running.supervise


@pytest.mark.parametrize(
    ("granted", "original", "share", "fits"),
    [
        ("3wd", "3wd", 1.0, True),
        ("4wd", "3wd", 1.0, False),
        ("7wh", "1wd", 1.0, True),
        ("8wh", "1wd", 1.0, False),
        ("2wd", "4wd", 0.5, True),
        ("60min", "1h", 1.0, True),
        ("1d", "24h", 1.0, True),
        ("25h", "1d", 1.0, False),
        ("1h", "1wd", 1.0, False),
        ("1wh", "30d", 1.0, False),
    ],
)
def test_an_extension_is_at_most_a_share_of_the_original_on_the_same_clock(
    granted: str, original: str, share: float, *, fits: bool
) -> None:
    assert within(parse_duration(granted), parse_duration(original), share, axis()) is fits


def test_a_work_day_is_as_long_as_the_hours_say() -> None:
    whole = axis((2026,), (("00:00", "24:00"),))
    assert seconds_of(parse_duration("1wd"), whole) == 86_400
    assert seconds_of(parse_duration("2wd"), axis()) == 2 * WORK_DAY
    found = marks(at("2026-09-30 20:00"), parse_duration("8wh"), whole)
    assert told(found.due) == "2026-10-08 04:00:00"


YEARS = (2025, 2026)
START, END = second("2025-01-01 00:00"), second("2027-01-01 00:00")
moments = st.integers(START, END - 1)
# So far that what is added never leaves the years entered.
early = st.integers(START, second("2026-06-30 00:00"))
spans = st.sampled_from(
    [(("09:00", "12:00"), ("14:00", "18:00")), (("00:00", "24:00"),), (("22:00", "23:59"),)]
)


@given(one=moments, other=moments, hours=spans)
def test_positions_never_run_backwards_nor_faster_than_time(
    one: int, other: int, hours: tuple[tuple[str, str], ...]
) -> None:
    line = axis(YEARS, hours)
    low, high = sorted((one, other))
    assert 0 <= line.position_at(high) - line.position_at(low) <= high - low


@given(start=early, added=st.integers(0, 60 * 3_600), hours=spans)
def test_a_moment_has_the_position_that_it_was_made_from_and_is_the_earliest(
    start: int, added: int, hours: tuple[tuple[str, str], ...]
) -> None:
    line = axis(YEARS, hours)
    wanted = line.position_at(start) + added
    found = line.second(wanted)
    assert line.position_at(found) == wanted
    assert found == START or line.position_at(found - 1) < wanted
    assert line.moment(wanted) == datetime.fromtimestamp(found, UTC)


@given(start=early, hours=st.integers(1, 80), days=st.integers(1, 30))
def test_marks_stand_in_order_and_longer_limits_are_due_later(
    start: int, hours: int, days: int
) -> None:
    line = axis(YEARS)
    for unit in DurationUnit:
        shorter = marks_at(start, parse_duration(f"{hours}{unit}"), line)
        longer = marks_at(start, parse_duration(f"{hours + days}{unit}"), line)
        assert shorter.amber <= shorter.due <= shorter.supervise
        assert shorter.due < longer.due
        assert start < shorter.amber


@given(
    start=early, after=st.integers(0, 5 * 86_400), pause=st.integers(0, 40 * 86_400),
    unit=st.sampled_from(list(DurationUnit)),
)  # fmt: skip
def test_a_suspension_never_shortens_and_leaves_what_was_left(
    start: int, after: int, pause: int, unit: DurationUnit
) -> None:
    line = axis(YEARS)
    running = marks_at(start, parse_duration(f"9{unit}"), line)
    stopped, resumed = start + after, start + after + pause
    found = resume(running, stopped, resumed, unit, line)
    for before, now in zip(running, found, strict=True):
        assert now >= before
        if before <= stopped:
            assert now == before
        elif unit.by_calendar:
            left = line.position_at(before) - line.position_at(stopped)
            assert line.position_at(now) - line.position_at(resumed) == left
        else:
            assert now - resumed == before - stopped


def test_an_axis_never_changes_with_the_order_of_what_it_is_made_from() -> None:
    days = working_days(Calendar(2026, ()))
    forwards = WorkTime(days, parse_spans([["09:00", "12:00"]]), [2026])
    backwards = WorkTime(reversed(days), parse_spans([["09:00", "12:00"]]), (2026, 2026))
    moment = at("2026-07-01 10:00")
    assert forwards.position(moment) == backwards.position(moment)


HOLIDAY, WORKDAY = date(2026, 10, 1), date(2026, 10, 10)


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        ([], []),
        ([CalendarDay(HOLIDAY, "holiday"), CalendarDay(WORKDAY, "workday")], []),
        ([CalendarDay(WORKDAY, "holiday")], []),
        ([CalendarDay(date(2027, 1, 1), "holiday")], ["other_year"]),
        ([CalendarDay(HOLIDAY, "holiday")] * 2, ["duplicate"]),
        ([CalendarDay(WORKDAY, "workday"), CalendarDay(WORKDAY, "holiday")], ["duplicate"]),
        ([CalendarDay(HOLIDAY, "workday")], ["works_anyway"]),
    ],
)
def test_a_calendar_that_contradicts_itself_is_told_where(
    days: list[CalendarDay], codes: list[str]
) -> None:
    assert [f.code for f in calendar_faults(2026, days)] == codes


@pytest.mark.parametrize(
    ("hours", "codes"),
    [
        ([["09:00", "12:00"], ["14:00", "18:00"]], []),
        ([["00:00", "24:00"]], []),
        ([], ["empty"]),
        ([["12:00", "09:00"]], ["backwards"]),
        ([["09:00", "09:00"]], ["backwards"]),
        ([["09:00", "12:00"], ["11:00", "18:00"]], ["overlapping"]),
        ([["09:00", "12:00"], ["12:00", "18:00"]], ["overlapping"]),
        ([["14:00", "18:00"], ["09:00", "12:00"]], ["overlapping"]),
    ],
)
def test_spans_run_forward_and_keep_apart(hours: list[list[str]], codes: list[str]) -> None:
    assert [f.code for f in span_faults(parse_spans(hours))] == codes


@pytest.mark.parametrize("text", ["", "9:00", "24:01", "25:00", "12:60", "12:00:00", "１2:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_time(text)
