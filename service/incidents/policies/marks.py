"""Deadlines of one clock: when it turns amber, is due, is supervised; paused and extended. Pure.

All times are epoch seconds. Limits in `wh` and `wd` run on a work axis (see worktime): a `wh` is
3,600 working seconds, a `wd` the working seconds of one full day there. `min`, `h` and `d` run on
the wall clock, day and night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.incidents.policies.worktime import DAY, HOUR, WorkTime
from service.kit.durations import Duration, DurationUnit

# Units that run day and night, in seconds.
WALL = {DurationUnit.MINUTE: 60, DurationUnit.HOUR: HOUR, DurationUnit.DAY: DAY}
# For limits that need no work time.
NO_AXIS = WorkTime((), (), ())


@dataclass(frozen=True, slots=True)
class Shares:
    """At which shares of a limit a clock turns amber, is due (red) and is supervised."""

    amber: float = 0.70
    red: float = 1.0
    supervise: float = 1.2


DEFAULT_SHARES = Shares()


class Marks(NamedTuple):
    """When a clock turns amber, is due, and is supervised: epoch seconds, in this order."""

    amber: int
    due: int
    supervise: int


def seconds_of(limit: Duration, axis: WorkTime) -> int:
    """The limit's length in seconds of its own clock: working seconds for `wh` and `wd`."""
    wall = WALL.get(limit.unit)
    if wall is not None:
        return limit.count * wall
    day = limit.unit is DurationUnit.WORK_DAY
    return limit.count * (axis.day_seconds if day else HOUR)


def marks(
    start: datetime, limit: Duration, axis: WorkTime, shares: Shares = DEFAULT_SHARES
) -> Marks:
    """The marks of a clock that starts now. Raises CalendarMissing."""
    return marks_at(int(start.timestamp()), limit, axis, shares)


def marks_at(start: int, limit: Duration, axis: WorkTime, shares: Shares = DEFAULT_SHARES) -> Marks:
    """The same from an epoch second. Raises CalendarMissing."""
    length = seconds_of(limit, axis)
    amber, due = round(length * shares.amber), round(length * shares.red)
    supervise = round(length * shares.supervise)
    if limit.unit in WALL:
        return Marks(start + amber, start + due, start + supervise)
    at, second = axis.position_at(start), axis.second
    return Marks(second(at + amber), second(at + due), second(at + supervise))


def resume(
    running: Marks, suspended: int, resumed: int, unit: DurationUnit, axis: WorkTime
) -> Marks:
    """The marks after a pause: what was left of each when it began is left when it ends.

    What had passed stays as it was. Raises CalendarMissing.
    """
    if not unit.by_calendar:
        return Marks(*(m if m <= suspended else m + resumed - suspended for m in running))
    before, after = axis.position_at(suspended), axis.position_at(resumed)
    return Marks(
        *(
            m if m <= suspended else axis.second(axis.position_at(m) - before + after)
            for m in running
        )
    )


def extend(running: Marks, granted: Duration, axis: WorkTime) -> Marks:
    """The marks with `granted` added to each, on its own clock. Raises CalendarMissing."""
    length = seconds_of(granted, axis)
    if granted.unit in WALL:
        return Marks(*(m + length for m in running))
    return Marks(*(axis.second(axis.position_at(m) + length) for m in running))


def within(granted: Duration, original: Duration, share: float, axis: WorkTime) -> bool:
    """Whether an extension is at most `share` of the original limit, on the same clock."""
    if granted.unit.by_calendar != original.unit.by_calendar:
        return False
    return seconds_of(granted, axis) <= seconds_of(original, axis) * share
