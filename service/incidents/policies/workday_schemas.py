"""What crosses the wire about work calendars and service hours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from service.kit.fields import AreaPrefix, Strict, Text50, Text200

Year = Annotated[int, Path(ge=1, le=9_999, examples=[2027])]
Area = Annotated[AreaPrefix, Path(examples=["511723001"])]
Time = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Span = Annotated[list[Time], Field(min_length=2, max_length=2, examples=[["09:00", "12:00"]])]
Kind = Literal["holiday", "workday"]


class DifferingDay(Strict):
    """A day that is not what its weekday says."""

    date: date
    kind: Kind = Field(description="holiday, or a make-up working day")
    name: Text50 | None = Field(default=None, examples=["国庆节"])


class CalendarPut(Strict):
    """A whole year: Monday to Friday are worked, but for these days."""

    days: list[DifferingDay] = Field(max_length=120)
    source: Text200 = Field(
        description="The document that it follows", examples=["国办发明电〔2026〕11号"]
    )


class CalendarDayOut(BaseModel):
    """A day that is not what its weekday says."""

    date: date
    kind: Kind
    name: str


class WorkCalendarOut(BaseModel):
    """One year of the work calendar; `version` counts its changes."""

    year: int = Field(examples=[2026])
    version: int = Field(examples=[1])
    days: list[CalendarDayOut]
    source: str
    changed_at: datetime


class WorkCalendarPage(BaseModel):
    """Years entered, latest first."""

    items: list[WorkCalendarOut]
    next: str | None


class HoursPut(Strict):
    """The daily spans in an area, in order, in China time; 24:00 is the day's end."""

    spans: list[Span] = Field(max_length=10, examples=[[["09:00", "12:00"], ["14:00", "18:00"]]])


class AreaHours(BaseModel):
    """The spans that an area has of its own."""

    area: str = Field(examples=["511723"])
    spans: list[list[str]] = Field(examples=[[["09:00", "12:00"], ["14:00", "18:00"]]])
    changed_at: datetime


class AreaHoursPage(BaseModel):
    """Areas with hours of their own, by code; the most specific one holds in a place."""

    items: list[AreaHours]
    next: str | None


class HoursInForce(BaseModel):
    """The spans that hold in an area, and whose they are."""

    area: str = Field(examples=["511723001"])
    inherited_from: str | None = Field(
        description="The area around it that they are of; null: its own", examples=["511723"]
    )
    spans: list[list[str]]
    work_day_seconds: int = Field(
        description="How long a work day (`wd`) is here", examples=[25200]
    )
