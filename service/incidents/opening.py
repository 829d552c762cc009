"""From a report to an incident in its grid: pure, over snapshots of grids and categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from geo import crs
from geo.cells import cell_of
from geo.errors import GeoError
from geo.locate import GridIndex
from geo.positions import Crs
from service.errors import AppError
from service.incidents.case import IncidentCase
from service.incidents.errors import BadPosition, OutsideCounty
from service.incidents.workflow import INCIDENT
from service.kit.events import GENESIS


@dataclass(slots=True)
class NewIncident:
    """A checked report, before its grid and category are known."""

    id: UUID
    reporter_id: UUID
    category: str
    x: float
    y: float
    crs: Crs
    accuracy_m: float | None
    description: str
    channel: str
    occurred_at: datetime
    concerns_unit: str | None = None
    activation_id: UUID | None = None
    drill: bool = False
    attachments: list[UUID] = field(default_factory=list)
    self_handled_note: str | None = None
    self_handled_attachments: list[UUID] = field(default_factory=list)


def canonical(x: float, y: float, system: Crs) -> tuple[float, float]:
    """The position in EPSG:4490. Raises BadPosition."""
    try:
        return crs.to_canonical(x, y, system)
    except GeoError as bad:
        raise BadPosition(reason=str(bad), pointer="/location") from None


class Category(Protocol):
    """What of a published category goes into a case."""

    @property
    def level(self) -> int: ...

    @property
    def clauses(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report is: EPSG:4490, and the grids that are responsible there."""

    lon: float
    lat: float
    grid_code: str
    micro_grid_code: str | None


def places(reports: Sequence[NewIncident], grids: GridIndex) -> list[Place | AppError]:
    """Where each report is, or why that is nowhere: BadPosition or OutsideCounty."""
    found: list[Place | AppError] = []
    for new in reports:
        try:
            found.append(Place(*canonical(new.x, new.y, new.crs), "", None))
        except BadPosition as bad:
            found.append(bad)
    asked = [(n, place) for n, place in enumerate(found) if isinstance(place, Place)]
    located = grids.locate_each([p.lon for _, p in asked], [p.lat for _, p in asked])
    for (n, place), hit in zip(asked, located, strict=True):
        if hit is None:
            found[n] = OutsideCounty(lon=place.lon, lat=place.lat, pointer="/location")
        else:
            found[n] = Place(place.lon, place.lat, hit.grid_code, hit.micro_code)
    return found


def open_incident(
    new: NewIncident,
    place: Place,
    category: Category,
    category_version: int,
    *,
    number: str,
    now: datetime,
) -> IncidentCase:
    """The incident as it stands before its first event: at tier 1 of its grid."""
    return IncidentCase(
        id=new.id, number=number, category_code=new.category, category_version=category_version,
        level=category.level, channel=new.channel, description=new.description,
        occurred_at=new.occurred_at, reported_at=now, reporter_id=new.reporter_id,
        state="", tier=1, version=0, head_hash=GENESIS, last_event_at=now,
        grid_code=place.grid_code, micro_grid_code=place.micro_grid_code,
        lon=place.lon, lat=place.lat, raw_x=new.x, raw_y=new.y, raw_crs=new.crs.value,
        accuracy_m=new.accuracy_m, cell=cell_of(place.lon, place.lat),
        concerns_unit=new.concerns_unit, activation_id=new.activation_id, drill=new.drill,
        clauses=sorted({*INCIDENT.creation.clauses, *category.clauses}),
    )  # fmt: skip
