"""Work time as an axis: how many working seconds lie before a moment, and the way back.

Pure and exact to the second. A moment counts from the beginning of its second. Days are those of
China (UTC+8, no daylight saving). Positions are whole working seconds since the beginning of the
first year entered; they only compare on the same axis.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from service.incidents.policies.errors import CalendarMissing
from service.kit.clock import CHINA

DAY = 86_400
HOUR = 3_600
UTC_OFFSET = 8 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()
# What stands on the axis for a year that nobody has entered: more than any limit, so that no
# limit can be counted across it.
_UNKNOWN = 10**10

Spans = tuple[tuple[int, int], ...]


def midnight(day: date) -> int:
    """The epoch second at which `day` begins in China."""
    return (day.toordinal() - _EPOCH) * DAY - UTC_OFFSET


def year_at(second: int) -> int:
    """The year in China at an epoch second."""
    return datetime.fromtimestamp(second, CHINA).year


class WorkTime:
    """An immutable axis of working seconds. Look-ups are one bisection each (about 1 µs).

    Made from the working days of whole years, the daily `spans` as seconds after midnight (in
    order, not touching), and the years covered. Anything that falls in another year raises
    CalendarMissing with that year.
    """

    __slots__ = ("_before", "_lengths", "_starts", "day_seconds", "spans", "years")

    def __init__(self, days: Iterable[date], spans: Spans, years: Iterable[int]) -> None:
        self.spans = spans
        self.years = tuple(sorted(set(years)))
        self.day_seconds = sum(end - start for start, end in spans)
        self._starts: list[int] = []
        self._before: list[int] = []
        self._lengths: list[int] = []
        self._lay(sorted(set(days)))

    def position(self, moment: datetime) -> int:
        """Working seconds before `moment`. Raises CalendarMissing."""
        return self.position_at(int(moment.timestamp()))

    def moment(self, position: int) -> datetime:
        """The earliest moment (UTC) with this position: the end of a day, not the next morning.

        Raises CalendarMissing.
        """
        return datetime.fromtimestamp(self.second(position), UTC)

    def position_at(self, second: int) -> int:
        """Working seconds before an epoch second. Raises CalendarMissing."""
        i = bisect_right(self._starts, second) - 1
        length = self._lengths[i] if i >= 0 else -1
        if length < 0:
            raise CalendarMissing(year_at(second))
        passed = second - self._starts[i]
        return self._before[i] + min(length, passed)

    def second(self, position: int) -> int:
        """The earliest epoch second with this position. Raises CalendarMissing."""
        i = bisect_left(self._before, position) - 1
        if i >= 0:
            into = position - self._before[i]
            if into <= self._lengths[i]:
                return self._starts[i] + into
        if i + 1 < len(self._before) and self._before[i + 1] == position:
            return self._starts[i + 1]
        raise CalendarMissing(self._year_beyond(i))

    def _year_beyond(self, i: int) -> int:
        """The missing year that a position behind entry `i` falls in."""
        if i < 0:
            return self.years[0] - 1 if self.years else year_at(0)
        return year_at(self._starts[i])

    def _lay(self, days: Sequence[date]) -> None:
        """Entries by time: each working span, each beginning of a run of years, each gap."""
        total, at = 0, 0
        for run in _runs(self.years):
            self._enter(midnight(date(run[0], 1, 1)), total, 0)
            until = date(run[-1] + 1, 1, 1)
            while at < len(days) and days[at] < until:
                begin = midnight(days[at])
                at += 1
                for start, end in self.spans:
                    self._enter(begin + start, total, end - start)
                    total += end - start
            self._enter(midnight(until), total, -1)
            total += _UNKNOWN

    def _enter(self, start: int, before: int, length: int) -> None:
        self._starts.append(start)
        self._before.append(before)
        self._lengths.append(length)


def _runs(years: Sequence[int]) -> list[list[int]]:
    """Years without a gap between them, together."""
    runs: list[list[int]] = []
    for year in years:
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return runs
