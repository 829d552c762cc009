"""What the registry is made of: sections, tasks, measures, mechanisms, and their clauses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from service.plan.parsing.shapes import DeadlineKind

CLAUSE = re.compile(r"([1-9][0-9]?)\.([1-9][0-9]?)")
FULL_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")


class RegistryError(ValueError):
    """The shipped data contradict themselves; `problems` lists how."""

    code: ClassVar[str] = "registry_invalid"

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class UnknownClause(ValueError):
    """There is no such measure in the plan; `clause` is what was asked for."""

    code: ClassVar[str] = "unknown_clause"

    def __init__(self, clause: str) -> None:
        self.clause = clause
        super().__init__(f"the plan has no clause {clause[:40]!r}")


class MechanismStatus(StrEnum):
    """Whether this service does it already."""

    BUILT = "built"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on an entry, in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A unit name as the official text writes it, as it is read here, and why."""

    written: str
    read: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CompletionTime:
    """The kind of a measure's deadline, and the year of a year end."""

    kind: DeadlineKind
    year: int | None = None


@dataclass(frozen=True, slots=True)
class PlanSection:
    """A section, its summaries and the numbers of its tasks."""

    number: int
    summary_zh: str
    summary_en: str
    tasks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlanTask:
    """A task, its summaries and the clauses of its measures."""

    number: int
    section: int
    summary_zh: str
    summary_en: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanMeasure:
    """A measure: summaries, units after the noted corrections, deadline, mechanism slugs."""

    clause: str
    section: int
    task: int
    number: int
    summary_zh: str
    summary_en: str
    leads: tuple[str, ...]
    cooperating: tuple[str, ...]
    deadline: CompletionTime
    mechanisms: tuple[str, ...]
    corrections: tuple[Correction, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Something the service does, and the clauses it serves; none when the plan asks for none."""

    slug: str
    status: MechanismStatus
    name_zh: str
    name_en: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registry:
    """All of the plan, each table keyed by number, clause or slug and in the plan's order."""

    sections: Mapping[int, PlanSection]
    tasks: Mapping[int, PlanTask]
    measures: Mapping[str, PlanMeasure]
    mechanisms: Mapping[str, Mechanism]

    def clause(self, clause: str) -> PlanMeasure:
        """The measure `clause`, however it is written. Raises UnknownClause."""
        measure = self.measures.get(normalise_clause(clause))
        if measure is None:
            raise UnknownClause(clause)
        return measure


def normalise_clause(clause_id: str) -> str:
    """`task.measure` in half-width digits: `２３．２ ` is 23.2. Raises UnknownClause for any
    other shape; whether the plan has that clause is not looked up here.
    """
    plain = clause_id.strip().translate(FULL_WIDTH)
    if CLAUSE.fullmatch(plain) is None:
        raise UnknownClause(clause_id)
    return plain
