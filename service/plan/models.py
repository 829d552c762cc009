"""Tables of the plan: imports of a deployment's official text, measure by measure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from service.kit.columns import CODE, JSON, MOMENT, TEXT


class PlanImport(SQLModel, table=True):
    """One import: what was read, and every irregularity that was met."""

    __tablename__ = "plan_import"
    __table_args__ = (Index("ix_plan_import_imported_at", "imported_at"),)

    id: UUID = Field(primary_key=True)
    filename: str = Field(sa_type=TEXT)
    file_sha256: str = Field(sa_type=TEXT)
    encoding: str = Field(sa_type=TEXT)
    tasks: int
    measures: int
    irregularities: list[dict[str, Any]] = Field(sa_type=JSON)
    imported_by: UUID | None = None
    imported_at: datetime = Field(sa_type=MOMENT)


class PlanText(SQLModel, table=True):
    """The official text of one measure or task in one import, beside our own summary."""

    __tablename__ = "plan_text"

    import_id: UUID = Field(
        sa_column=Column(ForeignKey("plan_import.id", ondelete="CASCADE"), primary_key=True)
    )
    clause: str = Field(sa_column=Column("clause", CODE, primary_key=True))
    text: str = Field(sa_type=TEXT)
    leads: list[str] = Field(sa_type=JSON)
    cooperating: list[str] = Field(sa_type=JSON)
    deadline_kind: str = Field(sa_type=TEXT)
    deadline_text: str = Field(default="", sa_type=TEXT)
    deadline_year: int | None = None
