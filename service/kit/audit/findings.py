"""What an audit can find, in words, and the report that it hands over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

KEPT = 1_000

# Code: Chinese and English text, over the finding's own values.
TEXTS: Final[dict[str, tuple[str, str]]] = {
    "event_missing": ("缺少第 {seq} 条事件", "event {seq} is missing"),
    "events_missing": (
        "缺少第 {seq} 至第 {last} 条事件",
        "events {seq} to {last} are missing",
    ),
    "event_changed": (
        "第 {seq} 条事件的内容与其哈希不符，已被改动",
        "event {seq} was changed: its hash is not that of its content",
    ),
    "link_broken": (
        "第 {seq} 条事件未接在其前一条之后，前一条被替换或本条为插入",
        "event {seq} does not follow the one before it: one of them was replaced or inserted",
    ),
    "head_differs": (
        "案件记录在第 {version} 版，事件链止于第 {seq} 条：末尾被删除、添加或重算",
        "the case is at version {version}, its chain ends with event {seq}: its end is not genuine",
    ),
    "state_differs": (
        "案件状态为“{state}”，事件链的结果是“{to_state}”",
        "the case is in state {state} but its chain leads to {to_state}",
    ),
    "chain_missing": ("案件的全部事件都不见了", "all events of the case are gone"),
    "case_missing": ("有事件链而没有案件记录", "there is a chain but no case"),
    "checkpoint_link_broken": (
        "检查点 {checkpoint} 未接在其前一个之后",
        "checkpoint {checkpoint} does not follow the one before it",
    ),
    "checkpoint_count": (
        "检查点 {checkpoint}（事件编号 {first}–{last}）当时有 {expected} 条事件，现有 {found} 条",
        "checkpoint {checkpoint} (event ids {first} to {last}) covered {expected}, not {found}",
    ),
    "checkpoint_digest": (
        "检查点 {checkpoint}（事件编号 {first}–{last}）所覆盖的事件已被替换或重算",
        "events of checkpoint {checkpoint} (event ids {first} to {last}) were computed anew",
    ),
    "anchor_missing": (
        "没有检查点 {checkpoint}，而别处存有其摘要",
        "checkpoint {checkpoint} is gone, although its digest is known elsewhere",
    ),
    "anchor_differs": (
        "检查点 {checkpoint} 的摘要与别处所存的不同，整段历史可能已被重算",
        "checkpoint {checkpoint} has another digest than was kept elsewhere",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a stable code, where, and the values that its text names."""

    what: str
    case_id: UUID | None = None
    seq: int | None = None
    checkpoint: int | None = None
    values: dict[str, object] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The finding in words, in Chinese ("zh") or English."""
        chinese, english = TEXTS[self.what]
        known = {"seq": self.seq, "checkpoint": self.checkpoint, **self.values}
        return (chinese if language == "zh" else english).format(**known)


@dataclass(slots=True)
class Report:
    """What was read and what was found; the first 1,000 findings are kept, all are counted."""

    cases: int = 0
    events: int = 0
    checkpoints: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, finding: Finding) -> None:
        """Note a finding."""
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(finding)
