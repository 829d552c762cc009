"""One approval in memory, and how it is stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service.duties.workflow import APPROVAL
from service.kit.case_rows import Column
from service.kit.quiet_cases import QuietCases


class ApprovalCase(msgspec.Struct):
    """An out-of-list dispatch approval as it stands (see service.duties.models)."""

    id: UUID
    state: str
    version: int
    head_hash: bytes
    last_event_at: datetime
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
    opinion_agrees: bool | None
    opinion_text: str | None
    opinion_by: UUID | None
    opinion_at: datetime | None
    decision_note: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    expires_at: datetime
    used_by: UUID | None
    used_at: datetime | None
    clauses: list[str]


APPROVALS = QuietCases(
    APPROVAL,
    "dispatch_approval",
    ApprovalCase,
    (
        Column("id", "uuid"),
        Column("state", "text", mutable=True),
        Column("version", "int", mutable=True),
        Column("head_hash", "text", mutable=True, expression="decode(c.head_hash, 'base64')"),
        Column("last_event_at", "timestamptz", mutable=True),
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
