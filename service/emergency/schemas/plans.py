"""Emergency plans (17.1) with their contact trees (17.5)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from service.emergency.schemas.common import Code, DivisionPrefix, Key, UnitCode
from service.kit.fields import Strict, Text50, Text200

Level = Annotated[int, Field(ge=1, le=4, description="1 Ⅰ (gravest) to 4 Ⅳ", examples=[2])]
Tier = Annotated[
    int, Field(ge=2, le=4, description="2 village or community, 3 township, 4 county", examples=[3])
]
CommandRole = Literal["village_dispatcher", "township_dispatcher", "county_dispatcher"]
Units = Annotated[list[UnitCode], Field(max_length=30)]


class LevelRule(Strict):
    """When a level is declared, and the lowest tier that may."""

    level: Level
    criterion_zh: Text200 = Field(examples=["24 小时降雨量 100 毫米以上"])
    criterion_en: Text200 = Field(examples=["100 mm of rain or more within 24 hours"])
    tier: Tier = 2


class ContactPoint(Strict):
    """Who is reached at a tier: a unit, or whoever holds a role where it happens."""

    tier: Tier
    unit: UnitCode | None = Field(default=None, examples=["511723-emergency"])
    role: CommandRole | None = None

    @model_validator(mode="after")
    def _one(self) -> ContactPoint:
        if (self.unit is None) == (self.role is None):
            raise PydanticCustomError(
                "one_contact",
                "Give either unit or role",
                {"zh": "请给出 unit（单位）或 role（角色）其中一个"},
            )
        return self


class EmergencyPlanFields(Strict):
    """A whole plan; storing it makes a new version."""

    name_zh: Text50 = Field(examples=["防汛抗洪应急预案"])
    name_en: Text200 = Field(examples=["Flood emergency plan"])
    hazard: Key = Field(examples=["flood"])
    area: DivisionPrefix = Field(description="Where it applies: 6, 9 or 12 digits")
    document: Text200 = Field(description="The document it stands in", examples=["〔2026〕3号"])
    valid_from: date
    valid_to: date | None = None
    levels: list[LevelRule] = Field(min_length=1, max_length=4)
    lead_units: Units = Field(min_length=1)
    supporting_units: Units = Field(default_factory=list)
    contacts: list[ContactPoint] = Field(min_length=3, max_length=60)

    @model_validator(mode="after")
    def _period(self) -> EmergencyPlanFields:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise PydanticCustomError(
                "period", "valid_to lies before valid_from", {"zh": "失效日期早于生效日期"}
            )
        return self


class EmergencyPlanNew(EmergencyPlanFields):
    """A new plan with its code."""

    code: Code = Field(examples=["511723-flood"])


class LevelRuleOut(BaseModel):
    """When a level is declared, and the lowest tier that may."""

    level: int
    criterion_zh: str
    criterion_en: str
    tier: int


class ContactPointOut(BaseModel):
    """Who is reached at a tier."""

    tier: int
    unit: str | None
    role: str | None


class EmergencyPlan(BaseModel):
    """One version of a plan, with the version in force and what its drills say."""

    code: str
    version: int
    name_zh: str
    name_en: str
    hazard: str
    area: str
    document: str
    valid_from: date
    valid_to: date | None
    levels: list[LevelRuleOut]
    lead_units: list[str]
    supporting_units: list[str]
    contacts: list[ContactPointOut]
    created_at: datetime
    created_by: UUID
    retired_at: datetime | None
    version_in_force: int | None = Field(description="The version that holds today, if any")
    last_drill_on: date | None
    next_drill_on: date | None = Field(description="From the evaluation of the last drill")
    clauses: list[str]


class EmergencyPlanPage(BaseModel):
    """Plans by code, each in its newest version."""

    items: list[EmergencyPlan]
    next: str | None


class StockItemFields(Strict):
    """Names and measure of an item."""

    name_zh: Text50 = Field(examples=["棉被"])
    name_en: Text200 = Field(examples=["Quilts"])
    measure_zh: Text50 = Field(examples=["床"])
    measure_en: Text50 = Field(examples=["pieces"])


class StockItemNew(StockItemFields):
    """A new item of the catalogue."""

    code: Code = Field(examples=["quilt"])


class StockItemChange(Strict):
    """New names, or out of use; what is left out stays."""

    name_zh: Text50 | None = None
    name_en: Text200 | None = None
    measure_zh: Text50 | None = None
    measure_en: Text50 | None = None
    active: bool | None = None


class StockItemOut(BaseModel):
    """One kind of supplies."""

    code: str = Field(examples=["quilt"])
    name_zh: str
    name_en: str
    measure_zh: str
    measure_en: str
    active: bool


class StockItemPage(BaseModel):
    """The catalogue, by code."""

    items: list[StockItemOut]
    next: str | None


class TravelModeFields(Strict):
    """How fast, and how much longer the way is than a straight line."""

    name_zh: Text50 = Field(examples=["汽车"])
    name_en: Text50 = Field(examples=["Car"])
    speed_kmh: Annotated[float, Field(gt=0, le=1000, examples=[40])]
    detour_factor: Annotated[float, Field(ge=1, le=10, examples=[1.4])]


class TravelModeOut(BaseModel):
    """A way of travelling."""

    mode: str = Field(examples=["car"])
    name_zh: str
    name_en: str
    speed_kmh: float
    detour_factor: float


class TravelModes(BaseModel):
    """All ways of travelling, by name."""

    items: list[TravelModeOut]
