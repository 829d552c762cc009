"""Clauses, what fulfils them and what was done, as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from service.plan.registry_entries import MechanismStatus
from service.plan.schemas.common import (
    CompletionOut,
    MechanismOut,
    OperationOut,
    Out,
    PlanPiece,
    SectionOut,
)


class TaskLinks(Out):
    """Where to read more."""

    self_: str = Field(alias="self", examples=["/v1/plan/clauses/23"])


class MeasureLinks(TaskLinks):
    """Where to read more."""

    task: str = Field(examples=["/v1/plan/clauses/23"])


class TaskRow(Out):
    """A task in our own words, with its official text as written in the newest import."""

    kind: Literal["task"]
    clause: str = Field(examples=["23"])
    section: int
    summary_zh: str
    summary_en: str
    official_text: str | None
    links: TaskLinks


class MeasureRow(Out):
    """A measure in our own words, with its official text as written in the newest import."""

    kind: Literal["measure"]
    clause: str = Field(examples=["23.2"])
    section: int
    task: int
    number: int
    summary_zh: str
    summary_en: str
    leads: list[str]
    cooperating: list[str]
    completion: CompletionOut
    status: Literal["built", "planned", "none"] = Field(
        description="The best status of its mechanisms; none without any"
    )
    mechanisms: list[MechanismOut]
    official_text: str | None
    links: MeasureLinks


class ClausePage(Out):
    """Measures in the plan's order, and the sections and tasks that those belong to."""

    items: list[MeasureRow]
    next: str | None
    sections: list[SectionOut]
    tasks: list[TaskRow]


class CorrectionOut(Out):
    """A unit's name as the official text writes it, as it is read here, and why."""

    written: str
    read: str
    zh: str
    en: str


class NoteOut(Out):
    """A remark in both languages."""

    zh: str
    en: str


class OfficialText(Out):
    """What the newest import says under this number; no piece when it does not have it."""

    import_id: UUID
    filename: str
    imported_at: datetime
    pieces: list[PlanPiece]


class StepOut(Out):
    """A step of a workflow that serves the clause, with how often it was done."""

    action: str = Field(examples=["assign"])
    zh: str = Field(examples=["派遣"])
    en: str
    event: str = Field(examples=["incident.assigned"])
    from_: list[str] = Field(alias="from", description="States; none for a step that begins a case")
    to: str | None
    clauses: list[str]
    named: bool = Field(description="false: not the step but a case's category names the clause")
    events: int
    last_at: datetime | None


class WorkflowOut(Out):
    """The steps of one kind of case."""

    case_kind: str = Field(examples=["incident"])
    steps: list[StepOut]


class ClauseIndicators(Out):
    """Indicators that name the clause."""

    status: MechanismStatus
    items: list[dict[str, Any]]


class CaseCounts(Out):
    """Cases whose first event names the clause, over the whole county."""

    case_kind: str
    total: int
    open: int
    closed: int


class EventCount(Out):
    """How often one event named the clause."""

    case_kind: str
    event: str
    action: str
    events: int
    last_at: datetime


class EvidenceCounts(Out):
    """What was done under a clause, over the whole county, up to this moment."""

    events: int
    cases: list[CaseCounts]
    by_event: list[EventCount]
    last_at: datetime | None


class LastEvidence(Out):
    """The newest event; without a right to read its case only its time."""

    at: datetime
    event: str | None
    action: str | None
    case_kind: str | None
    case_id: UUID | None
    case_number: str | None


class ClauseEvidence(EvidenceCounts):
    """The counts of a clause and the newest event."""

    last: LastEvidence | None


class MeasureOutline(Out):
    """Where a measure stands."""

    section: SectionOut
    task: TaskRow


class TaskOutline(Out):
    """Where a task stands."""

    section: SectionOut


class MeasureDetail(MeasureRow):
    """A measure, what fulfils it, and what was done."""

    corrections: list[CorrectionOut]
    notes: list[NoteOut]
    outline: MeasureOutline
    official: OfficialText | None
    workflows: list[WorkflowOut]
    operations: list[OperationOut]
    indicators: ClauseIndicators
    evidence: ClauseEvidence


class MeasureWithCounts(MeasureRow):
    """A measure of a task, and what was done."""

    evidence: EvidenceCounts


class TaskDetail(TaskRow):
    """A task with its measures. An event may name several measures, so counts are theirs."""

    outline: TaskOutline
    official: OfficialText | None
    measures: list[MeasureWithCounts]
    operations: list[OperationOut]
    indicators: ClauseIndicators


ClauseDetail = Annotated[MeasureDetail | TaskDetail, Field(discriminator="kind")]
