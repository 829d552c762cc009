"""How an incident is shown: what the API answers."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from geo.positions import Crs
from service.incidents.schemas import State
from service.incidents.together.shown import CallOut, ClosingRule, Master, SubOrderOut
from service.kit.geojson import Point


class RawPosition(BaseModel):
    """The position as it was given."""

    x: float
    y: float
    crs: Crs
    accuracy_m: float | None


class Holder(BaseModel):
    """Who holds the case: the tier's area, and the unit or person it is assigned to."""

    tier: int
    area: str
    unit: str | None
    account: UUID | None


class Deadline(BaseModel):
    """When what is due next turns amber, is due, calls supervision; null where no limit runs.

    `waiting` names the limits that cannot be counted because a work calendar is missing.
    """

    amber_at: AwareDatetime | None
    due_at: AwareDatetime | None
    supervise_at: AwareDatetime | None
    finish_due: AwareDatetime | None
    on_site_due: AwareDatetime | None
    waiting: list[str]


class Extension(BaseModel):
    """延期 An extension as it was asked for and decided."""

    state: Literal["asked", "approved", "refused"]
    duration: str
    reason: str | None
    asked_by: UUID
    asked_at: AwareDatetime
    decided_by: UUID | None
    decided_at: AwareDatetime | None


class MaskedContact(BaseModel):
    """The contact as anybody in scope sees it."""

    name: str | None
    phone: str | None


class Incident(BaseModel):
    """One incident for one caller."""

    id: UUID
    number: str
    category: str
    category_version: int
    level: int
    state: State
    version: int
    description: str
    channel: str
    occurred_at: AwareDatetime
    reported_at: AwareDatetime
    last_event_at: AwareDatetime
    closed_at: AwareDatetime | None
    grid_code: str
    micro_grid_code: str | None
    location: Point | None = None
    raw_position: RawPosition | None = None
    holder: Holder
    reporter_id: UUID
    concerns_unit: str | None
    returns: int
    verification: str | None
    verified_by: UUID | None
    satisfaction: str | None
    outcome: str | None
    policy_version: int | None
    deadline: Deadline
    extension: Extension | None
    suspended_at: AwareDatetime | None
    supervised_at: AwareDatetime | None
    drill: bool
    activation: UUID | None = Field(description="The emergency or drill that it belongs to")
    clauses: list[str]
    available_actions: list[str]
    contact: MaskedContact | None = None
    co_units: list[str] = Field(default_factory=list, description="Units with a part in it")
    closing_rule: ClosingRule | None = None
    sub_orders: list[SubOrderOut] = Field(default_factory=list)
    calls: list[CallOut] = Field(default_factory=list)
    merged: list[UUID] = Field(default_factory=list, description="The cases merged into this one")
    master: Master | None = Field(default=None, description="The case that this one is merged into")


class IncidentPage(BaseModel):
    """A keyset page of incidents, newest first."""

    items: list[Incident]
    next: str | None
