"""What crosses the wire when grids are split, merged and adjusted."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from service.areas.schemas.common import GridKind, Operation, Shown
from service.kit.fields import Strict, Text50, Text200, Text2000

MAX_PARTS = 50
Position = Annotated[list[float], Field(min_length=2, max_length=3)]
Ring = Annotated[list[Position], Field(min_length=4, max_length=20_000)]
Code = Annotated[str, StringConstraints(max_length=64)]
Households = Annotated[int, Field(ge=0, le=100_000)]
Version = Annotated[int, Field(ge=1, description="Expected version; another one is 412")]
SourceCrs = Annotated[
    Text50 | None,
    Field(
        description="Of all geometry here: cgcs2000, wgs84, gcj02, bd09 or EPSG:nnnn",
        examples=["cgcs2000"],
    ),
]


class PolygonIn(Strict):
    """A GeoJSON polygon in the system that the request declares."""

    type: Literal["Polygon"]
    coordinates: list[Ring] = Field(min_length=1, max_length=100)


class Approved(Strict):
    """What every change of published grids names."""

    approval_document: Text200 = Field(examples=["开网格办〔2026〕5号"])
    note: Text2000 | None = None


class Part(Strict):
    """One grid that a split makes; without a name it is named by its number."""

    geometry: PolygonIn
    name: Text200 | None = None
    households: Households | None = None


class Split(Approved):
    """The parts, which together cover the grid exactly (up to 1 m2)."""

    parts: list[Part] = Field(min_length=2, max_length=MAX_PARTS)
    crs: SourceCrs = None
    version: Version | None = None


class MergedGrid(Strict):
    """One grid to merge."""

    code: Code
    version: Version | None = None


class Merge(Approved):
    """Adjoining grids of one village, kind and parent that become one."""

    codes: list[Code | MergedGrid] = Field(min_length=2, max_length=MAX_PARTS)
    name: Text200 | None = None


class Neighbour(Strict):
    """Another grid that a correction moves the border of."""

    code: Code
    geometry: PolygonIn | None = None
    name: Text200 | None = None
    households: Households | None = None
    version: Version | None = None


class Adjust(Approved):
    """A boundary correction: the grid and its neighbours cover together what they covered before.

    Without a geometry only name or households change.
    """

    geometry: PolygonIn | None = None
    name: Text200 | None = None
    households: Households | None = None
    neighbours: list[Neighbour] = Field(default=[], max_length=MAX_PARTS)
    crs: SourceCrs = None
    version: Version | None = None


class ChangedGrid(Shown):
    """A grid as the change left it."""

    code: str
    display: str
    kind: GridKind
    name: str
    version: int
    households: int | None
    area_m2: float
    synthetic: bool


class GridChange(Shown):
    """What a change did."""

    id: UUID
    operation: Operation
    approval_document: str
    note: str | None
    made_at: AwareDatetime
    grids: list[ChangedGrid] = Field(description="New grids, or new versions of grids")
    retired: list[str] = Field(description="Codes that are no longer in force")
