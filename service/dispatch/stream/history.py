"""The last events that this process has read, in commit order, to be given again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

import asyncpg

from service.dispatch.stream.ids import START, EventIds, Place


@dataclass(slots=True, weakref_slot=True, eq=False)
class Case:
    """Where a case is and in whose hands, as last seen: all its events share it."""

    grid: str
    unit: str | None
    co_units: tuple[str, ...]
    concerns: str | None

    @property
    def units(self) -> frozenset[str]:
        """The units that have a part in it."""
        return frozenset((*self.co_units, *((self.unit,) if self.unit else ())))


@dataclass(slots=True, eq=False)
class Entry:
    """One event: its place, its two parts around the account's half of the id, its case.

    `lost` are the units whose part in the case ended with it.
    """

    place: Place
    case: Case
    head: bytes
    tail: bytes
    farewell: bytes
    lost: frozenset[str] = frozenset()

    def frame(self, owner: bytes) -> bytes:
        """The event as it goes to a console."""
        return b"%b%b%b" % (self.head, owner, self.tail)

    def gone(self, owner: bytes) -> bytes:
        """What a unit is told whose case this no longer is."""
        return b"%b%b%b" % (self.head, owner, self.farewell)


class History:
    """A bounded row of events: everything after `floor` up to `position` is here."""

    def __init__(self, ids: EventIds, size: int) -> None:
        self._ids = ids
        self._size = size
        self._entries: list[Entry] = []
        self._cases: WeakValueDictionary[str, Case] = WeakValueDictionary()
        self.floor = START
        self.position = START

    def begin(self, newest_first: Sequence[asyncpg.Record]) -> None:
        """Take over the last events of the database."""
        rows = list(reversed(newest_first))
        self.add(rows)
        if len(rows) >= self._size:
            self.floor = self._entries[0].place
        self._mark_lost(rows)

    def add(self, rows: Sequence[asyncpg.Record]) -> list[Entry]:
        """The entries of newly read rows, which come next in commit order."""
        made = [self._entry(row) for row in rows]
        self._entries += made
        if made:
            self.position = made[-1].place
        if len(self._entries) > self._size * 5 // 4:
            surplus = len(self._entries) - self._size
            self.floor = self._entries[surplus - 1].place
            del self._entries[:surplus]
        return made

    def after(self, place: Place) -> list[Entry]:
        """What came after `place`, which must not lie before `floor`."""
        return self._entries[bisect_right(self._entries, place, key=lambda e: e.place) :]

    def _entry(self, row: asyncpg.Record) -> Entry:
        place = Place(int(row["xact"]), row["id"])
        case, lost = self._case(row)
        body = row["body"].encode()
        return Entry(
            place,
            case,
            b"id: %b." % self._ids.shared(place),
            b"\nevent: incident\ndata: %b\n\n" % body,
            b'\nevent: gone\ndata: {"id":"%b"}\n\n' % str(row["case_id"]).encode(),
            lost,
        )

    def _case(self, row: asyncpg.Record) -> tuple[Case, frozenset[str]]:
        key = str(row["case_id"])
        unit, co_units = row["unit_code"], tuple(row["co_units"])
        case = self._cases.get(key)
        if case is None:
            case = Case(row["grid_code"], unit, co_units, row["concerns_unit"])
            self._cases[key] = case
            return case, frozenset()
        before = case.units
        case.unit, case.co_units = unit, co_units
        return case, before - case.units

    def _mark_lost(self, rows: Sequence[asyncpg.Record]) -> None:
        """After a start the holders of before are not known: the units that an event names are.

        They are told on the case's last event that it is theirs no more, perhaps once again.
        """
        named: dict[int, set[str]] = {}
        last: dict[int, Entry] = {}
        for row, entry in zip(rows, self._entries, strict=True):
            last[id(entry.case)] = entry
            if row["named_unit"]:
                named.setdefault(id(entry.case), set()).add(row["named_unit"])
        for case, units in named.items():
            last[case].lost = frozenset(units) - last[case].case.units
