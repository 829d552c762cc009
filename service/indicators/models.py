"""Tables of the figures: what each case adds now, the sums of it, and how far events are counted.

Written by the counting job alone. The columns of `indicator_case` are, in this order, a type that
the functions of the migration build: a new column goes to the end.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from service.kit.columns import CODE, MOMENT, TEXT, XID8, geometry

COUNTERS = (
    "reported",
    "own",
    "accepted",
    "completed",
    "assigned",
    "returned",
    "verified",
    "failed",
    "arrivals_due",
    "arrivals_on_time",
    "due",
    "on_time",
    "extended",
    "closed",
    "repeated",
    "answered",
    "satisfied",
    "disputes",
    "resolved",
)


class IndicatorCase(SQLModel, table=True):
    """What one case adds to the figures as counted last, at `counted_at`.

    `block` is a cell of about 111 m by 140 m for finding neighbours; `next_at` the next moment at
    which the case adds more by itself, because a limit ends.
    """

    __tablename__ = "indicator_case"
    __table_args__ = (
        Index("ix_indicator_case_block", "category_code", "block"),
        Index("ix_indicator_case_next_at", "next_at", postgresql_where="next_at IS NOT NULL"),
    )

    incident_id: UUID = Field(primary_key=True)
    village_code: str = Field(sa_type=CODE)
    category_code: str = Field(sa_type=CODE)
    location: Any = Field(sa_column=Column(geometry("POINT"), nullable=False))
    block: int = Field(sa_type=BigInteger)
    reported_at: datetime = Field(sa_type=MOMENT)
    own: bool
    accepted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    assigned: bool
    returned: bool
    verified: bool
    failed: bool
    arrival_due: datetime | None = Field(default=None, sa_type=MOMENT)
    arrived_on_time: bool
    due_at: datetime | None = Field(default=None, sa_type=MOMENT)
    on_time: bool
    extended: bool
    closed_at: datetime | None = Field(default=None, sa_type=MOMENT)
    duration: int | None = Field(default=None, sa_column=Column(SmallInteger, nullable=True))
    answered: bool
    satisfied: bool
    dispute_over: datetime | None = Field(default=None, sa_type=MOMENT)
    resolved: bool
    repeated: bool
    counted_at: datetime = Field(sa_type=MOMENT)
    next_at: datetime | None = Field(default=None, sa_type=MOMENT)


class IndicatorFigure(SQLModel, table=True):
    """Sums over one day or month (China) of one area and category; '' is every category.

    `area_code` has 6, 9 or 12 digits: each level is kept, so that a question reads only rows of
    its own. `durations` is a histogram, (bucket << 32) + cases each.
    """

    __tablename__ = "indicator_figure"
    __table_args__ = (CheckConstraint("span IN ('day', 'month')", name="span"),)

    span: str = Field(sa_column=Column("span", TEXT, primary_key=True))
    area_code: str = Field(sa_column=Column("area_code", CODE, primary_key=True))
    category_code: str = Field(sa_column=Column("category_code", CODE, primary_key=True))
    starts: date = Field(primary_key=True)
    reported: int
    own: int
    accepted: int
    completed: int
    assigned: int
    returned: int
    verified: int
    failed: int
    arrivals_due: int
    arrivals_on_time: int
    due: int
    on_time: int
    extended: int
    closed: int
    repeated: int
    answered: int
    satisfied: int
    disputes: int
    resolved: int
    durations: list[int] = Field(
        sa_column=Column(ARRAY(BigInteger), nullable=False, server_default=text("'{}'"))
    )


class IndicatorMark(SQLModel, table=True):
    """The one row that says up to which event, in commit order, cases are counted."""

    __tablename__ = "indicator_mark"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    xact: int = Field(sa_column=Column(XID8, nullable=False))
    event_id: int = Field(sa_type=BigInteger)
