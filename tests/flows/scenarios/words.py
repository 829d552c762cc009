"""The words of the scenario files: people, verbs, colours, clocks, and what they are in the API."""

from __future__ import annotations

from service.incidents.workflow import INCIDENT, STATES
from tests.cases import OTHER_UNIT, UNIT

PEOPLE = {
    "网格员": "worker",
    "网格员乙": "second_worker",
    "村": "village",
    "乡镇": "township",
    "县": "county",
    "县乙": "second_county",
    "住建局": "handler",
    "城管局": "third_handler",
    "镇综合办": "office",
    "村治保会": "committee",
    "公安局": "other_handler",
    "审计": "auditor",
    "管理员": "administrator",
    "代办员": "agent",
    "平台": "system",
}
# County departments; a place adds its own offices.
UNITS = {"住建局": UNIT, "公安局": OTHER_UNIT, "城管局": "511723-TESTC"}
SERVICE = "系统"

VERBS = {step.zh: step.action for step in INCIDENT.steps if step.sources and not step.automatic}
STATE_OF = {zh: state for state, zh in STATES.items()}
TIER_OF = {"网格级": 1, "村级": 2, "乡镇级": 3, "县级": 4}
COLOURS = {"绿色", "黄色", "红色"}
CLOCK_OF = {
    "受理": "accept",
    "派遣": "assign",
    "到场": "on_site",
    "层级": "tier",
    "办结": "finish",
    "结案": "close",
    "呼叫": "call",
}
# What the service does by itself, as the files name it, by the event's action.
BY_ITSELF = {"预警": "warn", "超时": "mark-overdue", "督办": "supervise"}
DEADLINES = {
    "预警于": "amber_at",
    "限于": "due_at",
    "督办于": "supervise_at",
    "办结限": "finish_due",
    "到场限": "on_site_due",
}
RESULTS = {"通过": "passed", "未通过": "failed"}
SATISFACTION = {
    "满意": "satisfied",
    "一般": "neutral",
    "不满意": "dissatisfied",
    "未答复": "no_answer",
}
OUTCOMES = {"达成协议": "agreement", "自愿撤回": "withdrawal", "其他": "other"}
EXTENSIONS = {"延期待批": "asked", "延期已批": "approved", "延期未批": "refused"}
VERIFICATIONS = {"核查通过": "passed", "核查未通过": "failed", "自查": "self"}
STEPS = {
    "受理": "accept", "派遣": "assign", "到场": "on_site", "办结": "finish", "结案": "close",
}  # fmt: skip
