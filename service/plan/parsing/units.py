"""The line of responsible units: who leads, who cooperates, and what is odd about it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from service.plan.parsing.findings import excerpt

BRACKETED = re.compile(r"[（(][^（）()]*[）)]")
COMMA = re.compile(r"[，,]")
SEPARATOR = re.compile(r"[、，,；;]")


@dataclass(frozen=True, slots=True)
class UnitList:
    """Units as written. `oddities` are (kind of irregularity, its values)."""

    leads: tuple[str, ...]
    cooperating: tuple[str, ...]
    oddities: tuple[tuple[str, dict[str, Any]], ...]


@dataclass(slots=True)
class _Reading:
    oddities: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    empty: int = 0

    def names(self, text: str) -> tuple[str, ...]:
        pieces = [piece.strip() for piece in SEPARATOR.split(text)]
        names = tuple(piece for piece in pieces if piece)
        self.empty += len(pieces) - len(names)
        return names


def read_units(text: str) -> UnitList:
    """The units of `text`: those before the first comma lead, the rest cooperate.

    A bracketed remark that holds a comma is not a unit and its comma divides nothing.
    """
    reading = _Reading()
    notes = [bracketed for bracketed in BRACKETED.findall(text) if COMMA.search(bracketed)]
    if notes:
        reading.oddities.append(("units_note", {"text": excerpt("".join(notes))}))
    listed = _without_notes(text).strip().rstrip("。；;.").strip()
    if not listed:
        return UnitList((), (), tuple(reading.oddities))
    before, *after = COMMA.split(listed, maxsplit=1)
    leads = reading.names(before)
    cooperating = reading.names(after[0]) if after else ()
    shown = excerpt(listed)
    if not after and len(leads) > 1:
        reading.oddities.append(("units_without_comma", {"text": shown}))
    if after and COMMA.search(after[0]):
        reading.oddities.append(("units_with_more_commas", {"text": shown}))
    if reading.empty:
        reading.oddities.append(("unit_empty", {"text": shown, "count": reading.empty}))
    twice = [name for name, times in Counter(leads + cooperating).items() if times > 1]
    if twice:
        oddity = {"text": excerpt("、".join(twice)), "count": len(twice)}
        reading.oddities.append(("unit_repeated", oddity))
    return UnitList(leads, cooperating, tuple(reading.oddities))


def _without_notes(text: str) -> str:
    return BRACKETED.sub(lambda m: "" if COMMA.search(m[0]) else m[0], text)


def goes_on(last: str, open_brackets: int, next_line: str) -> bool:
    """Whether a list of units whose line ended in `last` may go on in `next_line`.

    It may when it stopped at a separator or inside a bracket, or when the next line holds no end
    of sentence; anything else is not forced into the list.
    """
    if open_brackets > 0 or (last and SEPARATOR.match(last)):
        return True
    return not re.search(r"[。；;：:！？]", next_line)
