"""Workflows as data: states, steps and the clauses that each step fulfils.

A room declares its steps once, in its `workflow.py`. `service.kit.advance` is the only place that
writes a state, and it asks this table; a lint with its own test keeps it so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from service.errors import AppError


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a workflow: from which states, to which, who may, which clauses it fulfils.

    `event` is the past-tense name that the case's history shows. `zh` is the verb users know. A
    step without a target leaves the case in the state it is in. An `automatic` step is the
    service's own: no role has its permission, and it is no operation of the API. A step with a
    `part` acts on one part of a case, and is offered at that part.
    """

    action: str
    sources: frozenset[str]
    target: str | None
    event: str
    permission: str
    clauses: tuple[str, ...]
    zh: str
    en: str
    automatic: bool = False
    part: str = ""


class UnknownAction(AppError):
    """The workflow has no such action."""

    status, code = 404, "unknown_action"
    zh = "没有名为 {action} 的操作。"
    en = "There is no action named {action}."


class ActionNotAllowed(AppError):
    """The action exists, but not from the state that the case is in."""

    status, code = 409, "action_not_allowed"
    zh = "当前状态“{state}”不能执行“{action}”；可执行：{allowed}。"
    en = "In state {state} the action {action} is not allowed; allowed are: {allowed}."


class StaleVersion(AppError):
    """The case has moved on since the caller read it."""

    status, code = 412, "stale_version"
    zh = "该记录已被更新（现为版本 {current}），请重新读取后再操作。"
    en = "The case has changed (now version {current}); read it again, then act."


def require_version(expected: int | None, current: int) -> None:
    """Pass when nothing was expected, or what is there. Raises StaleVersion."""
    if expected is not None and expected != current:
        raise StaleVersion(current=current, extra={"current_version": current})


@dataclass(frozen=True)
class Workflow:
    """A case kind's states and transition table."""

    kind: str
    states: dict[str, str]
    initial: str
    final: frozenset[str]
    steps: tuple[Step, ...]
    _by_action: dict[str, Step] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_action = {step.action: step for step in self.steps}
        if len(by_action) != len(self.steps):
            raise ValueError(f"{self.kind}: an action is declared twice")
        for step in self.steps:
            named = step.sources | ({step.target} if step.target else frozenset())
            if unknown := named - self.states.keys():
                raise ValueError(f"{self.kind}.{step.action}: unknown states {sorted(unknown)}")
            if not step.clauses:
                raise ValueError(f"{self.kind}.{step.action}: names no clause")
        object.__setattr__(self, "_by_action", by_action)

    @cached_property
    def creation(self) -> Step:
        """The step that makes a case: the one without a source state."""
        return next(step for step in self.steps if not step.sources)

    def step(self, action: str) -> Step:
        """The step named `action`. Raises UnknownAction."""
        step = self._by_action.get(action)
        if step is None:
            raise UnknownAction(action=action)
        return step

    def steps_from(self, state: str) -> tuple[Step, ...]:
        """The steps that the table allows from `state`, in declared order."""
        return tuple(step for step in self.steps if state in step.sources)

    def require(self, step: Step, state: str) -> None:
        """Pass when the table allows `step` from `state`. Raises ActionNotAllowed (409)."""
        if state not in step.sources:
            allowed = "、".join(s.action for s in self.steps_from(state)) or "–"
            raise ActionNotAllowed(action=step.action, state=state, allowed=allowed)
