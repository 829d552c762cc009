"""Indicators as they cross the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.indicators.store import GroupBy

FigureArea = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]
# Days that China's calendar and this service's own can both hold.
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2199, 12, 31)
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class IndicatorQuery(BaseModel):
    """What figures are asked for; unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid")

    area: FigureArea | None = Field(
        default=None, description="6, 9 or 12 digits; all areas of the caller by default"
    )
    first: Day | None = Field(
        default=None, alias="from", description="First day (China); the 1st of this month"
    )
    last: Day | None = Field(
        default=None, alias="to", description="Last day (China), included; today"
    )
    category: str | None = Field(
        default=None, pattern=r"^[0-9]{2}([0-9]{2})?$", description="A group or a category"
    )
    group_by: GroupBy | None = Field(default=None, description="The same figures for each part")


class Out(BaseModel):
    """What is sent, no member more."""

    model_config = ConfigDict(extra="forbid")


class IndicatorDefinition(Out):
    """What an indicator is."""

    code: str = Field(examples=["on_time_closing"])
    name_zh: str = Field(examples=["按期结案率"])
    name_en: str
    definition_zh: str
    definition_en: str
    formula_zh: str
    formula_en: str = Field(examples=["closed on time ÷ due"])
    unit: Literal["share", "seconds"]
    clauses: list[str] = Field(examples=[["23.2"]])
    better: Literal["high", "low"]
    target: float | None = Field(examples=[0.97])
    available: bool = Field(description="false: cannot be computed yet, and `reason` says why")
    reason_zh: str | None
    reason_en: str | None


class IndicatorCatalogue(Out):
    """All indicators; below the smallest denominator none shows a value."""

    smallest_denominator: int = Field(examples=[5])
    items: list[IndicatorDefinition]


class IndicatorFigure(Out):
    """One indicator's numbers. A quantile has no numerator; its denominator are the cases."""

    code: str = Field(examples=["on_time_closing"])
    numerator: int | None
    denominator: int | None
    value: float | None = Field(description="A share from 0 to 1, or seconds; null when too few")
    shown: str = Field(examples=["97.3 %", "5.2 h", "–"])
    met: bool | None = Field(description="Whether the target is met; null without either")


class IndicatorOut(IndicatorFigure, IndicatorDefinition):
    """An indicator with its definition and its numbers."""


class FigureGroup(Out):
    """The figures of one part."""

    key: str = Field(description="Code of an area or category, or a month", examples=["2026-03"])
    name: str
    indicators: list[IndicatorFigure]


class AreaOut(Out):
    """An area that the figures are of."""

    code: str = Field(examples=["511723"])
    name: str


class Indicators(Out):
    """The indicators of a period, right at `as_of`."""

    areas: list[AreaOut]
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    category: str | None
    group_by: GroupBy | None
    as_of: datetime
    smallest_denominator: int
    indicators: list[IndicatorOut]
    groups: list[FigureGroup] | None = Field(description="null without group_by")
