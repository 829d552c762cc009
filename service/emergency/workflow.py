"""States and steps of an activation and of a drill, each with the clauses that it fulfils.

A drill is an activation with a flag: the same steps under another name, so that it is never
counted as an emergency, and an evaluation at its end (17.2). While an activation is in force the
village's two committees command all local resources (24.2): what is given to it and taken back is
part of its history.
"""

from __future__ import annotations

from service.kit.workflow import Step, Workflow

IN_FORCE = "in_force"
ENDED = "ended"
EVALUATED = "evaluated"

STATES = {IN_FORCE: "已启动", ENDED: "已结束", EVALUATED: "已评估"}
CLOSED_STATES = frozenset({ENDED, EVALUATED})
COMMAND = "activation:command"
ALLOCATE = "resource:allocate"
LEVELS = {1: "Ⅰ", 2: "Ⅱ", 3: "Ⅲ", 4: "Ⅳ"}


def _steps(kind: str, clauses: tuple[str, ...], giving: tuple[str, ...]) -> tuple[Step, ...]:
    none: frozenset[str] = frozenset()
    running = frozenset({IN_FORCE})
    return (
        Step("start", none, IN_FORCE, f"{kind}.started", COMMAND, clauses, "启动", "start"),
        Step("change-level", running, IN_FORCE, f"{kind}.level_changed", COMMAND, clauses,
             "调整响应级别", "change the level"),
        Step("end", running, ENDED, f"{kind}.ended", COMMAND, clauses, "终止响应", "end"),
        Step("allocate", running, None, f"{kind}.resource_allocated", ALLOCATE, giving,
             "调配资源", "allocate a resource"),
        Step("release", running, None, f"{kind}.resource_released", ALLOCATE, giving,
             "释放资源", "release a resource"),
    )  # fmt: skip


ACTIVATION = Workflow(
    kind="activation",
    states={state: zh for state, zh in STATES.items() if state != EVALUATED},
    initial=IN_FORCE,
    final=frozenset({ENDED}),
    steps=_steps("activation", ("17.1", "17.5", "24.2"), ("17.2", "24.2")),
)
DRILL = Workflow(
    kind="drill",
    states=STATES,
    initial=IN_FORCE,
    final=frozenset({EVALUATED}),
    steps=(
        *_steps("drill", ("17.1", "17.2"), ("17.2",)),
        Step("evaluate", frozenset({ENDED}), EVALUATED, "drill.evaluated", COMMAND, ("17.2",),
             "演练评估", "evaluate"),
    ),
)  # fmt: skip


# What is asked for at a resource is no action of the activation itself.
ASKED_FOR = frozenset(
    step.action
    for step in (*ACTIVATION.steps, *DRILL.steps)
    if step.sources and step.permission == COMMAND
)


def workflow_of(*, drill: bool) -> Workflow:
    """The workflow that an activation with or without the flag follows."""
    return DRILL if drill else ACTIVATION
