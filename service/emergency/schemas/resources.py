"""Resources, their allocation and their stock (17.2, 17.3, 24.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.emergency.schemas.common import Code, GivenPosition, ResourceContact, UnitCode
from service.kit.fields import AreaPrefix, BoundingBox, Strict, Text200, Text2000, box_of
from service.kit.geojson import Point
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.kit.positions import Position

Kind = Literal["team", "vehicle", "shelter", "supply_point"]
ResourceStatus = Literal["available", "unavailable", "retired"]
MovementKind = Literal["receive", "issue", "return", "count"]
Capacity = Annotated[
    int, Field(ge=1, le=1_000_000, description="People, seats, beds; 1 for one thing as a whole")
]


class ResourceNew(Strict):
    """A team, vehicle, shelter or supply point; its area is that of the grid where it stands."""

    id: UUID | None = None
    kind: Kind
    name: Text200 = Field(examples=["新宁镇应急抢险队"])
    owner_unit: UnitCode = Field(examples=["511723-emergency"])
    location: Position
    capacity: Capacity = 1
    contact: ResourceContact | None = None
    note: Text2000 | None = None


class ResourceChange(Strict):
    """What changes; what is left out stays. `retired` is for ever."""

    name: Text200 | None = None
    location: Position | None = None
    capacity: Capacity | None = None
    contact: ResourceContact | None = None
    note: Text2000 | None = None
    status: ResourceStatus | None = None


class AllocationNew(Strict):
    """调配 To an activation, whole or a part of the capacity."""

    activation: UUID
    quantity: Capacity | None = Field(default=None, description="All of it when left out")
    note: Text2000 | None = None


class Release(Strict):
    """释放 Back to its owner."""

    note: Text2000 | None = Field(default=None, examples=["任务完成"])


class LiveAllocation(BaseModel):
    """What a resource serves now."""

    id: UUID
    activation: UUID
    drill: bool
    quantity: int
    note: str
    allocated_at: datetime
    allocated_by: UUID


class MaskedResourceContact(BaseModel):
    """The contact, masked."""

    name: str | None = Field(examples=["李*"])
    phone: str | None = Field(examples=["138****5678"])


class Resource(BaseModel):
    """A resource: whose, where, how much, what it serves now."""

    id: UUID
    kind: Kind
    name: str
    owner_unit: str
    grid: str
    village: str
    location: Point
    raw_position: GivenPosition
    capacity: int
    note: str
    contact: MaskedResourceContact | None
    status: ResourceStatus
    version: int
    created_at: datetime
    updated_at: datetime
    allocation: LiveAllocation | None
    clauses: list[str]


class ResourcePage(BaseModel):
    """Resources by id."""

    items: list[Resource]
    next: str | None


class ResourceQuery(BaseModel):
    """Filters of `GET /v1/resources`; together they narrow."""

    model_config = ConfigDict(extra="forbid")

    area: AreaPrefix | None = Field(default=None, description="Stands inside: 6 to 15 digits")
    kind: Kind | None = None
    unit: UnitCode | None = Field(default=None, description="Belongs to this unit")
    status: ResourceStatus | None = None
    activation: UUID | None = Field(default=None, description="Serves this activation now")
    bbox: BoundingBox | None = Field(default=None, description="west,south,east,north in EPSG:4490")
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)

    def box(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north; None when there is no box."""
        return None if self.bbox is None else box_of(self.bbox)


class ReachableResource(Resource):
    """A resource and the time it needs."""

    distance_m: float = Field(description="In a straight line", examples=[1520.4])
    travel_minutes: float = Field(examples=[3.2])


class NearestResources(BaseModel):
    """Who can be there in time, the quickest first, and how the time was worked out."""

    mode: str = Field(examples=["car"])
    speed_kmh: float = Field(examples=[40])
    detour_factor: float = Field(examples=[1.4])
    within_minutes: float
    method: Literal["straight line × detour factor ÷ speed"]
    items: list[ReachableResource]


class Movement(Strict):
    """入库、领用、归还、盘点 One entry of the ledger; a count states what is there."""

    id: UUID | None = None
    item: Code = Field(examples=["quilt"])
    kind: MovementKind
    quantity: Annotated[int, Field(ge=0, le=1_000_000_000)]
    activation: UUID | None = Field(default=None, description="What it is for")
    note: Text2000 | None = None

    @model_validator(mode="after")
    def _something(self) -> Movement:
        if self.quantity == 0 and self.kind != "count":
            raise PydanticCustomError(
                "nothing_moved", "The quantity must be at least 1", {"zh": "数量至少为 1"}
            )
        return self


class MovementOut(BaseModel):
    """An entry of the ledger, with the balance after it."""

    id: UUID
    resource: UUID
    item: str
    seq: int
    kind: MovementKind
    quantity: int
    change: int = Field(description="What it did to the balance")
    balance: int
    activation: UUID | None
    note: str
    moved_at: datetime
    moved_by: UUID


class MovementPage(BaseModel):
    """The ledger, newest first."""

    items: list[MovementOut]
    next: str | None


class StockRow(BaseModel):
    """What a supply point has of an item at this moment."""

    resource: UUID
    resource_name: str
    village: str
    item: str
    name_zh: str
    name_en: str
    measure_zh: str
    measure_en: str
    balance: int
    outstanding: int = Field(description="Issued, not returned yet")
    updated_at: datetime


class StockPage(BaseModel):
    """Stock by supply point and item."""

    items: list[StockRow]
    next: str | None


class RevealReason(Strict):
    """Why the contact is looked at."""

    purpose: Text200 = Field(examples=["联系抢险队出动"])


class ResourceContactShown(BaseModel):
    """The contact in clear."""

    name: str | None
    phone: str | None
