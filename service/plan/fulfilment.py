"""What fulfils a clause: steps of workflows and operations of the API, read from their own tables.

A new workflow is added to `LIVES`; an operation is found by itself in the OpenAPI document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from service.duties.workflow import APPROVAL
from service.duties.workflow import CLOSED_STATES as APPROVAL_CLOSED
from service.emergency.workflow import ACTIVATION, DRILL
from service.emergency.workflow import CLOSED_STATES as OVER
from service.incidents.workflow import CLOSED_STATES, INCIDENT
from service.kit.routing import CLAUSES
from service.kit.workflow import Step, Workflow
from service.plan.registry_entries import MechanismStatus

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@dataclass(frozen=True, slots=True)
class CaseLife:
    """A workflow, and in which of its states a case counts as closed."""

    workflow: Workflow
    closed: frozenset[str]


LIVES: tuple[CaseLife, ...] = (
    CaseLife(INCIDENT, CLOSED_STATES),
    CaseLife(APPROVAL, APPROVAL_CLOSED),
    CaseLife(ACTIVATION, OVER),
    CaseLife(DRILL, OVER),
)
KINDS: list[str] = [life.workflow.kind for life in LIVES]
# As the database compares them: `kind:state`.
CLOSED: list[str] = sorted(f"{life.workflow.kind}:{s}" for life in LIVES for s in life.closed)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API and the clauses that it names."""

    method: str
    path: str
    operation_id: str
    summary: str
    clauses: tuple[str, ...]

    @property
    def shown(self) -> dict[str, str]:
        """The operation as the API lists it."""
        return {
            "method": self.method,
            "path": self.path,
            "operation_id": self.operation_id,
            "summary": self.summary,
        }


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator as the API lists it, and the clauses that it names."""

    clauses: tuple[str, ...]
    shown: dict[str, Any]


def show_indicators(indicators: Iterable[Indicator], clauses: Iterable[str]) -> dict[str, Any]:
    """The indicators that name any of `clauses`: built when one of them can be computed."""
    wanted = frozenset(clauses)
    items = [i.shown for i in indicators if not wanted.isdisjoint(i.clauses)]
    built = any(item["available"] for item in items)
    status = MechanismStatus.BUILT if built else MechanismStatus.PLANNED
    return {"status": status.value, "items": items}


class Operations:
    """What the running application offers: operations, read once from its OpenAPI document.

    `indicators` come with it, from rooms that this one does not know.
    """

    def __init__(
        self, openapi: Callable[[], dict[str, Any]], indicators: tuple[Indicator, ...]
    ) -> None:
        self._openapi = openapi
        self.indicators = indicators
        self._found: tuple[Operation, ...] | None = None
        self._lock = asyncio.Lock()

    async def all(self) -> tuple[Operation, ...]:
        """Every operation, in the document's order; the first call makes the document."""
        if self._found is None:
            async with self._lock:
                if self._found is None:
                    self._found = operations_of(await asyncio.to_thread(self._openapi))
        return self._found


def operations_of(document: dict[str, Any]) -> tuple[Operation, ...]:
    """The operations in an OpenAPI document, in its order."""
    return tuple(
        Operation(
            method=method.upper(),
            path=path,
            operation_id=found.get("operationId", ""),
            summary=found.get("summary", ""),
            clauses=tuple(found.get(CLAUSES, ())),
        )
        for path, item in document["paths"].items()
        for method, found in item.items()
        if method in METHODS
    )


def naming(operations: Iterable[Operation], clauses: Iterable[str]) -> list[Operation]:
    """The operations that name any of `clauses`."""
    wanted = frozenset(clauses)
    return [operation for operation in operations if not wanted.isdisjoint(operation.clauses)]


def show_step(workflow: Workflow, step: Step) -> dict[str, Any]:
    """A step as the API lists it: verb in both languages, from which states to which (null: it
    stays where it is)."""
    return {
        "action": step.action,
        "zh": step.zh,
        "en": step.en,
        "event": step.event,
        "from": sorted(step.sources, key=list(workflow.states).index),
        "to": step.target,
        "clauses": list(step.clauses),
    }
