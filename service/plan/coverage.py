"""How much of the plan this service covers, as figures with numerator and denominator. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from service.plan.catalogue import show_mechanism, status_of
from service.plan.fulfilment import LIVES, Operation
from service.plan.registry_entries import MechanismStatus, PlanMeasure, Registry


def coverage(
    registry: Registry, operations: Sequence[Operation], evidenced: Collection[str]
) -> dict[str, Any]:
    """Clauses, mechanisms and operations that have no counterpart, and the shares that have.

    `evidenced` are the clauses with at least one event.
    """
    measures = list(registry.measures.values())
    by_status = {m.clause: status_of(registry, m) for m in measures}
    mechanisms = list(registry.mechanisms.values())
    steps = [step for life in LIVES for step in life.workflow.steps]
    nameless = [o for o in operations if not o.clauses]
    built = sum(m.status is MechanismStatus.BUILT for m in mechanisms)
    with_built = sum(status == "built" for status in by_status.values())
    with_any = sum(status != "none" for status in by_status.values())
    return {
        "figures": {
            "clauses_with_built_mechanism": figure(with_built, len(measures)),
            "clauses_with_any_mechanism": figure(with_any, len(measures)),
            "clauses_with_evidence": figure(
                sum(m.clause in evidenced for m in measures), len(measures)
            ),
            "mechanisms_built": figure(built, len(mechanisms)),
            "operations_with_clause": figure(len(operations) - len(nameless), len(operations)),
            "steps_with_clause": figure(sum(bool(s.clauses) for s in steps), len(steps)),
        },
        "mechanisms": {"built": built, "planned": len(mechanisms) - built},
        "clauses_without_mechanism": [_row(m) for m in measures if by_status[m.clause] == "none"],
        "clauses_planned": [_row(m) for m in measures if by_status[m.clause] == "planned"],
        "mechanisms_without_clause": [show_mechanism(m) for m in mechanisms if not m.clauses],
        "operations_without_clause": [o.shown for o in nameless],
        "unknown_clauses": list(unknown_clauses(registry, operations)),
    }


def figure(numerator: int, denominator: int) -> dict[str, Any]:
    """A share with what it is a share of; no share of nothing."""
    share = round(numerator / denominator, 4) if denominator else None
    return {"numerator": numerator, "denominator": denominator, "share": share}


def unknown_clauses(
    registry: Registry, operations: Sequence[Operation]
) -> Iterator[dict[str, str]]:
    """Where an operation or a step names a clause that the plan does not have."""
    named = [(f"{o.method} {o.path}", o.clauses) for o in operations]
    named += [
        (f"{life.workflow.kind}.{step.action}", step.clauses)
        for life in LIVES
        for step in life.workflow.steps
    ]
    for where, clauses in named:
        for clause in clauses:
            if clause not in registry.measures:
                yield {"where": where, "clause": clause}


def _row(measure: PlanMeasure) -> dict[str, Any]:
    return {
        "clause": measure.clause,
        "section": measure.section,
        "task": measure.task,
        "summary_zh": measure.summary_zh,
        "summary_en": measure.summary_en,
    }
