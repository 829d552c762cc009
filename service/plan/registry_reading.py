"""Read the registry's data file, and refuse it when it contradicts itself."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from types import MappingProxyType

import msgspec

from service.plan.parsing.shapes import DeadlineKind
from service.plan.registry_entries import (
    CLAUSE,
    CompletionTime,
    Correction,
    Mechanism,
    Note,
    PlanMeasure,
    PlanSection,
    PlanTask,
    Registry,
    RegistryError,
)

SECTIONS, TASKS, MEASURES = 24, 46, 129
LONGEST_ZH, LONGEST_EN = 40, 120
SLUG = re.compile(r"[a-z][a-z0-9_]*")


class _SectionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    summary_zh: str
    summary_en: str


class _TaskRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    section: int
    summary_zh: str
    summary_en: str


class _MeasureRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    clause: str
    summary_zh: str
    summary_en: str
    leads: tuple[str, ...]
    cooperating: tuple[str, ...]
    deadline: CompletionTime
    corrections: tuple[Correction, ...] = ()
    notes: tuple[Note, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sections: list[_SectionRow]
    tasks: list[_TaskRow]
    measures: list[_MeasureRow]
    mechanisms: list[Mechanism]


def read_registry(data: bytes) -> Registry:
    """The registry in a JSON document. Raises RegistryError with every contradiction found."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as failure:
        raise RegistryError([str(failure)]) from failure
    problems = list(_problems(file))
    if problems:
        raise RegistryError(problems)
    return _assemble(file)


def _split(clause_id: str) -> tuple[int, int]:
    task, number = clause_id.split(".")
    return int(task), int(number)


def _assemble(file: _File) -> Registry:
    serving: dict[str, list[str]] = defaultdict(list)
    for mechanism in file.mechanisms:
        for served in mechanism.clauses:
            serving[served].append(mechanism.slug)
    section_of = {row.number: row.section for row in file.tasks}
    measures = {row.clause: _measure(row, section_of, serving[row.clause]) for row in file.measures}
    clauses: dict[int, list[str]] = defaultdict(list)
    for measure in measures.values():
        clauses[measure.task].append(measure.clause)
    tasks = {
        t.number: PlanTask(
            t.number, t.section, t.summary_zh, t.summary_en, tuple(clauses[t.number])
        )
        for t in file.tasks
    }
    sections = {
        s.number: PlanSection(
            s.number,
            s.summary_zh,
            s.summary_en,
            tuple(task.number for task in tasks.values() if task.section == s.number),
        )
        for s in file.sections
    }
    return Registry(
        sections=MappingProxyType(sections),
        tasks=MappingProxyType(tasks),
        measures=MappingProxyType(measures),
        mechanisms=MappingProxyType({m.slug: m for m in file.mechanisms}),
    )


def _measure(row: _MeasureRow, section_of: dict[int, int], serving: list[str]) -> PlanMeasure:
    task, number = _split(row.clause)
    return PlanMeasure(
        clause=row.clause,
        section=section_of[task],
        task=task,
        number=number,
        summary_zh=row.summary_zh,
        summary_en=row.summary_en,
        leads=row.leads,
        cooperating=row.cooperating,
        deadline=row.deadline,
        mechanisms=tuple(serving),
        corrections=row.corrections,
        notes=row.notes,
    )


def _problems(file: _File) -> Iterator[str]:
    yield from _counts(file)
    yield from _summaries(file)
    yield from _order(file)
    for row in file.measures:
        yield from _measure_problems(row)
    yield from _mechanism_problems(file)


def _counts(file: _File) -> Iterator[str]:
    for name, found, due in (
        ("sections", len(file.sections), SECTIONS),
        ("tasks", len(file.tasks), TASKS),
        ("measures", len(file.measures), MEASURES),
    ):
        if found != due:
            yield f"{found} {name} instead of {due}"


def _summaries(file: _File) -> Iterator[str]:
    rows: list[tuple[str, _SectionRow | _TaskRow | _MeasureRow]] = []
    rows.extend((f"section {row.number}", row) for row in file.sections)
    rows.extend((f"task {row.number}", row) for row in file.tasks)
    rows.extend((f"clause {row.clause}", row) for row in file.measures)
    for name, row in rows:
        if not 0 < len(row.summary_zh) <= LONGEST_ZH:
            yield f"{name}: Chinese summary has {len(row.summary_zh)} characters"
        if not 0 < len(row.summary_en) <= LONGEST_EN:
            yield f"{name}: English summary has {len(row.summary_en)} characters"


def _order(file: _File) -> Iterator[str]:
    if [s.number for s in file.sections] != list(range(1, len(file.sections) + 1)):
        yield "sections are not numbered in order"
    if [t.number for t in file.tasks] != list(range(1, len(file.tasks) + 1)):
        yield "tasks are not numbered in order"
    known = {s.number for s in file.sections}
    yield from (
        f"task {t.number}: no section {t.section}" for t in file.tasks if t.section not in known
    )
    clauses = [row.clause for row in file.measures if CLAUSE.fullmatch(row.clause)]
    yield from (f"clause {c} stands twice" for c, n in Counter(clauses).items() if n > 1)
    for before, after in pairwise(clauses):
        if _split(after) < _split(before):
            yield f"clause {after} stands after {before}"
    tasks = {t.number for t in file.tasks}
    for served in clauses:
        if _split(served)[0] not in tasks:
            yield f"clause {served} belongs to no task"


def _measure_problems(row: _MeasureRow) -> Iterator[str]:
    if CLAUSE.fullmatch(row.clause) is None:
        yield f"{row.clause!r} is not a clause"
    units = row.leads + row.cooperating
    if not row.leads:
        yield f"clause {row.clause} has no leading unit"
    if len(set(units)) != len(units) or not all(units):
        yield f"clause {row.clause} names a unit twice or not at all"
    if (row.deadline.kind is DeadlineKind.YEAR_END) != (row.deadline.year is not None):
        yield f"clause {row.clause}: a year end, and only that, has a year"
    for correction in row.corrections:
        if correction.read not in units:
            yield f"clause {row.clause}: corrected unit {correction.read} is not among its units"


def _mechanism_problems(file: _File) -> Iterator[str]:
    clauses = {row.clause for row in file.measures}
    slugs = Counter(mechanism.slug for mechanism in file.mechanisms)
    yield from (f"mechanism {slug} stands twice" for slug, n in slugs.items() if n > 1)
    for mechanism in file.mechanisms:
        if SLUG.fullmatch(mechanism.slug) is None:
            yield f"{mechanism.slug!r} is not a slug"
        if len(set(mechanism.clauses)) != len(mechanism.clauses):
            yield f"mechanism {mechanism.slug} names a clause twice"
        for served in mechanism.clauses:
            if served not in clauses:
                yield f"mechanism {mechanism.slug}: the plan has no clause {served}"
