"""What may be done with calls, sub-orders and duplicates, with the clauses that it fulfils.

Calls and sub-orders have states of their own; each step of theirs that somebody takes is also a
step of the case, which stays in its state and whose history tells it. 23.2 asks for community call
and collaborative handling, 17.5 for communication over three levels, 18.4 and 24.1 for joint
prevention.
"""

from __future__ import annotations

from service.kit.workflow import Step, Workflow

JOINT = ("23.2", "18.4", "24.1")
CALLED = ("23.2", "17.5")
ANSWER, COORDINATE = "incident:answer", "incident:coordinate"
HANDLE, MERGE = "incident:handle", "incident:merge"

WAITING, ON_THE_WAY, ACCEPTED, REFUSED = "waiting", "on_the_way", "accepted", "refused"
ARRIVED, UNANSWERED = "arrived", "unanswered"
ISSUED, SUBMITTED, DONE = "issued", "submitted", "done"
WITHDRAWN, ARBITRATION = "withdrawn", "arbitration"

OPEN_CALLS = frozenset({WAITING, ON_THE_WAY, ACCEPTED})
ENDED_ORDERS = frozenset({DONE, WITHDRAWN})
SUB_ORDERS = "sub-orders"


def _call(action: str, sources: set[str], target: str, verb: tuple[str, str]) -> Step:
    event = f"incident.call_{target}"
    return Step(action, frozenset(sources), target, event, ANSWER, CALLED, *verb)


CALL = Workflow(
    kind="call",
    states={
        WAITING: "待应答", ON_THE_WAY: "已出发", ACCEPTED: "已应答", REFUSED: "已拒绝",
        ARRIVED: "已到场", UNANSWERED: "无应答",
    },
    initial=WAITING,
    final=frozenset({REFUSED, ARRIVED, UNANSWERED}),
    steps=(
        _call("call", set(), WAITING, ("呼叫", "call")),
        _call("on_the_way", {WAITING, ACCEPTED, ON_THE_WAY}, ON_THE_WAY, ("出发", "set out")),
        _call("accept", {WAITING, ON_THE_WAY, ACCEPTED}, ACCEPTED, ("应答", "accept")),
        _call("refuse", set(OPEN_CALLS), REFUSED, ("拒绝", "refuse")),
        _call("arrive", set(OPEN_CALLS), ARRIVED, ("到场", "arrive")),
        _call("expire", {WAITING}, UNANSWERED, ("超时", "expire")),
    ),
)  # fmt: skip


def _order(
    action: str, sources: set[str], target: str, permission: str, event: str, verb: tuple[str, str]
) -> Step:
    event = f"incident.sub_order_{event}"
    return Step(action, frozenset(sources), target, event, permission, JOINT, *verb)


SUB_ORDER = Workflow(
    kind="sub_order",
    states={
        ISSUED: "已下达", ACCEPTED: "已接收", REFUSED: "已拒绝", SUBMITTED: "已反馈",
        DONE: "已完成", WITHDRAWN: "已撤回", ARBITRATION: "待裁定",
    },
    initial=ISSUED,
    final=ENDED_ORDERS,
    steps=(
        _order("issue", set(), ISSUED, COORDINATE, "issued", ("下达", "issue")),
        _order("accept", {ISSUED}, ACCEPTED, HANDLE, "accepted", ("接收", "accept")),
        _order("refuse", {ISSUED, ACCEPTED}, REFUSED, HANDLE, "refused", ("拒绝", "refuse")),
        _order("submit", {ACCEPTED}, SUBMITTED, HANDLE, "submitted", ("反馈", "submit")),
        _order("approve", {SUBMITTED}, DONE, COORDINATE, "approved", ("认可", "approve")),
        _order("send-back", {SUBMITTED}, ACCEPTED, COORDINATE, "sent_back",
               ("退回重办", "send back")),
        _order("transfer", {ISSUED, ACCEPTED, REFUSED}, ISSUED, COORDINATE, "transferred",
               ("转派", "transfer")),
        _order("withdraw", {ISSUED, ACCEPTED, REFUSED, SUBMITTED, ARBITRATION}, WITHDRAWN,
               COORDINATE, "withdrawn", ("撤回", "withdraw")),
        _order("assign", {ARBITRATION}, ISSUED, COORDINATE, "assigned_finally",
               ("裁定", "assign finally")),
        # What follows from another step, and nobody's own action.
        _order("dispute", {REFUSED}, ARBITRATION, COORDINATE, "disputed", ("提请裁定", "dispute")),
        _order("follow", {ISSUED, ACCEPTED, REFUSED, SUBMITTED}, ISSUED, COORDINATE, "followed",
               ("随案转派", "follow the case")),
        _order("let-go", {ISSUED, ACCEPTED, SUBMITTED}, REFUSED, COORDINATE, "let_go",
               ("随案退回", "go back with the case")),
    ),
)  # fmt: skip
CONSEQUENCES = frozenset({"dispute", "follow", "let-go"})
ORDER_STEPS = {
    f"sub-order-{s.action}": s
    for s in SUB_ORDER.steps
    if s.sources and s.action not in CONSEQUENCES
}


def steps(
    *, held: frozenset[str], opened: frozenset[str], fresh: frozenset[str], accepted: str,
    merged: str,
) -> tuple[Step, ...]:  # fmt: skip
    """The steps of a case that belong here.

    `held` are the case's states in which somebody holds it, `opened` all that are not the end,
    `fresh` those in which a duplicate may be merged.
    """

    def keeps(
        action: str, sources: frozenset[str], permission: str, event: str, verb: tuple[str, str],
        clauses: tuple[str, ...] = JOINT,
    ) -> Step:  # fmt: skip
        return Step(action, sources, None, f"incident.{event}", permission, clauses, *verb)

    return (
        keeps("call", held, "incident:call", "called", ("社区呼叫", "call"), CALLED),
        keeps("answer", opened, ANSWER, "answered", ("应答", "answer"), CALLED),
        keeps("arrive-call", opened, ANSWER, "called_arrived", ("应答到场", "arrive at a call"),
              CALLED),
        keeps("request-help", held, COORDINATE, "sub_orders_issued", ("协办", "request help")),
        keeps("set-closing-rule", held, COORDINATE, "closing_rule_set",
              ("设定结案规则", "set the closing rule")),
        *(
            Step(action, opened, None, s.event, s.permission, JOINT, f"协办单{s.zh}",
                 f"{s.en} a sub-order", part=SUB_ORDERS)
            for action, s in ORDER_STEPS.items()
        ),
        Step("merge", fresh, merged, "incident.merged", MERGE, ("23.2",), "并案", "merge"),
        Step("split-off", frozenset({merged}), accepted, "incident.split_off", MERGE, ("23.2",),
             "撤销并案", "split off"),
        keeps("decline-duplicate", opened, MERGE, "duplicate_declined",
              ("否定重复", "decline a duplicate"), ("23.2",)),
    )  # fmt: skip


# What the master's history tells; its state is as it was.
ABSORB = Step("merge", frozenset(), None, "incident.took_in", MERGE, ("23.2",), "并入", "take in")
RELEASE = Step(
    "split-off", frozenset(), None, "incident.let_out", MERGE, ("23.2",), "移出", "let out"
)
