"""The incident's states and transition table, each step with the clauses that it fulfils.

Clause 23.2 is the heart: grid discovery, community call, tiered response, collaborative handling.
A step adds its own: 18.1/18.2 (one-stop resolution) come from the category, not from the step.
"""

from __future__ import annotations

from service.incidents.together import workflow as together
from service.kit.workflow import Step, Workflow

REPORTED = "reported"
ACCEPTED = "accepted"
ASSIGNED = "assigned"
ON_SITE = "on_site"
HANDLING = "handling"
SUBMITTED = "submitted"
VERIFYING = "verifying"
CLOSED = "closed"
FOLLOWED_UP = "followed_up"
RETURNED = "returned"
SUSPENDED = "suspended"
REJECTED = "rejected"
MERGED = "merged"
VOID = "void"

STATES = {
    REPORTED: "已上报",
    ACCEPTED: "已受理",
    ASSIGNED: "已派遣",
    ON_SITE: "已到场",
    HANDLING: "处置中",
    SUBMITTED: "已反馈",
    VERIFYING: "核查中",
    CLOSED: "已结案",
    FOLLOWED_UP: "已回访",
    RETURNED: "已退回",
    SUSPENDED: "已挂起",
    REJECTED: "不予受理",
    MERGED: "已并案",
    VOID: "已作废",
}
CLOSED_STATES = frozenset({CLOSED, FOLLOWED_UP, REJECTED, MERGED, VOID})
IN_HANDS = frozenset({ASSIGNED, ON_SITE, HANDLING})
OPEN_STATES = frozenset(STATES) - CLOSED_STATES
# Where limits run: a suspension stops the clock.
RUNNING_STATES = OPEN_STATES - {SUSPENDED}
HELD = IN_HANDS | {ACCEPTED, RETURNED}

TIERS = {1: "网格", 2: "村（社区）", 3: "乡镇（街道）", 4: "县"}
TOP_TIER = 4


def _step(
    action: str,
    sources: set[str] | frozenset[str],
    target: str | None,
    permission: str,
    event: str,
    verb: tuple[str, str],
    *more_clauses: str,
    automatic: bool = False,
) -> Step:
    return Step(
        action, frozenset(sources), target, f"incident.{event}", permission,
        ("23.2", *more_clauses), *verb, automatic,
    )  # fmt: skip


INCIDENT = Workflow(
    kind="incident",
    states=STATES,
    initial=REPORTED,
    final=frozenset({VOID}),
    steps=(
        _step("report", frozenset(), REPORTED, "incident:report", "reported",
              ("上报", "report")),
        _step("self-handle", {REPORTED, ACCEPTED}, CLOSED, "incident:self_handle",
              "self_handled", ("自处置", "self-handle")),
        _step("accept", {REPORTED}, ACCEPTED, "incident:accept", "accepted", ("受理", "accept")),
        _step("reject", {REPORTED}, REJECTED, "incident:reject", "rejected",
              ("不予受理", "reject")),
        _step("assign", {ACCEPTED, RETURNED}, ASSIGNED, "incident:assign", "assigned",
              ("派遣", "assign")),
        _step("transfer", IN_HANDS, ASSIGNED, "incident:transfer", "transferred",
              ("转派", "transfer")),
        _step("arrive", {ACCEPTED, ASSIGNED}, ON_SITE, "incident:handle", "arrived",
              ("到场", "arrive")),
        _step("handle", {ACCEPTED, ASSIGNED, ON_SITE, HANDLING}, HANDLING, "incident:handle",
              "handled", ("处置", "handle")),
        _step("submit", {ON_SITE, HANDLING}, SUBMITTED, "incident:handle", "submitted",
              ("反馈", "submit")),
        _step("return", IN_HANDS, RETURNED, "incident:return", "returned", ("退回", "return")),
        _step("escalate", {REPORTED, ACCEPTED, RETURNED} | IN_HANDS, REPORTED,
              "incident:escalate", "escalated", ("升级", "escalate")),
        _step("verify", {SUBMITTED}, VERIFYING, "incident:verify", "verified",
              ("核查", "verify")),
        _step("rework", {SUBMITTED, VERIFYING}, ASSIGNED, "incident:verify", "reworked",
              ("返工", "rework")),
        _step("close", {VERIFYING}, CLOSED, "incident:close", "closed", ("结案", "close")),
        _step("follow-up", {CLOSED}, FOLLOWED_UP, "incident:follow_up", "followed_up",
              ("回访", "follow up")),
        _step("reopen", {CLOSED, FOLLOWED_UP, REJECTED}, ACCEPTED, "incident:reopen", "reopened",
              ("重启", "reopen")),
        _step("extend", IN_HANDS, None, "incident:extend", "extension_asked",
              ("延期", "ask for an extension")),
        _step("approve-extension", IN_HANDS, None, "incident:decide_extension",
              "extension_approved", ("同意延期", "approve the extension")),
        _step("refuse-extension", IN_HANDS, None, "incident:decide_extension",
              "extension_refused", ("不同意延期", "refuse the extension")),
        _step("suspend", IN_HANDS, SUSPENDED, "incident:suspend", "suspended",
              ("挂起", "suspend")),
        _step("resume", {SUSPENDED}, ASSIGNED, "incident:suspend", "resumed", ("恢复", "resume")),
        _step("urge", OPEN_STATES, None, "incident:urge", "urged", ("催办", "urge")),
        _step("supervise", OPEN_STATES, None, "incident:supervise", "supervised",
              ("督办", "supervise")),
        _step("warn", RUNNING_STATES, None, "incident:clock", "warned", ("预警", "warn"),
              automatic=True),
        _step("mark-overdue", RUNNING_STATES, None, "incident:clock", "overdue",
              ("超时", "mark overdue"), automatic=True),
        _step("call-unanswered", RUNNING_STATES, None, "incident:clock", "call_unanswered",
              ("呼叫无应答", "leave a call unanswered"), "17.5", automatic=True),
        _step("count", RUNNING_STATES, None, "incident:clock", "counted",
              ("计时", "count a limit that waited for a work calendar"), automatic=True),
        _step("void", {REPORTED, ACCEPTED, ASSIGNED, RETURNED}, VOID, "incident:void", "voided",
              ("作废", "void")),
        *together.steps(
            held=HELD, opened=OPEN_STATES, fresh=HELD | {REPORTED}, accepted=ACCEPTED,
            merged=MERGED,
        ),
    ),
)  # fmt: skip
