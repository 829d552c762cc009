"""The gate through which a part of a case (a sub-order, a call) changes its state.

A part has a workflow of its own and no chain: it is stored with its case, under the case's version,
and the case's events tell what became of it.
"""

from __future__ import annotations

from typing import Protocol

from service.kit.workflow import Workflow


class Part(Protocol):
    """What every part of a case has."""

    state: str


def move(part: Part, workflow: Workflow, action: str) -> None:
    """Take the step named `action`. Raises UnknownAction, ActionNotAllowed."""
    step = workflow.step(action)
    workflow.require(step, part.state)
    part.state = step.target or part.state
