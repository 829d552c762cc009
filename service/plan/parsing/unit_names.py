"""Unit names that look like a misspelling or another form of a name that stands far oftener."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from service.plan.parsing.findings import excerpt, finding
from service.plan.parsing.shapes import Irregularity, Measure

OFTEN = 5
RARE = 2
MOST_NAMES = 500
LONGEST = 20
LEAST = 3
ALIKE = 0.6
BRACKETS = re.compile("[（()）]")
NEEDS_LEVEL = re.compile("(?:局|部|办|委|委员会|大队|中心|法院|检察院)$")
LEVELS = set("国省市州县区镇乡村各")


def check_unit_names(measures: list[Measure], text: str) -> Iterator[Irregularity]:
    """Compares the rare unit names with the frequent ones, and looks at their level.

    A name is called misspelt when it differs in one character from a frequent name and the pairs
    of characters around that place stand nowhere else in `text`: 财政局 is no slip for 民政局
    where finance is spoken of elsewhere.
    """
    places: dict[str, list[Measure]] = defaultdict(list)
    for measure in measures:
        for name in dict.fromkeys(measure.leads + measure.cooperating):
            places[name].append(measure)
    if len(places) > MOST_NAMES:
        yield finding("units_not_compared", line=None, names=len(places))
        return
    times = Counter({name: len(found) for name, found in places.items()})
    often = [name for name, count in times.most_common() if count >= OFTEN]
    for name, found in places.items():
        kind, usual = _likeness(name, often, text) if times[name] <= RARE else (None, "")
        for measure in found:
            line, ref = measure.units_line, measure.clause
            if NEEDS_LEVEL.search(name) and not set(name[:3]) & LEVELS:
                yield finding("unit_without_level", line=line, ref=ref, name=excerpt(name))
            if kind:
                count = times[usual]
                yield finding(kind, line=line, ref=ref, name=name, usual=usual, times=count)


def _likeness(name: str, often: list[str], text: str) -> tuple[str | None, str]:
    """The kind of irregularity and the frequent name that `name` is like, if any."""
    if len(name) > LONGEST:
        return None, ""
    for usual in often:
        if _misspelt(name, usual, text):
            return "unit_misspelt", usual
    for usual in often:
        if _variant(name, usual):
            return "unit_variant", usual
    return None, ""


def _misspelt(name: str, usual: str, text: str) -> bool:
    if len(usual) != len(name):
        return False
    odd = [i for i, pair in enumerate(zip(name, usual, strict=True)) if pair[0] != pair[1]]
    if len(odd) != 1 or {name[odd[0]], usual[odd[0]]} <= LEVELS:
        return False
    pairs = [name[i : i + 2] for i in (odd[0] - 1, odd[0]) if 0 <= i < len(name) - 1]
    return all(text.count(pair) <= text.count(name) for pair in pairs)


def _variant(name: str, usual: str) -> bool:
    short, long = sorted((BRACKETS.sub("", name), BRACKETS.sub("", usual)), key=len)
    if name == usual or len(short) < LEAST or short[0] != long[0]:
        return False
    return len(short) >= ALIKE * len(long) and _inside(short, long)


def _inside(short: str, long: str) -> bool:
    """Whether the characters of `short` stand in `long` in the same order."""
    rest = iter(long)
    return all(character in rest for character in short)
