"""Tables of the plan: imports of a deployment's official text, and counts of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

from service.kit.columns import CODE, JSON, MOMENT, TEXT

# What a piece of the text was taken as; the last three have no number.
KINDS = ("section", "task", "measure", "preamble", "chapter", "unassigned")
_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)


class PlanImport(SQLModel, table=True):
    """One import: what was read, every irregularity, every difference to the registry."""

    __tablename__ = "plan_import"
    __table_args__ = (Index("ix_plan_import_imported_at", "imported_at"),)

    id: UUID = Field(primary_key=True)
    filename: str = Field(sa_type=TEXT)
    file_sha256: str = Field(sa_type=TEXT)
    encoding: str = Field(sa_type=TEXT)
    sections: int
    tasks: int
    measures: int
    irregularities: list[dict[str, Any]] = Field(sa_type=JSON)
    differences: list[dict[str, Any]] = Field(sa_type=JSON)
    imported_by: UUID | None = None
    imported_at: datetime = Field(sa_type=MOMENT)


class PlanText(SQLModel, table=True):
    """One piece of the official text in one import, as written; all pieces make up the file.

    `clause` is the number of a section or task, or a measure's clause; pieces without a number
    have none. What stands more than once is told apart by `ordinal`, from 1 in the file's order.
    """

    __tablename__ = "plan_text"
    __table_args__ = (CheckConstraint(f"kind IN ({_KINDS})", name="kind"),)

    import_id: UUID = Field(
        sa_column=Column(ForeignKey("plan_import.id", ondelete="CASCADE"), primary_key=True)
    )
    kind: str = Field(sa_column=Column("kind", TEXT, primary_key=True))
    clause: str = Field(sa_column=Column("clause", CODE, primary_key=True))
    ordinal: int = Field(sa_column=Column("ordinal", Integer, primary_key=True))
    line: int
    text: str = Field(sa_type=TEXT)
    raw_text: str = Field(sa_type=TEXT)
    leads: list[str] = Field(sa_type=JSON)
    cooperating: list[str] = Field(sa_type=JSON)
    units_text: str = Field(default="", sa_type=TEXT)
    deadline_kind: str = Field(sa_type=TEXT)
    deadline_text: str = Field(default="", sa_type=TEXT)
    deadline_year: int | None = None


class PlanEvidence(SQLModel, table=True):
    """How often an event named a clause, up to the mark; the newest events are counted live.

    `cases` counts events that began a case, `open_change` the cases opened less those closed.
    """

    __tablename__ = "plan_evidence"

    clause: str = Field(sa_column=Column("clause", CODE, primary_key=True))
    case_kind: str = Field(sa_column=Column("case_kind", TEXT, primary_key=True))
    event: str = Field(sa_column=Column("event", TEXT, primary_key=True))
    action: str = Field(sa_column=Column("action", TEXT, primary_key=True))
    events: int = Field(sa_type=BigInteger)
    cases: int = Field(sa_type=BigInteger)
    open_change: int = Field(sa_type=BigInteger)
    last_event_id: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=MOMENT)


class PlanEvidenceMark(SQLModel, table=True):
    """The one row that says up to which event `plan_evidence` has counted."""

    __tablename__ = "plan_evidence_mark"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: int = Field(sa_column=Column("id", SmallInteger, primary_key=True, autoincrement=False))
    event_id: int = Field(sa_type=BigInteger)
