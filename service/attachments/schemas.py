"""What crosses the wire about files."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from service.kit.fields import Strict
from service.kit.geojson import Point


class UploadFields(Strict):
    """What a form may say besides the file itself."""

    id: UUID | None = Field(default=None, description="Made by the client (UUIDv7 preferred)")
    captured_at: AwareDatetime | None = Field(
        default=None, description="When it was recorded; the file's own note is used if absent"
    )


class LinkedCase(BaseModel):
    """A case that the file is evidence of, and the number of the event that it came with."""

    id: UUID
    seq: int = Field(examples=[1])


class Attachment(BaseModel):
    """A stored file. Position and capture time were read from it, then removed from its bytes."""

    id: UUID
    sha256: str = Field(description="Of the stored bytes, in hexadecimal; also the ETag")
    kind: Literal["photo", "audio", "video", "document"]
    media_type: str = Field(examples=["image/jpeg"])
    size: int = Field(examples=[183204])
    filename: str = Field(examples=["现场照片.jpg"])
    width: int | None = Field(description="Pixels as coded, photos only")
    height: int | None
    captured_at: datetime | None
    position: Point | None
    uploaded_by: UUID
    uploaded_at: datetime
    cases: list[LinkedCase] = Field(description="Those that the caller may read")


UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "id": {"type": "string", "format": "uuid"},
                    "captured_at": {"type": "string", "format": "date-time"},
                },
            },
            "encoding": {
                "file": {"contentType": "image/*, audio/*, video/mp4, application/pdf"},
            },
        }
    },
}
