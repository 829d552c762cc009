"""What an imported text says otherwise than the registry that the product ships. Pure.

Both stay as they are: the text is stored as written, the registry keeps its corrections, and
each difference is told in two languages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.plan.parsing.shapes import Measure, ParsedPlan
from service.plan.registry_entries import Correction, PlanMeasure, Registry

LEVELS = {"section": "部分", "task": "任务", "measure": "举措"}
NONE = "–"

MESSAGES: dict[str, tuple[str, str]] = {
    "missing": (
        "登记中的{level_zh} {ref} 不在文中。",
        "The registry's {level} {ref} is not in the text.",
    ),
    "extra": (
        "文中的{level_zh} {ref} 不在登记中，已照存。",
        "The text has {level} {ref}, which the registry does not have; it was stored.",
    ),
    "repeated": (
        "{level_zh} {ref} 在文中出现 {count} 次（第 {lines} 行），按次序全部保存。",
        "{level} {ref} stands {count} times (lines {lines}); all were stored in their order.",
    ),
    "leads": (
        "举措 {ref} 牵头单位不同：文中为{written}，登记为{registered}。",
        "Measure {ref}: the text has {written} lead, the registry {registered}.",
    ),
    "cooperating": (
        "举措 {ref} 配合单位不同：文中为{written}，登记为{registered}。",
        "Measure {ref}: the text has {written} cooperate, the registry {registered}.",
    ),
    "completion": (
        "举措 {ref} 完成时限不同：文中为{written}，登记为{registered}。",
        "Measure {ref} is due {written} in the text, {registered} in the registry.",
    ),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `explained` when a correction noted in the registry accounts for it.

    `written` and `registered` hold what only the text and only the registry has.
    """

    kind: str
    level: str
    ref: str
    line: int | None
    zh: str
    en: str
    written: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()
    explained: bool = False


def differences(plan: ParsedPlan, registry: Registry) -> list[Difference]:
    """Everything in which `plan` and `registry` differ: outline first, then measure by measure."""
    sections = [(str(s.number), s.line) for s in plan.sections]
    tasks = [(str(t.number), t.line) for t in plan.tasks]
    measures = [(m.clause, m.line) for m in plan.measures]
    return [
        *_outline("section", sections, [str(n) for n in registry.sections]),
        *_outline("task", tasks, [str(n) for n in registry.tasks]),
        *_outline("measure", measures, list(registry.measures)),
        *(told for m in plan.measures for told in _measure(m, registry.measures.get(m.clause))),
    ]


def _outline(
    level: str, found: Sequence[tuple[str, int]], known: Sequence[str]
) -> Iterator[Difference]:
    lines: dict[str, list[int]] = defaultdict(list)
    for ref, line in found:
        lines[ref].append(line)
    yield from (_told("missing", level, ref, None) for ref in known if ref not in lines)
    registered = frozenset(known)
    for ref, at in lines.items():
        if ref not in registered:
            yield _told("extra", level, ref, at[0])
        if len(at) > 1:
            shown = "、".join(str(line) for line in at)
            yield _told("repeated", level, ref, at[0], count=len(at), lines=shown)


def _measure(measure: Measure, known: PlanMeasure | None) -> Iterator[Difference]:
    if known is None:
        return
    at = measure.units_line or measure.line
    for kind, written, registered in (
        ("leads", measure.leads, known.leads),
        ("cooperating", measure.cooperating, known.cooperating),
    ):
        if set(written) != set(registered):
            yield _units(kind, measure.clause, at, written, registered, known.corrections)
    stated, due = measure.deadline, known.deadline
    if (stated.kind, stated.year) != (due.kind, due.year):
        wording = stated.text or NONE
        usual = f"{due.kind.value} {due.year or ''}".strip()
        line = measure.deadline_line or measure.line
        yield _told("completion", "measure", measure.clause, line, (wording,), (usual,))


def _units(
    kind: str,
    ref: str,
    line: int,
    written: tuple[str, ...],
    registered: tuple[str, ...],
    corrections: Iterable[Correction],
) -> Difference:
    only_written = tuple(name for name in written if name not in registered)
    only_registered = tuple(name for name in registered if name not in written)
    read: Mapping[str, str] = {c.written: c.read for c in corrections}
    explained = {read.get(name, name) for name in written} == set(registered)
    return _told(kind, "measure", ref, line, only_written, only_registered, explained=explained)


def _told(
    kind: str,
    level: str,
    ref: str,
    line: int | None,
    written: tuple[str, ...] = (),
    registered: tuple[str, ...] = (),
    *,
    explained: bool = False,
    **values: Any,
) -> Difference:
    chinese, english = MESSAGES[kind]
    told = {
        "ref": ref,
        "level": level,
        "level_zh": LEVELS[level],
        "written": "、".join(written) or NONE,
        "registered": "、".join(registered) or NONE,
        **values,
    }
    return Difference(
        kind, level, ref, line, chinese.format(**told), english.format(**told),
        written, registered, explained,
    )  # fmt: skip
