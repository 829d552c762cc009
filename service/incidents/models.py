"""Tables of incidents: categories as versioned data, the incident, its reporter's contact."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean as SqlBoolean
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    text,
)
from sqlmodel import Field, SQLModel

from service.incidents.workflow import CLOSED_STATES, INCIDENT
from service.kit.columns import CODE, CODES, IDS, JSON, MOMENT, TEXT, geometry

_STATES = ", ".join(f"'{s}'" for s in INCIDENT.states)
_CLOSED = ", ".join(f"'{s}'" for s in sorted(CLOSED_STATES))


def _defaulted(kind: Any, default: str) -> Column[Any]:
    return Column(kind, nullable=False, server_default=text(default))


class CategorySet(SQLModel, table=True):
    """One version of the category tree; validated when published, one is in force at a time."""

    __tablename__ = "category_set"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'retired')", name="status"),
        Index(
            "uq_category_set_published",
            "status",
            unique=True,
            postgresql_where="status = 'published'",
        ),
    )

    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    status: str = Field(sa_type=TEXT)
    note: str = Field(default="", sa_type=TEXT)
    created_at: datetime = Field(sa_type=MOMENT)
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)
    published_by: UUID | None = None


class Category(SQLModel, table=True):
    """A category in one version of the tree; a 2-digit code is a group, 4 digits a category."""

    __tablename__ = "category"
    __table_args__ = (
        CheckConstraint("level IS NULL OR level BETWEEN 1 AND 4", name="level"),
        CheckConstraint("evidence IN ('none', 'after', 'before_and_after')", name="evidence"),
    )

    version: int = Field(sa_column=Column(ForeignKey("category_set.version"), primary_key=True))
    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    parent_code: str | None = Field(default=None, sa_type=CODE)
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    level: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))
    limits: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    self_handle: bool = False
    evidence: str = Field(default="none", sa_type=TEXT)
    conduct: bool = False
    clauses: list[str] = Field(default_factory=list, sa_type=CODES)
    active: bool = True


class Incident(SQLModel, table=True):
    """One incident: where, what, in which state, at which tier, in whose hands."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("tier BETWEEN 1 AND 5", name="tier"),
        CheckConstraint("level BETWEEN 1 AND 4", name="level"),
        Index("ix_incident_reported", "reported_at", "id"),
        Index("ix_incident_grid", "grid_code", "reported_at", "id"),
        Index("ix_incident_village", "village_code", "reported_at", "id"),
        Index("ix_incident_township", "township_code", "reported_at", "id"),
        Index("ix_incident_open", "reported_at", "id", postgresql_where="is_open"),
        Index(
            "ix_incident_village_open",
            "village_code",
            "reported_at",
            "id",
            postgresql_where="is_open",
        ),
        Index(
            "ix_incident_township_open",
            "township_code",
            "reported_at",
            "id",
            postgresql_where="is_open",
        ),
        Index(
            "ix_incident_grid_open", "grid_code", "reported_at", "id", postgresql_where="is_open"
        ),
        Index(
            "ix_incident_unit",
            "unit_code",
            "reported_at",
            "id",
            postgresql_where="unit_code IS NOT NULL",
        ),
        Index(
            "ix_incident_unit_open", "unit_code", "reported_at", "id", postgresql_where="is_open"
        ),
        Index("ix_incident_cell", "cell", "reported_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    number: str = Field(sa_column=Column("number", TEXT, nullable=False, unique=True))
    category_code: str = Field(sa_type=CODE)
    category_version: int
    level: int = Field(sa_type=SmallInteger)
    channel: str = Field(sa_type=TEXT)
    description: str = Field(sa_type=TEXT)
    occurred_at: datetime = Field(sa_type=MOMENT)
    reported_at: datetime = Field(sa_type=MOMENT)
    reporter_id: UUID
    state: str = Field(sa_type=TEXT)
    is_open: bool = Field(
        sa_column=Column(
            SqlBoolean, Computed(f"state NOT IN ({_CLOSED})", persisted=True), nullable=False
        )
    )
    tier: int = Field(sa_type=SmallInteger)
    version: int
    head_hash: bytes = Field(sa_type=LargeBinary)
    last_event_at: datetime = Field(sa_type=MOMENT)
    county_code: str = Field(sa_type=CODE)
    township_code: str = Field(sa_type=CODE)
    village_code: str = Field(sa_type=CODE)
    grid_code: str = Field(sa_type=CODE)
    micro_grid_code: str | None = Field(default=None, sa_type=CODE)
    location: Any = Field(sa_column=Column(geometry("POINT"), nullable=False))
    raw_x: float
    raw_y: float
    raw_crs: str = Field(sa_type=TEXT)
    accuracy_m: float | None = None
    cell: int
    unit_code: str | None = Field(default=None, sa_type=CODE)
    assignee_id: UUID | None = None
    handler_ids: list[UUID] = Field(default_factory=list, sa_type=IDS)
    concerns_unit: str | None = Field(default=None, sa_type=CODE)
    returns: int = Field(default=0, sa_type=SmallInteger)
    verified_by: UUID | None = None
    verification: str | None = Field(default=None, sa_type=TEXT)
    closed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    satisfaction: str | None = Field(default=None, sa_type=TEXT)
    clauses: list[str] = Field(sa_type=CODES)
    policy_version: int | None = None
    clocks: dict[str, Any] = Field(sa_column=_defaulted(JSON, "'{}'"))
    amber_at: datetime | None = Field(default=None, sa_type=MOMENT)
    due_at: datetime | None = Field(default=None, sa_type=MOMENT)
    supervise_at: datetime | None = Field(default=None, sa_type=MOMENT)
    next_alarm_at: datetime | None = Field(default=None, sa_type=MOMENT)
    accepted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    arrived_at: datetime | None = Field(default=None, sa_type=MOMENT)
    on_site_due: datetime | None = Field(default=None, sa_type=MOMENT)
    finish_due: datetime | None = Field(default=None, sa_type=MOMENT)
    suspended_at: datetime | None = Field(default=None, sa_type=MOMENT)
    suspended_seconds: int = Field(sa_column=_defaulted(Integer, "0"))
    extension: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    extensions: int = Field(sa_column=_defaulted(SmallInteger, "0"))
    assignments: int = Field(sa_column=_defaulted(SmallInteger, "0"))
    verifications: int = Field(sa_column=_defaulted(SmallInteger, "0"))
    failed_verifications: int = Field(sa_column=_defaulted(SmallInteger, "0"))
    supervised_at: datetime | None = Field(default=None, sa_type=MOMENT)
    outcome: str | None = Field(default=None, sa_type=TEXT)
    drill: bool = Field(sa_column=_defaulted(SqlBoolean, "false"))
    activation_id: UUID | None = None
    master_id: UUID | None = None
    closing_rule: str = Field(sa_column=_defaulted(TEXT, "'all'"))
    co_units: list[str] = Field(sa_column=_defaulted(CODES, "'{}'"))
    sub_orders: list[Any] = Field(sa_column=_defaulted(JSON, "'[]'"))
    calls: list[Any] = Field(sa_column=_defaulted(JSON, "'[]'"))
    merged_ids: list[UUID] = Field(sa_column=_defaulted(IDS, "'{}'"))
    declined_ids: list[UUID] = Field(sa_column=_defaulted(IDS, "'{}'"))


class OpenIncident(SQLModel, table=True):
    """What the queue, the clocks and the figures ask of open incidents, and of no others.

    A projection of `incident`, written by the same statements: a case that closes leaves it. A
    case without a running clock is due at infinity.
    """

    __tablename__ = "open_incident"
    __table_args__ = (
        Index("ix_open_incident_due", "due_at", "incident_id"),
        Index("ix_open_incident_township", "township_code", "due_at", "incident_id"),
        Index(
            "ix_open_incident_unit",
            "unit_code",
            "due_at",
            "incident_id",
            postgresql_where="unit_code IS NOT NULL",
        ),
        Index(
            "ix_open_incident_co_units",
            "co_units",
            postgresql_using="gin",
            postgresql_where="co_units <> '{}'",
        ),
        Index(
            "ix_open_incident_alarm",
            "next_alarm_at",
            postgresql_where="next_alarm_at IS NOT NULL",
        ),
    )

    incident_id: UUID = Field(
        sa_column=Column(ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True)
    )
    county_code: str = Field(sa_type=CODE)
    township_code: str = Field(sa_type=CODE)
    village_code: str = Field(sa_type=CODE)
    grid_code: str = Field(sa_type=CODE)
    unit_code: str | None = Field(default=None, sa_type=CODE)
    co_units: list[str] = Field(sa_type=CODES)
    concerns_unit: str | None = Field(default=None, sa_type=CODE)
    category_code: str = Field(sa_type=CODE)
    level: int = Field(sa_type=SmallInteger)
    tier: int = Field(sa_type=SmallInteger)
    state: str = Field(sa_type=TEXT)
    reported_at: datetime = Field(sa_type=MOMENT)
    amber_at: datetime | None = Field(default=None, sa_type=MOMENT)
    due_at: datetime = Field(sa_type=MOMENT)
    supervise_at: datetime | None = Field(default=None, sa_type=MOMENT)
    next_alarm_at: datetime | None = Field(default=None, sa_type=MOMENT)
    drill: bool


class IncidentContact(SQLModel, table=True):
    """The reporter's contact, encrypted; `phone_hash` allows exact look-up and nothing else."""

    __tablename__ = "incident_contact"

    incident_id: UUID = Field(
        sa_column=Column(ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True)
    )
    name: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
