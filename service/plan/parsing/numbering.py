"""Whether the outline is whole: numbers in order, nothing empty, lines of their own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import groupby, zip_longest

from service.plan.parsing.findings import excerpt, finding
from service.plan.parsing.outline import Block, Outline
from service.plan.parsing.shapes import Fragment, Irregularity, Role

NAMED = 5
ROLE_ZH = {
    Role.PREAMBLE: "前言",
    Role.CHAPTER: "章节",
    Role.SECTION: "部分",
    Role.TASK: "任务",
    Role.MEASURE: "举措",
    Role.UNITS: "责任单位",
    Role.DEADLINE: "完成时限",
    Role.UNASSIGNED: "无法归类",
}
END_MARKS = "。！？；…”』」》）"


def check_outline(outline: Outline) -> Iterator[Irregularity]:
    """Gaps, repeats and reversals of all numbering; items without text, parents or children."""
    yield from _sequence(outline.sections, "（{}）".format)
    yield from _sequence([task.body for task in outline.tasks], str)
    for task in outline.tasks:
        bodies = [measure.body for measure in task.measures]
        yield from _sequence(bodies, f"{task.body.number}.{{}}".format)
    yield from _relations(outline)
    for block in [*outline.sections, *(task.body for task in outline.tasks)]:
        yield from _text_of(block)
    for measure in outline.measures:
        yield from _text_of(measure.body)


def _sequence(blocks: list[Block], name: Callable[[int], str]) -> Iterator[Irregularity]:
    """Each number should be one more than the number before it, beginning with 1."""
    before = 0
    for block in blocks:
        after, line, ref = block.number, block.line, block.ref
        if after > before + 1:
            yield _gap(block, before, name)
        elif after == before:
            yield finding("numbering_repeated", line=line, ref=ref, after=name(after))
        elif after < before:
            shown = name(before)
            yield finding(
                "numbering_backwards", line=line, ref=ref, before=shown, after=name(after)
            )
        before = after


def _gap(block: Block, before: int, name: Callable[[int], str]) -> Irregularity:
    skipped = range(before + 1, block.number)
    missing = [name(number) for number in skipped[:NAMED]]
    return finding(
        "numbering_gap",
        line=block.line,
        ref=block.ref,
        count=len(skipped),
        before=name(before),
        after=name(block.number),
        missing="、".join(missing) + ("…" if len(skipped) > NAMED else ""),
    )


def _relations(outline: Outline) -> Iterator[Irregularity]:
    task_lines = [task.body.line for task in outline.tasks]
    ends = [section.line for section in outline.sections[1:]]
    for section, end in zip_longest(outline.sections, ends):
        following = bisect_right(task_lines, section.line)
        if following == len(task_lines) or (end is not None and task_lines[following] > end):
            yield finding("section_without_tasks", line=section.line, ref=section.ref)
    for task in outline.tasks:
        if task.section is None:
            yield finding("task_without_section", line=task.body.line, ref=task.body.ref)
        if not task.measures:
            yield finding("task_without_measures", line=task.body.line, ref=task.body.ref)


def _text_of(block: Block) -> Iterator[Irregularity]:
    text = block.text
    if not text:
        yield finding("empty_text", line=block.line, ref=block.ref)
    elif block.role is not Role.SECTION and text[-1] not in END_MARKS:
        tail = excerpt(text, tail=True)[-12:]
        yield finding("text_unfinished", line=block.line, ref=block.ref, text=tail)


def joined_lines(fragments: list[Fragment]) -> Iterator[Irregularity]:
    """The lines that hold more than one item, with what they hold."""
    for line, group in groupby(fragments, key=lambda fragment: fragment.line):
        roles = list(group)
        if len(roles) > 1:
            yield finding(
                "joined_lines",
                line=line,
                ref=roles[-1].ref,
                parts_en=excerpt(" + ".join(fragment.role for fragment in roles)),
                parts_zh=excerpt("、".join(ROLE_ZH[fragment.role] for fragment in roles)),
            )
