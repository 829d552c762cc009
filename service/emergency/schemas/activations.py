"""Activations and drills (17.2, 24.2), and the tracks that they allow."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from geo.positions import Crs
from service.emergency.schemas.common import Code, GivenPosition, UnitCode
from service.emergency.schemas.plans import Level
from service.kit.fields import AreaPrefix, LongText, Moment, Strict, Text2000
from service.kit.geojson import Point
from service.kit.positions import Accuracy, Lat, Lon

State = Literal["in_force", "ended", "evaluated"]


class ActivationNew(Strict):
    """启动 A plan put in force for an area; `id` may be a UUIDv7 that the client made."""

    id: UUID | None = None
    area: AreaPrefix = Field(description="6, 9, 12 or 15 digits", examples=["511723001001"])
    level: Level
    plan: Code = Field(examples=["511723-flood"])
    reason: Text2000 = Field(examples=["上游水库泄洪，预计两小时后漫堤"])
    drill: bool = Field(default=False, description="A drill: the same, outside all figures")


class ActivationEnd(Strict):
    """终止 With what remains to be said."""

    note: Text2000 = Field(examples=["险情解除，群众已返家"])


class LevelChange(Strict):
    """调整 Another level, with the reason."""

    level: Level
    reason: Text2000 = Field(examples=["水位持续上涨"])


class DrillEvaluationNew(Strict):
    """演练评估 Who took part, what was found, when the next drill is due."""

    participants: Annotated[int, Field(ge=1, le=1_000_000)]
    units: list[UnitCode] = Field(default_factory=list, max_length=100)
    findings: LongText = Field(examples=["集结用时 18 分钟，扩音设备不足"])
    next_on: date


class DrillEvaluationOut(BaseModel):
    """The evaluation of a drill."""

    participants: int
    units: list[str]
    findings: str
    next_on: date
    evaluated_at: datetime
    evaluated_by: UUID


class Activation(BaseModel):
    """An activation or a drill, with what the caller may do now."""

    id: UUID
    area: str
    level: int
    plan: str
    plan_version: int
    plan_name_zh: str
    plan_name_en: str
    hazard: str
    reason: str
    drill: bool
    state: State
    tier: int = Field(description="Tier of who declared it: no lower one ends it")
    version: int
    activated_at: datetime
    activated_by: UUID
    ended_at: datetime | None
    ended_by: UUID | None
    end_note: str | None
    evaluation: DrillEvaluationOut | None
    allocations: int = Field(description="Resources that serve it now")
    available_actions: list[str]
    clauses: list[str]


class ActivationPage(BaseModel):
    """Activations, newest first."""

    items: list[Activation]
    next: str | None


class Commander(BaseModel):
    """A member of a village's two committees, who commands while the activation lasts."""

    assignment: UUID
    account: UUID
    name: str
    role: Literal["village_dispatcher", "unit_handler"]
    unit: str | None
    village: str


class CommanderPage(BaseModel):
    """Who commands, by assignment."""

    items: list[Commander]
    next: str | None


class TrackPointNew(Strict):
    """Where the worker was, and when."""

    at: Moment
    lon: Lon
    lat: Lat
    crs: Crs | None = Field(default=None, description="The batch's `crs` when left out")
    accuracy_m: Accuracy | None = None


class TrackBatch(Strict):
    """轨迹 Points of the caller's own way, during an activation that covers the caller."""

    activation: UUID | None = Field(
        default=None, description="The longest in force that covers the caller when left out"
    )
    crs: Crs | None = Field(default=None, description="Of the points that name none")
    points: list[TrackPointNew] = Field(min_length=1, max_length=500)


class RejectedPoint(BaseModel):
    """A point that was not kept, and why."""

    index: int
    code: Literal[
        "crs_undeclared", "bad_position", "outside_county", "future_time", "before_activation"
    ]
    detail: str


class TracksReceived(BaseModel):
    """What became of a batch: stored, known already, or not kept."""

    activation: UUID
    stored: int
    duplicates: int
    rejected: list[RejectedPoint]


class TrackPointOut(BaseModel):
    """One point of a worker's way."""

    account: UUID
    at: datetime
    area: str = Field(description="The worker's own area")
    location: Point
    raw_position: GivenPosition
    received_at: datetime


class TrackPage(BaseModel):
    """Points, oldest first."""

    items: list[TrackPointOut]
    next: str | None
