"""Answers about divisions."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from service.areas.schemas.common import Geometry, Named, Shown

Level = Literal["county", "township", "village"]


class AreaChild(Shown):
    """One area directly below."""

    code: str = Field(examples=["511723100"])
    name: str = Field(examples=["示例镇"])
    level: Literal["township", "village", "grid"]
    synthetic: bool = Field(description="Whether its boundary is invented")


class Alias(Shown):
    """The old code that was asked for, and when it was in force."""

    old_code: str
    valid_from: date
    valid_to: date


class Area(Shown):
    """A division: code, name, what lies above and below, where its facts come from."""

    code: str = Field(examples=["511723100"])
    level: Level
    name: str
    parents: list[Named] = Field(description="From the county down")
    children: list[AreaChild] = Field(description="Divisions below; of a village its grids")
    valid_from: date
    valid_to: date | None
    source: str = Field(description="Where code, name and boundary come from")
    synthetic: bool = Field(description="Whether the boundary is invented")
    alias: Alias | None = Field(description="Set when the code asked for is an old one")
    crs: Literal["EPSG:4490"] = "EPSG:4490"
    geometry: Geometry | None = None


class AreaChildren(Shown):
    """The areas directly below one area, in order of their codes."""

    code: str
    items: list[AreaChildShape]


class AreaChildShape(AreaChild):
    """One area directly below, with its boundary on request."""

    geometry: Geometry | None = None


AreaChildren.model_rebuild()
