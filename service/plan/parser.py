"""Parse the official text of a plan: sections, tasks, measures, and everything odd about it.

Nothing is guessed away. Text stays as written (`raw_text`) and is changed only by rejoining lines
that break inside a sentence; every line that is not blank is accounted for by a fragment; what
could not be placed, and whatever looks wrong, is listed as an irregularity in two languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from service.plan.parsing.assemble import Assembler
from service.plan.parsing.deadlines import read_deadline
from service.plan.parsing.decode import MAX_BYTES, MAX_LINES, decode, lines_of
from service.plan.parsing.errors import (
    NotAPlan,
    PlanHasNul,
    PlanParseError,
    PlanTooLarge,
    PlanUndecodable,
)
from service.plan.parsing.findings import excerpt, finding
from service.plan.parsing.lines import segments_of
from service.plan.parsing.numbering import check_outline, joined_lines
from service.plan.parsing.outline import Block, MeasureBlock, Outline
from service.plan.parsing.shapes import (
    Deadline,
    DeadlineKind,
    Fragment,
    Irregularity,
    Measure,
    ParsedPlan,
    Role,
    Section,
    Task,
)
from service.plan.parsing.unit_names import check_unit_names
from service.plan.parsing.units import UnitList, read_units
from service.plan.parsing.wording import check_brackets, check_wording

__all__ = [
    "MAX_BYTES",
    "MAX_LINES",
    "Deadline",
    "DeadlineKind",
    "Fragment",
    "Irregularity",
    "Measure",
    "NotAPlan",
    "ParsedPlan",
    "PlanHasNul",
    "PlanParseError",
    "PlanTooLarge",
    "PlanUndecodable",
    "Role",
    "Section",
    "Task",
    "parse_plan",
    "parse_plan_bytes",
]


def parse_plan_bytes(data: bytes) -> ParsedPlan:
    """The plan in a file's bytes, UTF-8 (with or without mark) or GB 18030, which is reported.

    Raises PlanTooLarge, PlanHasNul, PlanUndecodable, and NotAPlan as `parse_plan` does.
    """
    text, encoding = decode(data)
    plan = replace(parse_plan(text), encoding=encoding)
    if encoding != "gb18030":
        return plan
    told = finding("encoding_fallback", line=None, encoding="GB 18030")
    return replace(plan, irregularities=(told, *plan.irregularities))


def parse_plan(text: str) -> ParsedPlan:
    """The plan in `text`, with its irregularities in the order of its lines.

    Raises NotAPlan when there is no numbered task, PlanTooLarge over 5 MiB or 50,000 lines,
    PlanHasNul, PlanUndecodable for a lone surrogate; and nothing else, whatever the text.
    """
    numbered = enumerate(lines_of(text), start=1)
    segments = [segment for number, line in numbered for segment in segments_of(number, line)]
    outline = Assembler().run(segments)
    if not outline.tasks:
        raise NotAPlan("no numbered task in the text", lines=len(outline.fragments))
    measures = [_measure(block) for block in outline.measures]
    irregularities = [*outline.findings, *_checks(outline, measures, text)]
    irregularities.sort(key=lambda told: (told.line or 0, told.kind))
    return ParsedPlan(
        preamble="\n".join(outline.preamble),
        sections=tuple(_section(block) for block in outline.sections),
        tasks=tuple(
            Task(t.body.number, t.section, t.body.text, t.body.raw_text, t.body.line)
            for t in outline.tasks
        ),
        measures=tuple(measures),
        irregularities=tuple(irregularities),
        fragments=tuple(outline.fragments),
    )


def _section(block: Block) -> Section:
    return Section(block.number, block.ref, block.text, block.line)


def _units(block: MeasureBlock) -> UnitList:
    return read_units(block.units.text if block.units else "")


def _measure(block: MeasureBlock) -> Measure:
    units = _units(block)
    deadline, _ = read_deadline(block.deadline.text if block.deadline else "")
    return Measure(
        clause=block.body.ref,
        task=block.task,
        number=block.body.number,
        section=block.section,
        text=block.body.text,
        raw_text=block.body.raw_text,
        leads=units.leads,
        cooperating=units.cooperating,
        units_text=block.units.text if block.units else "",
        deadline=deadline,
        line=block.body.line,
        units_line=block.units.line if block.units else None,
        deadline_line=block.deadline.line if block.deadline else None,
    )


def _checks(outline: Outline, measures: list[Measure], text: str) -> Iterator[Irregularity]:
    yield from check_outline(outline)
    yield from joined_lines(outline.fragments)
    for block in outline.measures:
        yield from _check_units(block)
        yield from _check_deadline(block)
    for fragment in outline.fragments:
        yield from check_wording(fragment)
    for item in outline.blocks:
        yield from check_brackets(item.lines, item.ref)
    for fragment in outline.fragments:
        if fragment.role in (Role.PREAMBLE, Role.CHAPTER):
            yield from check_brackets([(fragment.line, fragment.text)], "")
    yield from check_unit_names(measures, text)


def _check_units(block: MeasureBlock) -> Iterator[Irregularity]:
    ref, line = block.body.ref, block.units.line if block.units else block.body.line
    units = _units(block)
    if not units.leads and not units.cooperating:
        yield finding("units_missing", line=line, ref=ref)
    for kind, values in units.oddities:
        yield finding(kind, line=line, ref=ref, **values)


def _check_deadline(block: MeasureBlock) -> Iterator[Irregularity]:
    ref = block.body.ref
    if block.deadline is None or not block.deadline.text:
        yield finding("deadline_missing", line=block.body.line, ref=ref)
        return
    deadline, oddity = read_deadline(block.deadline.text)
    if oddity:
        shown = excerpt(deadline.text)
        line = block.deadline.line
        yield finding(oddity, line=line, ref=ref, text=shown, year=deadline.year)
