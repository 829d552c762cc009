"""Types that several answers of this room share."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

GridKind = Literal["basic", "dedicated", "temporary", "micro"]
Operation = Literal["delineate", "split", "merge", "adjust"]
EPSG_4490 = "EPSG:4490"


class Shown(BaseModel):
    """An answer's part: exactly these members."""

    model_config = ConfigDict(extra="forbid")


class Geometry(BaseModel):
    """A GeoJSON geometry, longitude and latitude in EPSG:4490."""

    type: Literal["Polygon", "MultiPolygon", "Point", "LineString", "MultiLineString", "MultiPoint",
                  "GeometryCollection"]  # fmt: skip
    coordinates: list[Any] | None = None
    geometries: list[Any] | None = None


class Named(Shown):
    """A division by code and name."""

    code: str = Field(examples=["511723100200"])
    name: str = Field(examples=["示例村"])


class ChangeShown(Shown):
    """What made a version: a delineation's publication, a split, a merge or an adjustment."""

    id: UUID
    operation: Operation
    approval_document: str | None
    note: str | None
    made_at: AwareDatetime


class Provenance(Shown):
    """The delineation that a boundary comes from (clause 23.2: statutory base maps)."""

    delineation_id: UUID
    base_map: Literal["topographic", "orthophoto"]
    scale: int = Field(description="Denominator of the base map's scale", examples=[2000])
    surveyed_on: str = Field(description="Date of the base map", examples=["2025-05-01"])
    map_review_number: str = Field(examples=["川S〔2025〕00012号"])
    approval_document: str | None
    source_crs: str = Field(examples=["EPSG:4490"])
    published_at: AwareDatetime | None
