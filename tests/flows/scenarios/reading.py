"""Reads the scenario files: Markdown, one heading and one table a scenario.

The first lines of a section may say how it is played: `独立环境` (a county of its own, because it
changes what holds for everybody). Times are China's; the year is that of the row before, 2026 at
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from service.kit.clock import CHINA

FILES = Path(__file__).parent / "lives"
COLUMNS = ["时间", "谁", "操作", "内容", "结果"]
OWN = "独立环境"
FIRST_YEAR = 2026
_TIME = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d)(?::(\d\d))?", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One line of a table: when, who, which verb on which case, with what, and what comes of it."""

    line: int
    at: datetime
    who: str
    verb: str
    case: str
    content: str
    results: tuple[str, ...]

    @property
    def told(self) -> str:
        """The row as a failure names it."""
        return f"line {self.line}: {self.who}{self.verb}{self.case} {self.content}"


@dataclass(frozen=True)
class Scenario:
    """One table: a whole life, under its name."""

    name: str
    rows: tuple[Row, ...]
    own_county: bool

    @property
    def year(self) -> int:
        """The year of its first row."""
        return self.rows[0].at.astimezone(CHINA).year


def moment(text: str, year: int) -> datetime:
    """`03-04 09:00`, `03-04 09:00:30` or `2027-01-04 09:00` in China, as UTC."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"not a time: {text}")
    parts = [int(part or 0) for part in found.groups()]
    return datetime(parts[0] or year, *parts[1:], tzinfo=CHINA).astimezone(UTC)


def scenarios() -> list[Scenario]:
    """Everything in the scenario files, in their order."""
    found = [s for file in sorted(FILES.glob("*.md")) for s in read(file.read_text("utf-8"))]
    names = [scenario.name for scenario in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two scenarios are named {twice}")
    return found


def read(text: str) -> Iterator[Scenario]:
    """The scenarios of one file. Raises ValueError with the line that cannot be read."""
    name, own, rows = "", False, list[Row]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            if name:
                yield _scenario(name, rows, own)
            name, own, rows = line[3:].strip(), False, []
        elif line.strip() == OWN:
            own = True
        elif line.startswith("|") and name:
            year = rows[-1].at.astimezone(CHINA).year if rows else FIRST_YEAR
            if (row := _row(number, line, year)) is not None:
                rows.append(row)
    if name:
        yield _scenario(name, rows, own)


def _scenario(name: str, rows: list[Row], own: bool) -> Scenario:
    if not rows:
        raise ValueError(f"{name} has no rows")
    for before, after in pairwise(rows):
        if after.at < before.at:
            raise ValueError(f"{name}: line {after.line} is earlier than the line before")
    return Scenario(name, tuple(rows), own)


def _row(number: int, line: str, year: int) -> Row | None:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if cells == COLUMNS or set("".join(cells)) <= {"-", ":"}:
        return None
    if len(cells) != len(COLUMNS):
        raise ValueError(f"line {number} has {len(cells)} cells: {line}")
    time, who, doing, content, results = cells
    verb, _, case = doing.partition(" ")
    told = tuple(part for r in results.split("；") if (part := r.strip()))
    try:
        return Row(number, moment(time, year), who, verb, case, content, told)
    except ValueError as wrong:
        raise ValueError(f"line {number}: {wrong}") from None
