"""What makes a tree of categories fit to be published. Pure: trees in, findings out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.incidents.categories.messages import MESSAGES
from service.kit.drafts import Severity
from service.kit.durations import BadDuration, parse_duration

GROUP = re.compile(r"[0-9]{2}", re.ASCII)
CATEGORY = re.compile(r"[0-9]{4}", re.ASCII)
CLAUSE = re.compile(r"[1-9][0-9]?\.[1-9][0-9]?", re.ASCII)
LIMIT_NAME = re.compile(r"[a-z][a-z_]{0,29}", re.ASCII)
CHINESE = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[A-Za-z]")
EMERGENCY = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a tree as it was drafted: a group (2 digits, no level) or a category."""

    code: str
    name_zh: str
    name_en: str
    level: int | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    self_handle: bool = False
    evidence: str = "none"
    conduct: bool = False
    clauses: tuple[str, ...] = ()
    active: bool = True

    @property
    def is_group(self) -> bool:
        """Whether the code's length says group."""
        return len(self.code) == 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong (error) or worth a look (warning) at `place` of the row `category`."""

    severity: Severity
    category: str
    place: str
    code: str
    zh: str
    en: str

    @property
    def pointer(self) -> str:
        """JSON pointer into the tree."""
        return f"/categories/{self.category}" + (f"/{self.place}" if self.place else "")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code meant when it was last published, and whether it was still in use then."""

    name_zh: str
    name_en: str
    in_use: bool
    level: int | None = None


def findings(tree: Sequence[Entry], history: Mapping[str, Meaning]) -> tuple[Finding, ...]:
    """Everything to be said of `tree`, by code; `history` holds every code published before.

    Errors stop a publication, warnings do not. The rules: 2-digit groups and 4-digit categories,
    each once and each category under an active group; names in Chinese and English; a level of 1
    to 4; limits in the documented notation; nobody closes an emergency or a complaint about
    conduct on his own; a code that went out of use is never given another meaning.
    """
    found = [
        *_of_the_whole(tree),
        *(f for entry in tree for f in _of_one(entry)),
        *(f for entry in tree for f in _against_history(entry, history.get(entry.code))),
        *_dropped(tree, history),
    ]
    return tuple(sorted(found, key=lambda f: (f.category, f.severity, f.place, f.code)))


def _say(code: str, category: str, place: str, **params: Any) -> Finding:
    severity, zh, en = MESSAGES[code]
    return Finding(severity, category, place, code, zh.format(**params), en.format(**params))


def _of_the_whole(tree: Sequence[Entry]) -> Iterator[Finding]:
    if not any(not e.is_group and e.active for e in tree):
        yield _say("empty", "", "")
    for code, count in Counter(e.code for e in tree).items():
        if count > 1:
            yield _say("duplicate", code, "code")
    groups = {e.code: e.active for e in tree if e.is_group}
    named = {(e.code, e.name_zh) for e in tree if e.active and not e.is_group}
    names = Counter((code[:2], name) for code, name in named)
    for entry in tree:
        group = entry.code[:2]
        if entry.is_group:
            continue
        if group not in groups or (entry.active and not groups[group]):
            yield _say("no_group", entry.code, "code", group=group)
        if entry.active and names[group, entry.name_zh] > 1:
            yield _say("same_name", entry.code, "name_zh")


def _of_one(entry: Entry) -> Iterator[Finding]:
    if not GROUP.fullmatch(entry.code) and not CATEGORY.fullmatch(entry.code):
        yield _say("bad_code", entry.code, "code")
    if not CHINESE.search(entry.name_zh):
        yield _say("no_chinese_name", entry.code, "name_zh")
    if not LATIN.search(entry.name_en):
        yield _say("no_english_name", entry.code, "name_en")
    for clause in entry.clauses:
        if not CLAUSE.fullmatch(clause):
            yield _say("bad_clause", entry.code, "clauses", clause=clause)
    yield from _group_rules(entry) if entry.is_group else _category_rules(entry)


def _group_rules(entry: Entry) -> Iterator[Finding]:
    if entry.level is not None or entry.limits or entry.self_handle or entry.conduct:
        yield _say("group_with_rules", entry.code, "level")


def _category_rules(entry: Entry) -> Iterator[Finding]:
    if entry.level is None or not 1 <= entry.level <= 4:
        yield _say("no_level", entry.code, "level")
    if not entry.clauses:
        yield _say("no_clause", entry.code, "clauses")
    if entry.self_handle and entry.level == EMERGENCY:
        yield _say("self_handled_emergency", entry.code, "self_handle")
    if entry.self_handle and entry.conduct:
        yield _say("self_handled_conduct", entry.code, "self_handle")
    for name, text in entry.limits.items():
        if not LIMIT_NAME.fullmatch(name):
            yield _say("bad_limit_name", entry.code, "limits", name=name)
        try:
            parse_duration(text)
        except BadDuration:
            yield _say("bad_duration", entry.code, f"limits/{name}", given=text)


def _against_history(entry: Entry, before: Meaning | None) -> Iterator[Finding]:
    if before is None:
        return
    was = {"zh": before.name_zh, "en": before.name_en}
    same = (entry.name_zh, entry.name_en) == (before.name_zh, before.name_en)
    if entry.active and not before.in_use and not same:
        yield _say("code_reused", entry.code, "code", **was)
    elif entry.active and not before.in_use:
        yield _say("revived", entry.code, "active")
    elif not same:
        yield _say("renamed", entry.code, "name_zh", **was)
    if before.in_use and not entry.is_group and entry.level != before.level:
        levels = {"before": before.level or "–", "after": entry.level or "–"}
        yield _say("level_changed", entry.code, "level", **levels)


def _dropped(tree: Sequence[Entry], history: Mapping[str, Meaning]) -> Iterator[Finding]:
    present = {e.code for e in tree}
    for code, meaning in history.items():
        if meaning.in_use and code not in present:
            yield _say("dropped", code, "", zh=meaning.name_zh, en=meaning.name_en)
