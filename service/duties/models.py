"""Tables of duties: lists as versioned data, and approvals of dispatches outside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
)
from sqlmodel import Field, SQLModel

from service.duties.workflow import OPEN_STATES, STATES
from service.kit.columns import CODE, CODES, JSON, MOMENT, TEXT

_STATES = ", ".join(f"'{s}'" for s in STATES)
_OPEN = ", ".join(f"'{s}'" for s in sorted(OPEN_STATES))


class DutyList(SQLModel, table=True):
    """One version of a list; of each kind one is in force at a time (clauses 9.1, 35.3, 35.4)."""

    __tablename__ = "duty_list"
    __table_args__ = (
        CheckConstraint("kind IN ('township', 'community')", name="kind"),
        CheckConstraint("status IN ('draft', 'published', 'retired')", name="status"),
        Index(
            "uq_duty_list_published", "kind", unique=True, postgresql_where="status = 'published'"
        ),
    )

    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str = Field(sa_type=TEXT)
    status: str = Field(sa_type=TEXT)
    note: str = Field(default="", sa_type=TEXT)
    created_at: datetime = Field(sa_type=MOMENT)
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)
    published_by: UUID | None = None


class DutyItem(SQLModel, table=True):
    """One matter of a list: whose it is, which incident categories it covers, on what basis.

    `exceptions` are townships where the item stands in another section.
    """

    __tablename__ = "duty_item"
    __table_args__ = (
        CheckConstraint("section IN ('basic', 'cooperate', 'recovered')", name="section"),
    )

    version: int = Field(sa_column=Column(ForeignKey("duty_list.version"), primary_key=True))
    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    section: str = Field(sa_type=TEXT)
    categories: list[str] = Field(default_factory=list, sa_type=CODES)
    lead_unit: str | None = Field(default=None, sa_type=CODE)
    cooperating_units: list[str] = Field(default_factory=list, sa_type=CODES)
    basis: str = Field(default="", sa_type=TEXT)
    exceptions: list[Any] = Field(default_factory=list, sa_type=JSON)
    clauses: list[str] = Field(default_factory=list, sa_type=CODES)
    active: bool = True


class DispatchApproval(SQLModel, table=True):
    """Leave to dispatch one case, once, to a township or community whose list lacks the matter.

    `case_id`, `category_code` and `grid_code` are all that this room knows of the case.
    """

    __tablename__ = "dispatch_approval"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("target_area ~ '^(\\d{9}|\\d{12})$'", name="target_area"),
        Index("ix_dispatch_approval_requested_at_id", "requested_at", "id"),
        Index("ix_dispatch_approval_case_id", "case_id"),
        Index(
            "ix_dispatch_approval_expires_at",
            "expires_at",
            postgresql_where=f"state IN ({_OPEN})",
        ),
        Index(
            "uq_dispatch_approval_open",
            "case_id",
            "target_area",
            unique=True,
            postgresql_where=f"state IN ({_OPEN})",
        ),
    )

    id: UUID = Field(primary_key=True)
    state: str = Field(sa_type=TEXT)
    version: int
    head_hash: bytes = Field(sa_type=LargeBinary)
    last_event_at: datetime = Field(sa_type=MOMENT)
    case_id: UUID
    category_code: str = Field(sa_type=CODE)
    grid_code: str = Field(sa_type=CODE)
    target_area: str = Field(sa_type=CODE)
    target_unit: str | None = Field(default=None, sa_type=CODE)
    list_version: int
    item_code: str | None = Field(default=None, sa_type=CODE)
    reason: str = Field(sa_type=TEXT)
    support: str | None = Field(default=None, sa_type=TEXT)
    requested_by: UUID
    requesting_unit: str | None = Field(default=None, sa_type=CODE)
    requested_at: datetime = Field(sa_type=MOMENT)
    opinion_agrees: bool | None = None
    opinion_text: str | None = Field(default=None, sa_type=TEXT)
    opinion_by: UUID | None = None
    opinion_at: datetime | None = Field(default=None, sa_type=MOMENT)
    decision_note: str | None = Field(default=None, sa_type=TEXT)
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=MOMENT)
    expires_at: datetime = Field(sa_type=MOMENT)
    used_by: UUID | None = None
    used_at: datetime | None = Field(default=None, sa_type=MOMENT)
    clauses: list[str] = Field(sa_type=CODES)
