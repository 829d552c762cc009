"""From lines to segments: what each line, or each piece of a joined line, announces itself as."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from service.plan.parsing.numerals import number_of, numeral_value


class Kind(StrEnum):
    """What a segment begins with; TEXT begins with nothing known."""

    CHAPTER = "chapter"
    SECTION = "section"
    TASK = "task"
    MEASURE = "measure"
    UNITS = "units"
    DEADLINE = "deadline"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of one line; `head` is its number or label as written, `body` what follows."""

    kind: Kind
    line: int
    start: int
    text: str
    head: str = ""
    number: int = 0

    @property
    def body(self) -> str:
        """The line without its head, stripped."""
        return self.text[len(self.head) :].strip()


NUMERAL = "[一二三四五六七八九十]{1,3}"
DIGIT = "[0-9０-９]"
HEADS = (
    (Kind.MEASURE, re.compile(rf"[（(]\s*({DIGIT}{{1,3}})\s*[）)]\s*"), "（{}）"),
    (Kind.SECTION, re.compile(rf"[（(]\s*({NUMERAL})\s*[）)]\s*"), "（{}）"),
    (Kind.TASK, re.compile(rf"({DIGIT}{{1,3}})\s*[.．、]\s*(?!{DIGIT})"), "{}."),
    (Kind.CHAPTER, re.compile(rf"({NUMERAL})\s*[、.．]\s*"), "{}、"),
)
ANY_HEAD = "|".join(f"(?:{pattern.pattern})" for _, pattern, _ in HEADS)
LABEL = re.compile(r"(?:责任单位|完成时限)\s*[：:]\s*")
DEADLINE_THEN_HEAD = re.compile(
    rf"(完成时限\s*[：:]\s*(?:持续推进|20(?:[0-9]{{2}}|\*\*)年底前?)[。；;]?\s*)(?={ANY_HEAD})"
)
PAGE_NUMBER = re.compile(r"[\s\-—–－·]*[0-9０-９]{1,4}[\s\-—–－·]*|第\s*[0-9]+\s*页.{0,12}")


def usual_head(segment: Segment) -> str:
    """How the number of a chapter, section, task or measure is usually written."""
    for kind, pattern, usual in HEADS:
        if kind is segment.kind and (match := pattern.match(segment.head)):
            value = match[1]
            return usual.format(
                number_of(value) if value[0] not in "一二三四五六七八九十" else value
            )
    return segment.head


def _headed(line: int, start: int, text: str) -> Segment:
    for kind, pattern, _ in HEADS:
        match = pattern.match(text)
        if match is None:
            continue
        value = match[1]
        number = numeral_value(value) if kind in (Kind.SECTION, Kind.CHAPTER) else number_of(value)
        if number is not None:
            return Segment(kind, line, start, text, match[0], number)
    return Segment(Kind.TEXT, line, start, text)


def _labelled(line: int, start: int, text: str) -> Iterator[Segment]:
    label = LABEL.match(text)
    if label is None:
        yield _headed(line, start, text)
        return
    if text.startswith("责任单位"):
        yield Segment(Kind.UNITS, line, start, text, label[0])
        return
    joined = DEADLINE_THEN_HEAD.match(text)
    end = joined.end() if joined else len(text)
    yield Segment(Kind.DEADLINE, line, start, text[:end], label[0])
    if joined:
        yield _headed(line, start + end, text[end:])


def segments_of(line: int, text: str) -> list[Segment]:
    """The segments of line number `line`, in order, covering it without its outer white space.

    A line is cut before each label of units or deadline, and after a deadline that is followed by
    a number. Nothing else is cut: a number in the middle of a sentence stays there.
    """
    stripped = text.strip()
    if not stripped:
        return []
    origin = text.index(stripped[0])
    cuts = [match.start() for match in LABEL.finditer(stripped)]
    bounds = sorted({0, *cuts, len(stripped)})
    return [
        segment
        for start, end in pairwise(bounds)
        for segment in _labelled(line, origin + start, stripped[start:end])
    ]
