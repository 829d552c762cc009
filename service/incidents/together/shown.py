"""How calls, sub-orders and merged cases are shown."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

ClosingRule = Literal["all", "main_and_named"]
CallState = Literal["waiting", "on_the_way", "accepted", "refused", "arrived", "unanswered"]
SubOrderState = Literal[
    "issued", "accepted", "refused", "submitted", "done", "withdrawn", "arbitration"
]


class CallOut(BaseModel):
    """社区呼叫 Who was called on a case, and what came of it: a unit, or a tier with its area."""

    id: UUID
    unit: str | None
    tier: int | None
    area: str | None
    called_by: UUID
    called_at: AwareDatetime
    answer_due: AwareDatetime | None = Field(description="A call that waits is over then")
    note: str | None
    state: CallState
    answered_by: UUID | None
    answered_at: AwareDatetime | None
    reason: str | None = Field(description="Why it was refused")
    arrived_at: AwareDatetime | None
    outcome: str | None = Field(
        description="arrived, refused, escalated (nobody answered), or case_… when the case ended"
    )


class SubOrderOut(BaseModel):
    """协办单 What one unit has to do on a case, and how far it is."""

    id: UUID
    unit: str
    role: Literal["main", "co"]
    task: str
    deadline: AwareDatetime | None
    issued_by: UUID
    issued_at: AwareDatetime
    issuer_unit: str | None = Field(description="The main unit, when it issued the order")
    state: SubOrderState
    named: bool = Field(description="Whether the closing rule main_and_named waits for it")
    final: bool = Field(description="Assigned by arbitration: it may not be refused")
    refusals: int = Field(description="After two, the next tier up decides")
    arbitration_tier: int | None
    reason: str | None = Field(description="Why it was refused, sent back or withdrawn last")
    accepted_by: UUID | None
    accepted_at: AwareDatetime | None
    submitted_by: UUID | None
    submitted_at: AwareDatetime | None
    feedback: str | None
    evidence: list[UUID]
    ended_by: UUID | None
    ended_at: AwareDatetime | None


class Master(BaseModel):
    """主案 The case that another one is merged into."""

    id: UUID
    number: str
    state: str


class CaseOfPart(BaseModel):
    """The case that a sub-order or call belongs to."""

    id: UUID
    number: str
    category: str
    level: int
    state: str
    version: int
    grid_code: str
    description: str


class SubOrderRow(SubOrderOut):
    """A sub-order in a list, with its case."""

    incident: CaseOfPart


class SubOrderPage(BaseModel):
    """A keyset page of sub-orders, newest first."""

    items: list[SubOrderRow]
    next: str | None


class CallRow(CallOut):
    """A call in a list, with its case."""

    incident: CaseOfPart


class CallPage(BaseModel):
    """A keyset page of calls, newest first."""

    items: list[CallRow]
    next: str | None


class Duplicate(BaseModel):
    """A case that may be the same matter."""

    id: UUID
    number: str
    category: str
    level: int
    state: str
    version: int
    description: str
    reported_at: AwareDatetime
    grid_code: str
    distance_m: float = Field(description="Along the ellipsoid of CGCS2000, in metres")
    mergeable: bool = Field(
        description="Whether it is open, so that the case may be merged into it"
    )


class Duplicates(BaseModel):
    """Proposed duplicates, nearest first."""

    items: list[Duplicate]
