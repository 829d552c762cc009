"""Tables of emergencies: plans, activations, drills, resources, stock, tracks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from service.emergency.workflow import STATES
from service.kit.columns import CODE, CODES, JSON, MOMENT, TEXT, geometry

_STATES = ", ".join(f"'{s}'" for s in STATES)
LEVEL = "level BETWEEN 1 AND 4"
# Metres in CGCS2000 / 3-degree Gauss-Krueger CM 108E, where the nearest is the nearest.
METRIC = 4545


class EmergencyPlan(SQLModel, table=True):
    """One version of an emergency plan; in force is the newest that has begun (17.1).

    `levels` are the rules of its levels, `contacts` the tree of three tiers (17.5).
    """

    __tablename__ = "emergency_plan"
    __table_args__ = (CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),)

    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    hazard: str = Field(sa_type=CODE)
    area_code: str = Field(sa_type=CODE)
    document: str = Field(sa_type=TEXT)
    valid_from: date
    valid_to: date | None = None
    levels: list[dict[str, Any]] = Field(sa_type=JSON)
    lead_units: list[str] = Field(sa_type=CODES)
    supporting_units: list[str] = Field(sa_type=CODES)
    contacts: list[dict[str, Any]] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=MOMENT)
    created_by: UUID
    retired_at: datetime | None = Field(default=None, sa_type=MOMENT)


class Activation(SQLModel, table=True):
    """A plan put in force for an area at a level, or a drill of it (24.2).

    `tier` is that of who declared it: nobody of a lower tier ends it.
    """

    __tablename__ = "activation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["plan_code", "plan_version"], ["emergency_plan.code", "emergency_plan.version"]
        ),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint(LEVEL, name="level"),
        CheckConstraint("(state = 'in_force') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("ended_at >= activated_at", name="period"),
        CheckConstraint("drill OR state <> 'evaluated'", name="drill"),
        Index(
            "uq_activation_running",
            "area_code",
            "plan_code",
            "drill",
            unique=True,
            postgresql_where="state = 'in_force'",
        ),
        Index("ix_activation_area", "area_code", "activated_at"),
        Index("ix_activation_ended_at", "ended_at"),
    )

    id: UUID = Field(primary_key=True)
    state: str = Field(sa_type=TEXT)
    version: int
    head_hash: bytes = Field(sa_type=LargeBinary)
    last_event_at: datetime = Field(sa_type=MOMENT)
    area_code: str = Field(sa_type=CODE)
    level: int = Field(sa_type=SmallInteger)
    plan_code: str = Field(sa_type=CODE)
    plan_version: int
    reason: str = Field(sa_type=TEXT)
    drill: bool
    tier: int = Field(sa_type=SmallInteger)
    activated_at: datetime = Field(sa_type=MOMENT)
    activated_by: UUID
    ended_at: datetime | None = Field(default=None, sa_type=MOMENT)
    ended_by: UUID | None = None
    end_note: str | None = Field(default=None, sa_type=TEXT)


class DrillEvaluation(SQLModel, table=True):
    """What a drill showed, and when the next one is due (17.2)."""

    __tablename__ = "drill_evaluation"
    __table_args__ = (CheckConstraint("participants > 0", name="participants"),)

    activation_id: UUID = Field(sa_column=Column(ForeignKey("activation.id"), primary_key=True))
    participants: int
    units: list[str] = Field(sa_type=CODES)
    findings: str = Field(sa_type=TEXT)
    next_on: date
    evaluated_at: datetime = Field(sa_type=MOMENT)
    evaluated_by: UUID


class Resource(SQLModel, table=True):
    """A team, vehicle, shelter or supply point: whose, where, how much (17.2, 17.3).

    The area is that of the grid where it stands. The contact is encrypted personal data.
    """

    __tablename__ = "resource"
    __table_args__ = (
        CheckConstraint("kind IN ('team', 'vehicle', 'shelter', 'supply_point')", name="kind"),
        CheckConstraint("status IN ('available', 'unavailable', 'retired')", name="status"),
        CheckConstraint("capacity > 0", name="capacity"),
        Index("ix_resource_village", "village_code", "id"),
        Index("ix_resource_owner", "owner_unit", "id"),
        Index("ix_resource_cell", "cell", "id"),
        # Ordering by distance is no condition, so row-level security leaves this index its use.
        Index(
            "ix_resource_nearest",
            "position",
            postgresql_using="gist",
            postgresql_where="status = 'available'",
        ),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    owner_unit: str = Field(sa_column=Column(CODE, ForeignKey("unit.code"), nullable=False))
    grid_code: str = Field(sa_type=CODE)
    village_code: str = Field(sa_type=CODE)
    location: Any = Field(sa_column=Column(geometry("POINT"), nullable=False))
    position: Any = Field(sa_column=Column(geometry("POINT", METRIC), nullable=False))
    cell: int
    raw_x: float
    raw_y: float
    raw_crs: str = Field(sa_type=TEXT)
    accuracy_m: float | None = None
    capacity: int
    note: str = Field(default="", sa_type=TEXT)
    contact_name: bytes | None = Field(default=None, sa_type=LargeBinary)
    contact_phone: bytes | None = Field(default=None, sa_type=LargeBinary)
    status: str = Field(sa_type=TEXT)
    version: int
    created_at: datetime = Field(sa_type=MOMENT)
    updated_at: datetime = Field(sa_type=MOMENT)


class Allocation(SQLModel, table=True):
    """A resource given to an activation; to one at a time, and never more than it holds."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("uq_allocation_live", "resource_id", unique=True,
              postgresql_where="released_at IS NULL"),
        Index("ix_allocation_activation_id", "activation_id"),
    )  # fmt: skip

    id: UUID = Field(primary_key=True)
    resource_id: UUID = Field(sa_column=Column(ForeignKey("resource.id"), nullable=False))
    activation_id: UUID = Field(sa_column=Column(ForeignKey("activation.id"), nullable=False))
    quantity: int
    note: str = Field(default="", sa_type=TEXT)
    allocated_at: datetime = Field(sa_type=MOMENT)
    allocated_by: UUID
    released_at: datetime | None = Field(default=None, sa_type=MOMENT)
    released_by: UUID | None = None


