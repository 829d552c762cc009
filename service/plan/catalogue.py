"""The registry as the API shows it: rows, filters, outlines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any, Literal

from service.plan.errors import UnknownPlanClause
from service.plan.registry_entries import (
    FULL_WIDTH,
    Mechanism,
    MechanismStatus,
    PlanMeasure,
    PlanSection,
    PlanTask,
    Registry,
    UnknownClause,
)

Status = Literal["built", "planned", "none"]
# A clause or the number of a task to its official text as written.
OfficialTexts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClauseFilter:
    """What the list of clauses is narrowed to; all given conditions hold together."""

    section: int | None = None
    task: int | None = None
    mechanism: str | None = None
    status: Status | None = None
    unit: str | None = None
    q: str | None = None

    @property
    def scope(self) -> str:
        """Names the list and its filters, for its cursors."""
        return f"plan-clauses {astuple(self)!r}"


def find(registry: Registry, asked: str) -> PlanMeasure | PlanTask:
    """The measure (`23.2`) or the task (`23`), full-width digits too. Raises UnknownPlanClause."""
    plain = asked.strip().translate(FULL_WIDTH)
    if plain.isascii() and plain.isdigit() and not plain.startswith("0"):
        task = registry.tasks.get(int(plain))
        if task is not None:
            return task
    try:
        return registry.clause(plain)
    except UnknownClause:
        raise UnknownPlanClause(asked=asked) from None


def status_of(registry: Registry, measure: PlanMeasure) -> Status:
    """`built` when any mechanism of the measure is, `planned` when one is planned, else `none`."""
    found = {registry.mechanisms[slug].status for slug in measure.mechanisms}
    if MechanismStatus.BUILT in found:
        return "built"
    return "planned" if found else "none"


def select(
    registry: Registry, wanted: ClauseFilter, official: OfficialTexts
) -> Iterator[PlanMeasure]:
    """The measures that `wanted` lets through, in the plan's order."""
    for measure in registry.measures.values():
        if _placed(registry, wanted, measure) and _speaks(wanted, measure, official):
            yield measure


def _placed(registry: Registry, wanted: ClauseFilter, measure: PlanMeasure) -> bool:
    return (
        (wanted.section is None or measure.section == wanted.section)
        and (wanted.task is None or measure.task == wanted.task)
        and (wanted.mechanism is None or wanted.mechanism in measure.mechanisms)
        and (wanted.status is None or status_of(registry, measure) == wanted.status)
    )


def _speaks(wanted: ClauseFilter, measure: PlanMeasure, official: OfficialTexts) -> bool:
    units = (*measure.leads, *measure.cooperating)
    if wanted.unit is not None and not any(wanted.unit in unit for unit in units):
        return False
    if wanted.q is None:
        return True
    text = (measure.clause, measure.summary_zh, measure.summary_en, *units,
            official.get(measure.clause, ""))  # fmt: skip
    return wanted.q.casefold() in "\n".join(text).casefold()


def show_section(section: PlanSection) -> dict[str, Any]:
    """A section's number and summaries."""
    return {
        "number": section.number,
        "summary_zh": section.summary_zh,
        "summary_en": section.summary_en,
    }


def show_task(task: PlanTask, official: OfficialTexts) -> dict[str, Any]:
    """A task's own row."""
    return {
        "kind": "task",
        "clause": str(task.number),
        "section": task.section,
        "summary_zh": task.summary_zh,
        "summary_en": task.summary_en,
        "official_text": official.get(str(task.number)),
        "links": {"self": f"/v1/plan/clauses/{task.number}"},
    }


def show_mechanism(mechanism: Mechanism) -> dict[str, Any]:
    """A mechanism without its clauses."""
    return {
        "slug": mechanism.slug,
        "status": mechanism.status.value,
        "name_zh": mechanism.name_zh,
        "name_en": mechanism.name_en,
    }


def show_measure(
    registry: Registry, measure: PlanMeasure, official: OfficialTexts
) -> dict[str, Any]:
    """A measure's own row: summaries, units, completion time, mechanisms, official text."""
    return {
        "kind": "measure",
        "clause": measure.clause,
        "section": measure.section,
        "task": measure.task,
        "number": measure.number,
        "summary_zh": measure.summary_zh,
        "summary_en": measure.summary_en,
        "leads": list(measure.leads),
        "cooperating": list(measure.cooperating),
        "completion": {"kind": measure.deadline.kind.value, "year": measure.deadline.year},
        "status": status_of(registry, measure),
        "mechanisms": [show_mechanism(registry.mechanisms[slug]) for slug in measure.mechanisms],
        "official_text": official.get(measure.clause),
        "links": {
            "self": f"/v1/plan/clauses/{measure.clause}",
            "task": f"/v1/plan/clauses/{measure.task}",
        },
    }


def show_remarks(measure: PlanMeasure) -> dict[str, Any]:
    """How unit names were read where the text has a slip, and other notes, in both languages."""
    return {
        "corrections": [
            {"written": c.written, "read": c.read, "zh": c.zh, "en": c.en}
            for c in measure.corrections
        ],
        "notes": [{"zh": n.zh, "en": n.en} for n in measure.notes],
    }
