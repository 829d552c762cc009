"""Tables of files: the stored object and its links to cases and actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from service.kit.columns import MOMENT, TEXT, geometry


class Attachment(SQLModel, table=True):
    """One uploaded file, addressed by the SHA-256 of what is stored (EXIF position removed)."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("kind IN ('photo', 'audio', 'video', 'document')", name="kind"),
        CheckConstraint("size > 0", name="size"),
        Index("ix_attachment_uploaded_by", "uploaded_by"),
        Index("ix_attachment_sha256", "sha256"),
    )

    id: UUID = Field(primary_key=True)
    sha256: str = Field(sa_type=TEXT)
    kind: str = Field(sa_type=TEXT)
    media_type: str = Field(sa_type=TEXT)
    size: int = Field(sa_type=BigInteger)
    filename: str = Field(sa_type=TEXT)
    width: int | None = None
    height: int | None = None
    captured_at: datetime | None = Field(default=None, sa_type=MOMENT)
    position: Any = Field(default=None, sa_column=Column(geometry("POINT"), nullable=True))
    uploaded_by: UUID
    uploaded_at: datetime = Field(sa_type=MOMENT)


class AttachmentLink(SQLModel, table=True):
    """Which event of which case a file is evidence of."""

    __tablename__ = "attachment_link"

    attachment_id: UUID = Field(sa_column=Column(ForeignKey("attachment.id"), primary_key=True))
    case_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