class StockItem(SQLModel, table=True):
    """One kind of supplies that supply points keep; an administrator edits the catalogue."""

    __tablename__ = "stock_item"

    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    measure_zh: str = Field(sa_type=TEXT)
    measure_en: str = Field(sa_type=TEXT)
    active: bool = True


class Stock(SQLModel, table=True):
    """What a supply point holds of an item, and what was issued and is not back yet (17.3)."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("outstanding >= 0", name="outstanding"),
    )

    resource_id: UUID = Field(sa_column=Column(ForeignKey("resource.id"), primary_key=True))
    item_code: str = Field(sa_column=Column(CODE, ForeignKey("stock_item.code"), primary_key=True))
    balance: int
    outstanding: int
    movements: int
    updated_at: datetime = Field(sa_type=MOMENT)


class StockMovement(SQLModel, table=True):
    """One entry of the ledger of a supply point; append-only."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        UniqueConstraint("resource_id", "item_code", "seq"),
        ForeignKeyConstraint(
            ["resource_id", "item_code"], ["stock.resource_id", "stock.item_code"]
        ),
        CheckConstraint("kind IN ('receive', 'issue', 'return', 'count')", name="kind"),
        CheckConstraint("quantity > 0 OR kind = 'count' AND quantity = 0", name="quantity"),
        CheckConstraint("balance >= 0", name="balance"),
        Index("ix_stock_movement_resource", "resource_id", "moved_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    resource_id: UUID
    item_code: str = Field(sa_type=CODE)
    seq: int
    kind: str = Field(sa_type=TEXT)
    quantity: int
    change: int
    balance: int
    activation_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey("activation.id"), nullable=True)
    )
    note: str = Field(default="", sa_type=TEXT)
    moved_at: datetime = Field(sa_type=MOMENT)
    moved_by: UUID


class TravelMode(SQLModel, table=True):
    """How fast a way of travelling is, and how much longer the way is than a straight line."""

    __tablename__ = "travel_mode"
    __table_args__ = (
        CheckConstraint("speed_kmh > 0 AND speed_kmh <= 1000", name="speed_kmh"),
        CheckConstraint("detour_factor >= 1 AND detour_factor <= 10", name="detour_factor"),
    )

    mode: str = Field(sa_column=Column("mode", CODE, primary_key=True))
    name_zh: str = Field(sa_type=TEXT)
    name_en: str = Field(sa_type=TEXT)
    speed_kmh: float
    detour_factor: float


class TrackPoint(SQLModel, table=True):
    """Where a worker was during an emergency; deleted 30 days after its end."""

    __tablename__ = "track_point"

    activation_id: UUID = Field(sa_column=Column(ForeignKey("activation.id"), primary_key=True))
    account_id: UUID = Field(sa_column=Column(ForeignKey("account.id"), primary_key=True))
    recorded_at: datetime = Field(sa_column=Column(MOMENT, primary_key=True))
    area_code: str = Field(sa_type=CODE)
    location: Any = Field(sa_column=Column(geometry("POINT"), nullable=False))
    raw_x: float
    raw_y: float
    raw_crs: str = Field(sa_type=TEXT)
    accuracy_m: float | None = None
    received_at: datetime = Field(sa_type=MOMENT)
