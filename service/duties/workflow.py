"""The life of an out-of-list dispatch approval, each step with the clauses that it fulfils.

Clause 35.2: a task outside the list needs the township's opinion and the county's approval, both
recorded. A matter handed to a village or community enters by 25.1 and 35.4 instead.
"""

from __future__ import annotations

from service.kit.workflow import Step, Workflow

REQUESTED = "requested"
OPINION_GIVEN = "opinion_given"
APPROVED = "approved"
DENIED = "denied"
USED = "used"
WITHDRAWN = "withdrawn"
EXPIRED = "expired"

STATES = {
    REQUESTED: "已申请",
    OPINION_GIVEN: "已出具意见",
    APPROVED: "已批准",
    DENIED: "未批准",
    USED: "已使用",
    WITHDRAWN: "已撤回",
    EXPIRED: "已过期",
}
CLOSED_STATES = frozenset({DENIED, USED, WITHDRAWN, EXPIRED})
OPEN_STATES = frozenset(STATES) - CLOSED_STATES

TOWNSHIP_CLAUSES = ("35.2",)
COMMUNITY_CLAUSES = ("25.1", "35.4")


def _step(
    action: str, sources: set[str] | frozenset[str], target: str, permission: str, event: str,
    verb: tuple[str, str],
) -> Step:  # fmt: skip
    clauses = (*TOWNSHIP_CLAUSES, *COMMUNITY_CLAUSES)
    name = f"dispatch_approval.{event}"
    return Step(action, frozenset(sources), target, name, permission, clauses, *verb)


APPROVAL = Workflow(
    kind="dispatch_approval",
    states=STATES,
    initial=REQUESTED,
    final=CLOSED_STATES,
    steps=(
        _step("request", frozenset(), REQUESTED, "dispatch_approval:request", "requested",
              ("申请", "request")),
        _step("opinion", {REQUESTED}, OPINION_GIVEN, "dispatch_approval:opine", "opinion_given",
              ("出具意见", "give an opinion")),
        _step("approve", {OPINION_GIVEN}, APPROVED, "dispatch_approval:decide", "approved",
              ("批准", "approve")),
        _step("deny", {OPINION_GIVEN}, DENIED, "dispatch_approval:decide", "denied",
              ("不予批准", "deny")),
        _step("withdraw", OPEN_STATES, WITHDRAWN, "dispatch_approval:request", "withdrawn",
              ("撤回", "withdraw")),
        _step("use", {APPROVED}, USED, "incident:assign", "used", ("使用", "use")),
        _step("expire", OPEN_STATES, EXPIRED, "dispatch_approval:decide", "expired",
              ("过期", "expire")),
    ),
)  # fmt: skip
# A dispatch uses an approval, and time ends one: neither is asked for over HTTP.
ASKED_FOR = tuple(s for s in APPROVAL.steps if s.sources and s.action not in ("use", "expire"))
