"""What crosses the wire for incidents."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from service.kit.fields import LongText, Phone, Strict, Text50, Text200, Text2000
from service.kit.positions import Position

State = Literal[
    "reported",
    "accepted",
    "assigned",
    "on_site",
    "handling",
    "submitted",
    "verifying",
    "closed",
    "followed_up",
    "returned",
    "suspended",
    "rejected",
    "merged",
    "void",
]
Outcome = Literal["agreement", "withdrawal", "other"]
Channel = Literal["grid_worker", "window", "phone", "family", "self", "hotline", "system"]
Attachments = Annotated[list[UUID], Field(max_length=20, default_factory=list)]


class Contact(Strict):
    """The reporter's contact: personal data, stored encrypted, shown masked."""

    name: Text50 | None = None
    phone: Phone | None = None


class SelfHandled(Strict):
    """What the finder did about it at once."""

    note: Text2000
    attachments: Attachments


class Report(Strict):
    """上报 A new incident; `id` may be a UUIDv7 that the device made."""

    id: UUID | None = None
    category: str = Field(pattern=r"^[0-9]{4}$", examples=["0502"])
    location: Position
    description: LongText = Field(examples=["新宁街道河滨路窨井盖缺失，已放置警示牌"])
    occurred_at: AwareDatetime | None = Field(
        default=None, description="When it happened or was found; now by default"
    )
    channel: Channel = "grid_worker"
    contact: Contact | None = None
    concerns_unit: Text50 | None = Field(
        default=None,
        description="The unit whose conduct is complained of: it does not see the case",
    )
    activation: UUID | None = Field(
        default=None,
        description="The emergency in force that it belongs to; a drill's is kept out of figures",
    )
    attachments: Attachments
    self_handled: SelfHandled | None = None


class Noted(Strict):
    """An action that may carry a note."""

    note: Text2000 | None = None
    attachments: Attachments
    occurred_at: AwareDatetime | None = Field(
        default=None, description="When it was done, if the device was offline"
    )


class Reasoned(Noted):
    """An action that needs a reason."""

    note: Text2000 = Field(description="The reason")


class Assigned(Noted):
    """派遣 To a unit (code) or to a person (account id or login): exactly one."""

    unit: Text50 | None = None
    account: UUID | Text200 | None = None

    @model_validator(mode="after")
    def _one(self) -> Assigned:
        if (self.unit is None) == (self.account is None):
            raise PydanticCustomError(
                "one_assignee",
                "Give either unit or account",
                {"zh": "请给出 unit（单位）或 account（人员）其中一个"},
            )
        return self


class Arrived(Noted):
    """到场 With the position where the handler stands, if it wants to give one."""

    location: Position | None = None


class Submitted(Noted):
    """反馈 What was done."""

    note: Text2000
    outcome: Outcome | None = Field(
        default=None, description="How a dispute ended: agreement, withdrawal or other"
    )


class Closed(Noted):
    """结案 The case is over."""

    outcome: Outcome | None = Field(
        default=None, description="How a dispute ended: agreement, withdrawal or other"
    )


class Extended(Reasoned):
    """延期 How much longer it takes, and why."""

    duration: str = Field(
        pattern=r"^[1-9][0-9]{0,2}(min|h|d|wh|wd)$",
        description="At most the original limit, counted on the same clock, e.g. 2wd or 12h",
        examples=["2wd"],
    )


class Verified(Noted):
    """核查 What somebody else found."""

    result: Literal["passed", "failed"]


class FollowedUp(Noted):
    """回访 What the people said."""

    satisfaction: Literal["satisfied", "neutral", "dissatisfied", "no_answer"]


class RevealPurpose(Strict):
    """Why the contact has to be seen in clear."""

    purpose: Annotated[Text200, Field(min_length=4)]


class RevealedContact(BaseModel):
    """The contact in clear; the access is logged."""

    name: str | None
    phone: str | None
