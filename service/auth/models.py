"""Tables of people: accounts, units, assignments, refresh tokens, access to personal data."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, SmallInteger
from sqlmodel import Field, SQLModel

from service.auth.permissions import Role
from service.kit.columns import CODE, MOMENT, TEXT

_ROLES = ", ".join(f"'{r.value}'" for r in Role)


class Unit(SQLModel, table=True):
    """A department or committee that handles cases; its area is where it may be sent."""

    __tablename__ = "unit"
    __table_args__ = (CheckConstraint("tier BETWEEN 2 AND 4", name="tier"),)

    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    tier: int = Field(sa_type=SmallInteger)
    area_code: str = Field(sa_type=CODE)
    active: bool = True


class Account(SQLModel, table=True):
    """A person or a system that may log in.

    `area_code` is whose administrators look after it (the county's when it is NULL).
    `password_hash` is Argon2 for a person and `sha256:` of a 256-bit secret for a system.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind IN ('person', 'system')", name="kind"),
        CheckConstraint("status IN ('active', 'disabled')", name="status"),
    )

    id: UUID = Field(primary_key=True)
    login: str = Field(sa_column=Column("login", CODE, nullable=False, unique=True))
    name: str = Field(sa_type=TEXT)
    kind: str = Field(default="person", sa_type=TEXT)
    status: str = Field(default="active", sa_type=TEXT)
    area_code: str | None = Field(default=None, sa_type=CODE)
    password_hash: str | None = Field(default=None, sa_type=TEXT)
    oidc_subject: str | None = Field(default=None, sa_column=Column(TEXT, unique=True))
    failed_logins: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=MOMENT)
    created_at: datetime = Field(sa_type=MOMENT)


class Assignment(SQLModel, table=True):
    """Who has which role in which area, for which unit, from when until when.

    An empty period is an assignment that was taken back before it began.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
        CheckConstraint("area_code ~ '^(\\d{6}|\\d{9}|\\d{12}|\\d{15})$'", name="area_code"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),
        CheckConstraint("role <> 'unit_handler' OR unit_code IS NOT NULL", name="unit"),
        Index("ix_assignment_account_id", "account_id"),
        Index("ix_assignment_area_code", "area_code"),
    )

    id: UUID = Field(primary_key=True)
    account_id: UUID = Field(sa_column=Column(ForeignKey("account.id"), nullable=False))
    role: str = Field(sa_type=TEXT)
    area_code: str = Field(sa_type=CODE)
    unit_code: str | None = Field(default=None, sa_column=Column(CODE, ForeignKey("unit.code")))
    valid_from: datetime = Field(sa_type=MOMENT)
    valid_to: datetime | None = Field(default=None, sa_type=MOMENT)
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=MOMENT)


class RefreshToken(SQLModel, table=True):
    """One refresh token; a family is one login, a used token seen again ends the family.

    `parent_id` is the token that was exchanged for this one (it may have been cleaned up since).
    The live tokens of a family are those neither used nor revoked: one, or a few after an
    answer was lost.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index("ix_refresh_token_family_id", "family_id"),
        Index(
            "ix_refresh_token_live",
            "account_id",
            "family_id",
            postgresql_where="used_at IS NULL AND revoked_at IS NULL",
        ),
        Index("ix_refresh_token_expires_at", "expires_at"),
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID
    parent_id: UUID | None = None
    account_id: UUID = Field(sa_column=Column(ForeignKey("account.id"), nullable=False))
    device_id: str | None = Field(default=None, sa_type=TEXT)
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    issued_at: datetime = Field(sa_type=MOMENT)
    expires_at: datetime = Field(sa_type=MOMENT)
    used_at: datetime | None = Field(default=None, sa_type=MOMENT)
    revoked_at: datetime | None = Field(default=None, sa_type=MOMENT)


class PersonalDataAccess(SQLModel, table=True):
    """Who saw which personal data in clear, when and what for (kept at least six months)."""

    __tablename__ = "personal_data_access"
    __table_args__ = (
        Index("ix_personal_data_access_actor_id_accessed_at", "actor_id", "accessed_at"),
        Index("ix_personal_data_access_subject_id", "subject_id"),
    )

    id: UUID = Field(primary_key=True)
    actor_id: UUID
    subject_kind: str = Field(sa_type=TEXT)
    subject_id: UUID
    fields: str = Field(sa_type=TEXT)
    purpose: str = Field(sa_type=TEXT)
    accessed_at: datetime = Field(sa_type=MOMENT)
