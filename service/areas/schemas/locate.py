"""What crosses the wire when positions are asked for their grids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from service.areas.schemas.common import GridKind, Named, Shown
from service.kit.fields import Moment, Strict

Crs = Literal["cgcs2000", "wgs84", "gcj02", "bd09"]
Reason = Literal["outside_county", "no_grid"]
BadRow = Literal["position_invalid", "position_out_of_country", "row_invalid"]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]


class LocateBatch(Strict):
    """Up to 10,000 positions in one system, each `[lon, lat]`."""

    crs: Crs = Field(description="The system of all points; it is never guessed")
    points: list[Point] = Field(max_length=10_000, examples=[[[107.8683, 31.0829]]])
    as_of: Moment | None = Field(default=None, description="Ask for the grids of another time")


class Beidou(Shown):
    """The BeiDou grid location code of the position (GB/T 39409), a search attribute."""

    code: str = Field(examples=["N48HB61649C"])
    level: int


class Asked(Shown):
    """The position as it was given."""

    lon: float
    lat: float
    crs: Crs


class GridNow(Shown):
    """The grid that is responsible for the position today."""

    code: str | None
    micro_code: str | None
    reason: Reason | None


class Located(Shown):
    """The grid responsible at one position, and the position in EPSG:4490."""

    lon: float
    lat: float
    crs: Literal["EPSG:4490"] = "EPSG:4490"
    asked: Asked
    code: str | None = Field(description="Null where no grid is; then `reason` says why")
    display: str | None
    name: str | None
    kind: GridKind | None
    basic_code: str | None = Field(description="The basic grid below a dedicated one")
    micro_code: str | None
    village: Named | None
    township: Named | None
    county: Named | None
    reason: Reason | None
    synthetic: bool | None = Field(description="Whether the grid's boundary is invented")
    beidou: Beidou
    epoch: int = Field(description="Version of the grids that answered")
    as_of: AwareDatetime | None
    now: GridNow | None = Field(description="With as_of: what became of the place since")


class Place(Shown):
    """One row of a batch: canonical position and grid; null codes with the reason."""

    lon: float | None
    lat: float | None
    code: str | None
    micro_code: str | None
    village: str | None
    reason: Reason | BadRow | None
    now: GridNow | None = Field(default=None, description="With as_of only")


class RowProblem(Shown):
    """A row that is no position; the other rows are answered."""

    index: int
    code: BadRow
    detail: str


class LocatedBatch(Shown):
    """One item for each point, in order; the rows that are no positions are listed once more."""

    crs: Literal["EPSG:4490"]
    epoch: int
    synthetic: bool = Field(description="Whether boundaries of grids named here are invented")
    as_of: AwareDatetime | None
    items: list[Place]
    problems: list[RowProblem]
