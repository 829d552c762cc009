"""The notation of limits: a whole number and a unit, for example `4wh`, `30d`, `2h`.

| unit | meaning |
|---|---|
| `min` | minutes by the wall clock |
| `h` | hours by the wall clock |
| `d` | calendar days |
| `wh` | work hours: only time inside working hours of working days counts |
| `wd` | work days of the deployment's calendar, make-up working days included |

A number is 1 to 999 without sign, leading zero or space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SHAPE = re.compile(r"([1-9][0-9]{0,2})(min|h|d|wh|wd)", re.ASCII)


class DurationUnit(StrEnum):
    """What a limit is counted in."""

    MINUTE = "min"
    HOUR = "h"
    DAY = "d"
    WORK_HOUR = "wh"
    WORK_DAY = "wd"

    @property
    def by_calendar(self) -> bool:
        """Whether the work calendar decides how long it really lasts."""
        return self in (DurationUnit.WORK_HOUR, DurationUnit.WORK_DAY)


class BadDuration(ValueError):
    """The text is not in the notation of limits; `given` is what was found."""

    code = "bad_duration"

    def __init__(self, given: str) -> None:
        super().__init__(f"{given[:40]!r} is not a duration such as 30min, 4wh, 24h, 3wd or 30d")
        self.given = given


@dataclass(frozen=True, slots=True)
class Duration:
    """A limit's length: `count` of `unit`. Its text is the notation that it was read from."""

    count: int
    unit: DurationUnit

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def parse_duration(text: str) -> Duration:
    """The duration that `text` notes. Raises BadDuration."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadDuration(text)
    return Duration(int(found[1]), DurationUnit(found[2]))
