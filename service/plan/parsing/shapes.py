"""What a parsed plan is made of. Lines count from 1, as an editor shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeadlineKind(StrEnum):
    """How a measure's completion time is stated."""

    YEAR_END = "year_end"
    MASKED_YEAR = "masked_year"
    CONTINUOUS = "continuous"
    NONE = "none"


class Role(StrEnum):
    """What a piece of a line was taken as."""

    PREAMBLE = "preamble"
    CHAPTER = "chapter"
    SECTION = "section"
    TASK = "task"
    MEASURE = "measure"
    UNITS = "units"
    DEADLINE = "deadline"
    UNASSIGNED = "unassigned_line"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of one line, `start:end` in that line, and what it was taken as.

    The fragments of a line touch each other and cover all of it but outer white space. `ref` is
    the clause (`12.3`) of measures, units and deadlines, the number of a task (`12`), the numeral
    of a section (`五`), and empty for the rest.
    """

    line: int
    start: int
    end: int
    text: str
    role: Role
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Irregularity:
    """Something in the text that is not as it should be; it is told, never put right.

    `line` and `ref` (as in Fragment) say where, `count` how often it stands there.
    """

    kind: str
    line: int | None
    ref: str
    detail_en: str
    detail_zh: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Deadline:
    """A completion time: its kind, the text as written, and the year where one is legible."""

    kind: DeadlineKind
    text: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its place in the order of numerals (`十二` is 12), numeral and title."""

    number: int
    numeral: str
    title: str
    line: int


@dataclass(frozen=True, slots=True)
class Task:
    """One numbered task. `text` has its lines rejoined, `raw_text` has them as written."""

    number: int
    section: int | None
    text: str
    raw_text: str
    line: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with its units as written, those before the first comma leading."""

    clause: str
    task: int
    number: int
    section: int | None
    text: str
    raw_text: str
    leads: tuple[str, ...]
    cooperating: tuple[str, ...]
    units_text: str
    deadline: Deadline
    line: int
    units_line: int | None
    deadline_line: int | None


@dataclass(frozen=True, slots=True)
class ParsedPlan:
    """A plan read in full: `fragments` account for every line of the input that is not blank."""

    preamble: str
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    measures: tuple[Measure, ...]
    irregularities: tuple[Irregularity, ...]
    fragments: tuple[Fragment, ...]
    encoding: str | None = None
