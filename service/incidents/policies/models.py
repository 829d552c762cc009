"""Tables of response policies, work calendars and service hours."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

from service.kit.columns import CODE, JSON, MOMENT, TEXT


class ResponsePolicy(SQLModel, table=True):
    """One version of the limits. A published one is valid until the next one's `valid_from`."""

    __tablename__ = "response_policy"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'withdrawn')", name="status"),
        CheckConstraint("status = 'draft' OR valid_from IS NOT NULL", name="valid_from"),
        Index(
            "uq_response_policy_valid_from",
            "valid_from",
            unique=True,
            postgresql_where="status = 'published'",
        ),
    )

    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    status: str = Field(sa_type=TEXT)
    note: str = Field(default="", sa_type=TEXT)
    body: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=MOMENT)
    valid_from: datetime | None = Field(default=None, sa_type=MOMENT)
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)
    published_by: UUID | None = None


class WorkCalendar(SQLModel, table=True):
    """One year: Monday to Friday but for `days`, a list of {date, kind, name}; by `source`."""

    __tablename__ = "work_calendar"
    __table_args__ = (CheckConstraint("year BETWEEN 2000 AND 2199", name="year"),)

    year: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    version: int
    days: list[Any] = Field(sa_type=JSON)
    source: str = Field(sa_type=TEXT)
    changed_at: datetime = Field(sa_type=MOMENT)
    changed_by: UUID | None = None


class ServiceHours(SQLModel, table=True):
    """The daily spans in an area, a list of [from, to] as HH:MM; the most specific area wins."""

    __tablename__ = "service_hours"
    __table_args__ = (CheckConstraint("length(area_code) IN (6, 9, 12, 15)", name="area_code"),)

    area_code: str = Field(sa_column=Column("area_code", CODE, primary_key=True))
    spans: list[Any] = Field(sa_type=JSON)
    changed_at: datetime = Field(sa_type=MOMENT)
    changed_by: UUID | None = None
