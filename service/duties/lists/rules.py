"""What makes a duty list fit to be published, and which item answers for a category. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.duties.lists.messages import MESSAGES
from service.kit.drafts import Severity

Section = Literal["basic", "cooperate", "recovered"]
RECOVERED: Section = "recovered"
KINDS = ("township", "community")
TOWNSHIP_DIGITS, VILLAGE_DIGITS = 9, 12
CHINESE = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[A-Za-z]")
EVERYWHERE = ""


@dataclass(frozen=True, slots=True)
class TownshipException:
    """A township (9 digits) where an item stands in another section, and why."""

    township: str
    section: Section
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as it was drafted. `categories` are groups (2 digits) and categories (4)."""

    code: str
    name_zh: str
    name_en: str
    section: Section
    categories: tuple[str, ...] = ()
    lead_unit: str | None = None
    cooperating_units: tuple[str, ...] = ()
    basis: str = ""
    exceptions: tuple[TownshipException, ...] = ()
    clauses: tuple[str, ...] = ()
    active: bool = True

    def section_in(self, area: str) -> Section:
        """The section in which the item stands at `area`, a township or what lies in one."""
        township = area[:TOWNSHIP_DIGITS]
        return next((e.section for e in self.exceptions if e.township == township), self.section)


@dataclass(frozen=True, slots=True)
class Known:
    """What there is at the moment: categories and units with whether in use, townships."""

    categories: Mapping[str, bool]
    units: Mapping[str, bool]
    townships: Collection[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong (error) or worth a look (warning) at `place` of the item `item`."""

    severity: Severity
    item: str
    place: str
    code: str
    zh: str
    en: str

    @property
    def pointer(self) -> str:
        """JSON pointer into the list."""
        return "/items" + "".join(f"/{part}" for part in (self.item, self.place) if part)


def covering(entries: Iterable[Entry], category: str, area: str) -> Entry | None:
    """The active item that answers for `category` at `area`; None when the list lacks it.

    An item that names the category itself goes before one that names its group; of several, one
    that is held locally (a published list has no contradiction among them), then the lowest code.
    """
    named = [e for e in entries if e.active and category in e.categories]
    named = named or [e for e in entries if e.active and category[:2] in e.categories]
    return min(named, key=lambda e: (e.section_in(area) == RECOVERED, e.code), default=None)


def findings(
    entries: Sequence[Entry], before: Sequence[Entry], known: Known
) -> tuple[Finding, ...]:
    """Everything to be said of a list, by item; `before` is what was in force until now.

    Errors stop a publication, warnings do not. The rules: at least one active item; names in both
    languages, a legal basis and clauses; a lead unit where the county leads or took back; only
    categories, units and townships that exist; and no category that one item leaves to the
    township and another takes back, there or anywhere else (clauses 35.1 and 35.3).
    """
    found = [
        *_of_the_whole(entries, known),
        *(f for entry in entries for f in _of_one(entry, known)),
        *_clashes(entries),
        *_against(entries, before),
    ]
    return tuple(sorted(found, key=lambda f: (f.item, f.severity, f.place, f.code)))


def _say(code: str, item: str, place: str, **params: Any) -> Finding:
    severity, zh, en = MESSAGES[code]
    return Finding(severity, item, place, code, zh.format(**params), en.format(**params))


def _of_the_whole(entries: Sequence[Entry], known: Known) -> Iterator[Finding]:
    active = [e for e in entries if e.active]
    if not active:
        yield _say("empty", "", "")
        return
    covered = {code for e in active for code in e.categories}
    for code, in_use in known.categories.items():
        if in_use and len(code) > len("01") and not covered & {code, code[:2]}:
            yield _say("uncovered", "", "", category=code)


def _of_one(entry: Entry, known: Known) -> Iterator[Finding]:
    if not CHINESE.search(entry.name_zh):
        yield _say("no_chinese_name", entry.code, "name_zh")
    if not LATIN.search(entry.name_en):
        yield _say("no_english_name", entry.code, "name_en")
    if not entry.basis:
        yield _say("no_basis", entry.code, "basis")
    if not entry.clauses:
        yield _say("no_clause", entry.code, "clauses")
    if entry.active and not entry.categories:
        yield _say("covers_nothing", entry.code, "categories")
    for category in entry.categories:
        if category not in known.categories:
            yield _say("unknown_category", entry.code, "categories", category=category)
        elif entry.active and not known.categories[category]:
            yield _say("retired_category", entry.code, "categories", category=category)
    yield from _units(entry, known)
    yield from _exceptions(entry, known)


def _units(entry: Entry, known: Known) -> Iterator[Finding]:
    sections = {entry.section, *(e.section for e in entry.exceptions)}
    if entry.lead_unit is None and sections != {"basic"}:
        yield _say("no_lead", entry.code, "lead_unit")
    if entry.lead_unit is not None and entry.lead_unit in entry.cooperating_units:
        yield _say("lead_cooperates", entry.code, "cooperating_units", unit=entry.lead_unit)
    named = [("lead_unit", entry.lead_unit)] if entry.lead_unit is not None else []
    for place, unit in (*named, *(("cooperating_units", u) for u in entry.cooperating_units)):
        if unit not in known.units:
            yield _say("unknown_unit", entry.code, place, unit=unit)
        elif not known.units[unit]:
            yield _say("inactive_unit", entry.code, place, unit=unit)


def _exceptions(entry: Entry, known: Known) -> Iterator[Finding]:
    for township, times in Counter(e.township for e in entry.exceptions).items():
        if township not in known.townships:
            yield _say("unknown_township", entry.code, "exceptions", township=township)
        if times > 1:
            yield _say("exception_twice", entry.code, "exceptions", township=township)
    for exception in entry.exceptions:
        if exception.section == entry.section:
            township = exception.township
            yield _say("exception_without_effect", entry.code, "exceptions", township=township)


def _clashes(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Pairs of items that name the same code: a contradiction, or merely twice."""
    active = sorted((e for e in entries if e.active), key=lambda e: e.code)
    for position, one in enumerate(active):
        for other in active[position + 1 :]:
            for category in sorted({*one.categories} & {*other.categories}):
                yield _clash(one, other, category)


def _clash(one: Entry, other: Entry, category: str) -> Finding:
    places = [EVERYWHERE, *sorted({e.township for x in (one, other) for e in x.exceptions})]
    for place in places:
        held, taken = sorted((one, other), key=lambda e: e.section_in(place) == RECOVERED)
        if held.section_in(place) != RECOVERED and taken.section_in(place) == RECOVERED:
            where = {"area_zh": place or "全县", "area_en": place or "the whole county"}
            where |= {"held": held.code, "taken": taken.code}
            return _say("contradictory", other.code, "categories", category=category, **where)
    return _say("covered_twice", other.code, "categories", category=category, other=one.code)


def _against(entries: Sequence[Entry], before: Sequence[Entry]) -> Iterator[Finding]:
    present = {e.code: e for e in entries}
    for was in before:
        now = present.get(was.code)
        if now is None and was.active:
            yield _say("dropped", was.code, "", zh=was.name_zh, en=was.name_en)
        elif now is not None and now.section != was.section:
            sections = {"before": was.section, "after": now.section}
            yield _say("section_changed", was.code, "section", **sections)
