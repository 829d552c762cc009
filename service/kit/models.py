"""Tables that belong to no single room: events, checkpoints, replays and data versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from service.kit.columns import CODES, JSON, MOMENT, TEXT, XID8

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

SQLModel.metadata.naming_convention = NAMING
metadata: MetaData = SQLModel.metadata


class CaseEvent(SQLModel, table=True):
    """One event of one case; append-only, chained by hash per case (see service.kit.events)."""

    __tablename__ = "case_event"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        # Followers read in commit order: by transaction, then by id.
        Index("ix_case_event_commit", "xact", "id"),
        Index("ix_case_event_recorded_at_brin", "recorded_at", postgresql_using="brin"),
    )

    id: int | None = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    case_kind: str = Field(sa_type=TEXT)
    case_id: UUID
    seq: int
    event: str = Field(sa_type=TEXT)
    action: str = Field(sa_type=TEXT)
    actor_id: UUID | None
    actor_role: str | None = Field(sa_type=TEXT)
    from_state: str | None = Field(sa_type=TEXT)
    to_state: str | None = Field(sa_type=TEXT)
    clauses: list[str] = Field(sa_type=CODES)
    recorded_at: datetime = Field(sa_type=MOMENT)
    occurred_at: datetime = Field(sa_type=MOMENT)
    payload: dict[str, Any] = Field(sa_type=JSON)
    prev_hash: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)
    # The writing transaction: readers that follow events in commit order need it.
    xact: int = Field(
        sa_column=Column(XID8, nullable=False, server_default=text("pg_current_xact_id()"))
    )


class AuditCheckpoint(SQLModel, table=True):
    """A digest over all events since the last checkpoint, chained to it."""

    __tablename__ = "audit_checkpoint"

    id: int | None = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    made_at: datetime = Field(sa_type=MOMENT)
    up_to_event_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    event_count: int
    prev_digest: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)


class IdempotencyRecord(SQLModel, table=True):
    """The first answer to a keyed request, given again to every replay for 90 days."""

    __tablename__ = "idempotency_record"
    __table_args__ = (
        Index("ix_idempotency_record_created_at_brin", "created_at", postgresql_using="brin"),
    )

    actor_id: UUID = Field(primary_key=True)
    key: str = Field(sa_column=Column("key", TEXT, primary_key=True))
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int = Field(sa_type=SmallInteger)
    body: str = Field(sa_type=TEXT)
    created_at: datetime = Field(sa_type=MOMENT)


class DataEpoch(SQLModel, table=True):
    """Counts the publications of one kind of reference data, so that caches know they are old."""

    __tablename__ = "data_epoch"

    name: str = Field(sa_column=Column("name", TEXT, primary_key=True))
    value: int = Field(sa_type=BigInteger)
