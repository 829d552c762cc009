"""What crosses the wire about out-of-list dispatch approvals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.auth.schemas import UnitCode
from service.duties.lists.schemas import CategoryCode, TargetArea
from service.kit.fields import Strict, Text2000

State = Literal["requested", "opinion_given", "approved", "denied", "used", "withdrawn", "expired"]
GridCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{15}([0-9]{2})?$")]


class ApprovalRequest(Strict):
    """Leave asked for one case to be dispatched, once, outside the target's duty list."""

    id: UUID | None = Field(default=None, description="UUIDv7 made by the client")
    case_id: UUID = Field(description="The incident that is to be dispatched")
    category: CategoryCode = Field(description="Its category", examples=["1004"])
    grid_code: GridCode = Field(description="Its grid", examples=["511723001001001"])
    target_area: TargetArea = Field(examples=["511723001"])
    target_unit: UnitCode | None = Field(
        default=None, description="A unit of the target; None: whoever dispatches there decides"
    )
    unit: UnitCode | None = Field(
        default=None, description="The county unit that the caller asks for, where it has several"
    )
    reason: Text2000 = Field(examples=["专项整治期间人手不足，请协助现场值守"])
    support: Text2000 | None = Field(
        default=None,
        description="Money, staff and means that go along with the task (35.2)",
        examples=["县局派 2 人、车辆 1 台，保障经费 3000 元"],
    )


class Opinion(Strict):
    """What the township says to it."""

    agrees: bool
    text: Text2000 = Field(examples=["同意协助值守，请县局同步到场"])


class Approved(Strict):
    """The county's approval; against the township's opinion it needs a reason."""

    note: Text2000 | None = Field(default=None, examples=["按属地配合，限本次"])


class Denied(Strict):
    """Why the county does not approve."""

    note: Text2000 = Field(examples=["应由县局自行处置"])


class Withdrawn(Strict):
    """Why it is taken back, where there is something to say."""

    note: Text2000 | None = Field(default=None, examples=["县局已自行处置"])


class Target(BaseModel):
    """Whom the case is to be dispatched to."""

    area: str = Field(examples=["511723001"])
    unit: str | None


class OpinionGiven(BaseModel):
    """The township's opinion, recorded."""

    agrees: bool
    text: str
    by: UUID
    at: datetime


class Decision(BaseModel):
    """The county's decision, recorded; which one it was is in the state."""

    note: str | None
    by: UUID
    at: datetime


class DispatchApproval(BaseModel):
    """One approval with all that was recorded, and what the caller may do now."""

    id: UUID
    state: State
    version: int = Field(description="Counts the steps; the ETag", examples=[3])
    case_id: UUID
    category: str = Field(examples=["1004"])
    grid_code: str = Field(examples=["511723001001001"])
    target: Target
    list_version: int = Field(description="Of the list that lacked the matter when asked")
    item: str | None = Field(description="The item that the county took back; None: no item")
    reason: str
    support: str | None
    requested_by: UUID
    requesting_unit: str | None
    requested_at: datetime
    opinion: OpinionGiven | None
    decision: Decision | None
    expires_at: datetime = Field(description="Decide before; once approved: dispatch before")
    used_by: UUID | None
    used_at: datetime | None
    last_event_at: datetime
    clauses: list[str] = Field(examples=[["35.2"]])
    available_actions: list[str] = Field(examples=[["approve", "deny"]])


class DispatchApprovalPage(BaseModel):
    """Approvals, newest first."""

    items: list[DispatchApproval]
    next: str | None
