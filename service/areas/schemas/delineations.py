"""What crosses the wire for delineations."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import UploadFile
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from service.areas.schemas.common import Geometry, Shown
from service.kit import clock
from service.kit.fields import Strict, Text50, Text200

Status = Literal["checked", "refused", "published", "superseded"]
BaseMap = Literal["topographic", "orthophoto"]
Scheme = Literal["cn15", "db11"]
EARLIEST_MAP = date(1949, 1, 1)


def _denominator(value: Any) -> Any:
    """Scales are written 2000 or 1:2000."""
    return value.strip().removeprefix("1:") if isinstance(value, str) else value


def _absent(value: Any) -> Any:
    """An empty form field is one that was not filled in."""
    return None if isinstance(value, str) and not value.strip() else value


class DelineationForm(Strict):
    """One submission of polygons with the provenance that clause 23.2 asks for."""

    file: UploadFile = Field(
        description="GeoJSON, GeoPackage, or a zipped Shapefile without folders. Fields: "
        "village_code, kind (basic, dedicated, temporary, micro), name, households, parent and "
        "ref of micro-grids, grid_code of a grid in force whose boundary is corrected."
    )
    area_code: Annotated[str, StringConstraints(max_length=30)] = Field(
        description="County, township or village that the file draws", examples=["511723100200"]
    )
    base_map: BaseMap
    scale: Annotated[int, BeforeValidator(_denominator)] = Field(
        ge=100, le=10_000_000, description="Denominator: 2000 or 1:2000", examples=[2000]
    )
    surveyed_on: date = Field(description="Date of the base map", examples=["2025-05-01"])
    map_review_number: Text200 = Field(description="审图号", examples=["川S〔2025〕00012号"])
    approval_document: Annotated[Text200 | None, BeforeValidator(_absent)] = None
    scheme: Annotated[Scheme | None, BeforeValidator(_absent)] = Field(
        default=None, description="The deployment's scheme, if given"
    )
    crs: Annotated[Text50 | None, BeforeValidator(_absent)] = Field(
        default=None,
        description="cgcs2000, wgs84, gcj02, bd09 or EPSG:nnnn; needed when the file says none",
        examples=["gcj02"],
    )
    layer: Annotated[Text200 | None, BeforeValidator(_absent)] = Field(
        default=None, description="Layer of a GeoPackage with several"
    )
    synthetic: bool = Field(default=False, description="Whether the boundaries are invented")
    id: Annotated[UUID | None, BeforeValidator(_absent)] = Field(
        default=None, description="A UUIDv7 that the client made"
    )

    @field_validator("surveyed_on")
    @classmethod
    def _surveyed(cls, value: date) -> date:
        if not EARLIEST_MAP <= value <= clock.local(clock.now()).date():
            raise PydanticCustomError(
                "surveyed_on",
                "The date of the base map must not be in the future or before 1949",
                {"zh": "底图日期不能晚于今天，也不能早于 1949 年"},
            )
        return value


class Publication(Strict):
    """The decision to publish."""

    approval_document: Text200 | None = Field(
        default=None, description="Needed when grids in force change, if the upload named none"
    )


class Counts(Shown):
    """Numbers of findings."""

    error: int
    warning: int
    info: int


class Plan(Shown):
    """What publishing does: new grids, grids that keep boundary or code, grids that retire."""

    new: int
    keep: int
    adjust: int
    retire: int


class CheckReport(Shown):
    """The check in figures."""

    kinds: dict[str, int]
    villages: int
    households: int
    area_m2: float
    findings: Counts
    plan: Plan
    retiring: list[str] = Field(description="Codes of the grids that publishing retires")


class Delineation(Shown):
    """One submission of polygons: provenance, state and what the check says."""

    id: UUID
    area_code: str
    scheme: Scheme
    status: Status
    base_map: BaseMap
    scale: int
    surveyed_on: date
    map_review_number: str
    approval_document: str | None
    source_crs: str
    filename: str
    file_sha256: str
    synthetic: bool
    feature_count: int
    village_codes: list[str]
    report: CheckReport
    findings_href: str
    submitted_by: UUID
    submitted_at: AwareDatetime
    published_by: UUID | None
    published_at: AwareDatetime | None


class DelineationPage(Shown):
    """A page of delineations, the newest first."""

    items: list[Delineation]
    next: str | None


class PublishedGrid(Shown):
    """The grid that one polygon of the file became."""

    feature: int = Field(description="Place in the file, from 0")
    decision: Literal["new", "keep", "adjust"]
    code: str
    display: str


class Published(Delineation):
    """The delineation after its publication, with the code of each polygon."""

    grids: list[PublishedGrid]
    retired: list[str]


class FindingProperties(Shown):
    """What a check found."""

    code: str = Field(examples=["overlap"])
    severity: Literal["error", "warning", "info"]
    message_zh: str
    message_en: str
    features: list[int] = Field(description="Places in the file, from 0")
    village_code: str | None
    area_m2: float | None


class FindingFeature(Shown):
    """A finding as a GeoJSON feature; null geometry where it has no place."""

    type: Literal["Feature"]
    id: int
    geometry: Geometry | None
    properties: FindingProperties


class Findings(Shown):
    """Findings as a GeoJSON FeatureCollection in EPSG:4490, errors first."""

    type: Literal["FeatureCollection"]
    crs: dict[str, Any]
    features: list[FindingFeature]
