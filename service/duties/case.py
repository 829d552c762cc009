"""One approval in memory, and how it is stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.duties.workflow import APPROVAL
from service.kit.case_rows import Column
from service.kit.quiet_cases import QuietCase, QuietCases


class ApprovalCase(QuietCase, kw_only=True):
    """An out-of-list dispatch approval as it stands (see service.duties.models)."""

    case_id: UUID
    category_code: str
    grid_code: str
    target_area: str
    target_unit: str | None
    list_version: int
    item_code: str | None
    reason: str
    support: str | None
    requested_by: UUID
    requesting_unit: str | None
    requested_at: datetime
    opinion_agrees: bool | None = None
    opinion_text: str | None = None
    opinion_by: UUID | None = None
    opinion_at: datetime | None = None
    decision_note: str | None = None
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    expires_at: datetime
    used_by: UUID | None = None
    used_at: datetime | None = None
    clauses: list[str]


APPROVALS = QuietCases(
    APPROVAL,
    "dispatch_approval",
    ApprovalCase,
    (
        Column("case_id", "uuid"),
        Column("category_code", "text"),
        Column("grid_code", "text"),
        Column("target_area", "text"),
        Column("target_unit", "text"),
        Column("list_version", "int"),
        Column("item_code", "text"),
        Column("reason", "text"),
        Column("support", "text"),
        Column("requested_by", "uuid"),
        Column("requesting_unit", "text"),
        Column("requested_at", "timestamptz"),
        Column("opinion_agrees", "bool", mutable=True),
        Column("opinion_text", "text", mutable=True),
        Column("opinion_by", "uuid", mutable=True),
        Column("opinion_at", "timestamptz", mutable=True),
        Column("decision_note", "text", mutable=True),
        Column("decided_by", "uuid", mutable=True),
        Column("decided_at", "timestamptz", mutable=True),
        Column("expires_at", "timestamptz", mutable=True),
        Column("used_by", "uuid", mutable=True),
        Column("used_at", "timestamptz", mutable=True),
        Column("clauses", "text[]"),
    ),
)
