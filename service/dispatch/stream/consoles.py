"""Consoles: what each may see, what waits to be sent to it, and which of them an event concerns."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.dispatch.stream.history import Case, Entry
from service.dispatch.stream.ids import Place

LEVELS = (6, 9, 12, 15)
# Events that may wait for a slow console; beyond it, it is sent away and resumes.
BUFFERED = 1_000
SLICE = 500
REASONS = {
    "token_expired": (
        "访问令牌已到期，请更新令牌后重新连接。",
        "The token ended: renew it, resume.",
    ),
    "access_revoked": ("您已无权查看事件。", "You may no longer read incidents."),
    "too_slow": ("接收过慢，请重新连接续传。", "Too slow in taking events: connect again, resume."),
    "closing": ("服务正在停止，请稍后重新连接续传。", "The service stops: connect again, resume."),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller may read, as row-level security judges it: areas, units, less its own."""

    areas: frozenset[str]
    units: frozenset[str]
    hidden: frozenset[str]

    @classmethod
    def of(cls, subject: Subject) -> Reach:
        """The reach of an account with its grants."""
        areas = frozenset(subject.area_prefixes(Permission.INCIDENT_READ))
        return cls(areas, subject.units, subject.own_units)

    def reads(self, case: Case) -> bool:
        """Whether the case may be read."""
        if case.concerns is not None and case.concerns in self.hidden:
            return False
        if any(case.grid[:level] in self.areas for level in LEVELS):
            return True
        return not self.units.isdisjoint(case.units)

    def lost(self, entry: Entry) -> bool:
        """Whether the case left the caller's reach with this event."""
        if entry.case.concerns is not None and entry.case.concerns in self.hidden:
            return False
        return not self.units.isdisjoint(entry.lost) and not self.reads(entry.case)


class Console:
    """One open stream."""

    def __init__(self, subject: Subject, owner: bytes, after: Place) -> None:
        self.subject = subject
        self.reach = Reach.of(subject)
        self.owner = owner
        self.after = after
        self._opening: list[bytes] = []
        self._waiting: list[bytes] = []
        self._ready = asyncio.Event()
        self._end: bytes | None = None

    def open_with(self, frames: Iterable[bytes]) -> None:
        """What is sent before anything else."""
        self._opening += frames

    def frames_of(self, entries: Iterable[Entry]) -> Iterable[bytes]:
        """What of these events is for this console."""
        for entry in entries:
            if entry.place <= self.after:
                continue
            if self.reach.reads(entry.case):
                yield entry.frame(self.owner)
            elif self.reach.lost(entry):
                yield entry.gone(self.owner)

    def take(self, entry: Entry) -> None:
        """Queue an event that concerns this console, if it is one that it has not got."""
        if self._end is not None:
            return
        self._waiting += self.frames_of((entry,))
        if len(self._waiting) > BUFFERED:
            self._waiting.clear()
            self.end("too_slow")
        self._ready.set()

    def end(self, reason: str) -> None:
        """Send what waits, say why, and be done."""
        if self._end is None:
            zh, en = REASONS[reason]
            told = msgspec.json.encode({"code": reason, "zh": zh, "en": en})
            self._end = b"event: end\ndata: %b\n\n" % told
            self._ready.set()

    @property
    def ended(self) -> bool:
        """Whether nothing more will be queued."""
        return self._end is not None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The stream, several events at once where several wait."""
        opening, self._opening = self._opening, []
        for start in range(0, len(opening), SLICE):
            yield b"".join(opening[start : start + SLICE])
        del opening
        while True:
            await self._ready.wait()
            self._ready.clear()
            waiting, self._waiting = self._waiting, []
            if waiting:
                yield b"".join(waiting)
            elif self._end is not None:
                yield self._end
                return
            if self._end is not None:
                self._ready.set()


class Consoles:
    """All open consoles, found by area and unit, so that an event meets only those it concerns."""

    def __init__(self) -> None:
        self._all: set[Console] = set()
        self._by_area: defaultdict[str, set[Console]] = defaultdict(set)
        self._by_unit: defaultdict[str, set[Console]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Console]:
        return iter(tuple(self._all))

    def add(self, console: Console) -> None:
        """Let events come to it."""
        self._all.add(console)
        for area in console.reach.areas:
            self._by_area[area].add(console)
        for unit in console.reach.units:
            self._by_unit[unit].add(console)

    def remove(self, console: Console) -> None:
        """Let no more come."""
        self._all.discard(console)
        for index, keys in (
            (self._by_area, console.reach.areas), (self._by_unit, console.reach.units)
        ):  # fmt: skip
            for key in keys:
                index[key].discard(console)
                if not index[key]:
                    del index[key]

    def change(self, console: Console, subject: Subject) -> None:
        """Go on with what the account may read now."""
        self.remove(console)
        console.subject = subject
        console.reach = Reach.of(subject)
        self.add(console)

    def deliver(self, entries: Iterable[Entry]) -> int:
        """Queue each event for those whom it concerns; how many had to be looked after."""
        many = 0
        for entry in entries:
            concerned = self._concerned(entry)
            many += len(concerned)
            for console in concerned:
                console.take(entry)
        return many

    def _concerned(self, entry: Entry) -> set[Console]:
        grid = entry.case.grid
        found: set[Console] = set()
        for level in LEVELS:
            found |= self._by_area.get(grid[:level], set())
        for unit in entry.case.units | entry.lost:
            found |= self._by_unit.get(unit, set())
        return found
