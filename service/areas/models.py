"""Tables of areas: divisions, grids with versions and lineage, delineations and findings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.kit.columns import CODE, CODES, JSON, MOMENT, TEXT, geometry


class Division(SQLModel, table=True):
    """A county, township or village (GB/T 2260, GB/T 10114 codes); its code is its hierarchy."""

    __tablename__ = "division"
    __table_args__ = (
        CheckConstraint("level IN ('county', 'township', 'village')", name="level"),
        Index("ix_division_geom", "geom", postgresql_using="gist"),
    )

    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    level: str = Field(sa_type=TEXT)
    name: str = Field(sa_type=TEXT)
    valid_from: date
    valid_to: date | None = None
    geom: Any = Field(default=None, sa_column=Column(geometry("GEOMETRY"), nullable=True))
    synthetic: bool = False
    source: str = Field(sa_type=TEXT)


class DivisionAlias(SQLModel, table=True):
    """An old code of a re-coded division; codes are never used again."""

    __tablename__ = "division_alias"

    old_code: str = Field(sa_column=Column("old_code", CODE, primary_key=True))
    code: str = Field(sa_column=Column(CODE, ForeignKey("division.code"), nullable=False))
    valid_from: date
    valid_to: date


class Delineation(SQLModel, table=True):
    """One submission of polygons for an area, with its provenance (clause 23.2)."""

    __tablename__ = "delineation"
    __table_args__ = (
        CheckConstraint(
            "status IN ('checked', 'refused', 'published', 'superseded')", name="status"
        ),
        CheckConstraint("base_map IN ('topographic', 'orthophoto')", name="base_map"),
        Index("ix_delineation_area_code_submitted_at", "area_code", "submitted_at"),
    )

    id: UUID = Field(primary_key=True)
    area_code: str = Field(sa_type=CODE)
    scheme: str = Field(sa_type=TEXT)
    status: str = Field(sa_type=TEXT)
    base_map: str = Field(sa_type=TEXT)
    scale: int
    surveyed_on: date
    map_review_number: str = Field(sa_type=TEXT)
    approval_document: str | None = Field(default=None, sa_type=TEXT)
    source_crs: str = Field(sa_type=TEXT)
    filename: str = Field(sa_type=TEXT)
    file_sha256: str = Field(sa_type=TEXT)
    synthetic: bool = False
    feature_count: int = 0
    # The villages drawn, and a digest of their boundaries and grids when they were checked.
    village_codes: list[str] = Field(default_factory=list, sa_column=Column(CODES, nullable=False))
    base_digest: str = Field(sa_type=TEXT)
    report: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    submitted_by: UUID
    submitted_at: datetime = Field(sa_type=MOMENT)
    published_by: UUID | None = None
    published_at: datetime | None = Field(default=None, sa_type=MOMENT)


class DelineationFeature(SQLModel, table=True):
    """One polygon of a delineation as submitted, converted to EPSG:4490.

    `grid_code` is the code that the file gives it. The check decides what publishing does with it:
    `decision` keep or adjust the grid `matched_code`, or make a new one, numbered by
    `number_order` inside its village; `takes_over` is its share of present grids, code to m2.
    `assigned_code` is the grid that it became.
    """

    __tablename__ = "delineation_feature"
    __table_args__ = (
        CheckConstraint("decision IN ('keep', 'adjust', 'new')", name="decision"),
        CheckConstraint(
            "decision IS DISTINCT FROM 'new' OR number_order IS NOT NULL", name="numbered"
        ),
    )

    delineation_id: UUID = Field(
        sa_column=Column(ForeignKey("delineation.id", ondelete="CASCADE"), primary_key=True)
    )
    ord: int = Field(primary_key=True)
    village_code: str | None = Field(default=None, sa_type=CODE)
    kind: str = Field(sa_type=TEXT)
    parent_ord: int | None = None
    grid_code: str | None = Field(default=None, sa_type=CODE)
    name: str = Field(sa_type=TEXT)
    households: int | None = None
    area_m2: float | None = None
    decision: str | None = Field(default=None, sa_type=TEXT)
    matched_code: str | None = Field(default=None, sa_type=CODE)
    number_order: int | None = None
    takes_over: dict[str, float] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    assigned_code: str | None = Field(default=None, sa_type=CODE)
    geom: Any = Field(default=None, sa_column=Column(geometry("GEOMETRY"), nullable=True))


class DelineationFinding(SQLModel, table=True):
    """What a check found, with the place where it is wrong (EPSG:4490)."""

    __tablename__ = "delineation_finding"
    __table_args__ = (CheckConstraint("severity IN ('error', 'warning', 'info')", name="severity"),)

    delineation_id: UUID = Field(
        sa_column=Column(ForeignKey("delineation.id", ondelete="CASCADE"), primary_key=True)
    )
    ord: int = Field(primary_key=True)
    code: str = Field(sa_type=TEXT)
    severity: str = Field(sa_type=TEXT)
    message_zh: str = Field(sa_type=TEXT)
    message_en: str = Field(sa_type=TEXT)
    features: list[int] = Field(sa_type=JSON)
    village_code: str | None = Field(default=None, sa_type=CODE)
    area_m2: float | None = None
    geom: Any = Field(default=None, sa_column=Column(geometry("GEOMETRY"), nullable=True))


class Grid(SQLModel, table=True):
    """A grid's identity: its code, which is never used again, and its life."""

    __tablename__ = "grid"
    __table_args__ = (
        CheckConstraint("kind IN ('basic', 'dedicated', 'temporary', 'micro')", name="kind"),
        CheckConstraint("retired_at IS NULL OR retired_at >= created_at", name="life"),
        Index("ix_grid_village_code", "village_code"),
    )

    code: str = Field(sa_column=Column("code", CODE, primary_key=True))
    village_code: str = Field(sa_column=Column(CODE, ForeignKey("division.code"), nullable=False))
    kind: str = Field(sa_type=TEXT)
    parent_code: str | None = Field(
        default=None, sa_column=Column(CODE, ForeignKey("grid.code"), nullable=True)
    )
    created_at: datetime = Field(sa_type=MOMENT)
    retired_at: datetime | None = Field(default=None, sa_type=MOMENT)


class GridVersion(SQLModel, table=True):
    """A grid's boundary and name while it was in force: [valid_from, valid_to)."""

    __tablename__ = "grid_version"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),
        Index(
            "ix_grid_version_geom_current",
            "geom",
            postgresql_using="gist",
            postgresql_where="valid_to IS NULL",
        ),
        Index("ix_grid_version_geom", "geom", postgresql_using="gist"),
        Index(
            "uq_grid_version_code_current",
            "code",
            unique=True,
            postgresql_where="valid_to IS NULL",
        ),
    )

    id: UUID = Field(primary_key=True)
    code: str = Field(sa_column=Column(CODE, ForeignKey("grid.code"), nullable=False))
    version: int
    name: str = Field(sa_type=TEXT)
    households: int | None = None
    area_m2: float
    geom: Any = Field(sa_column=Column(geometry("POLYGON"), nullable=False))
    valid_from: datetime = Field(sa_type=MOMENT)
    valid_to: datetime | None = Field(default=None, sa_type=MOMENT)
    delineation_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey("delineation.id"), nullable=True)
    )
    change_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey("grid_change.id"), nullable=True)
    )
    synthetic: bool = False


class GridChange(SQLModel, table=True):
    """A split, merge, adjustment or delineation, with the document that approved it.

    Only the first delineation of a village changes no grid, and may do without a document.
    """

    __tablename__ = "grid_change"
    __table_args__ = (
        CheckConstraint("operation IN ('delineate', 'split', 'merge', 'adjust')", name="operation"),
        CheckConstraint(
            "operation = 'delineate' OR approval_document IS NOT NULL", name="approval_document"
        ),
    )

    id: UUID = Field(primary_key=True)
    operation: str = Field(sa_type=TEXT)
    village_code: str = Field(sa_type=CODE)
    approval_document: str | None = Field(default=None, sa_type=TEXT)
    note: str | None = Field(default=None, sa_type=TEXT)
    made_by: UUID
    made_at: datetime = Field(sa_type=MOMENT)


class GridLineage(SQLModel, table=True):
    """Which grid became which: one row for each parent and child of a change."""

    __tablename__ = "grid_lineage"
    __table_args__ = (Index("ix_grid_lineage_child_code", "child_code"),)

    parent_code: str = Field(
        sa_column=Column("parent_code", CODE, ForeignKey("grid.code"), primary_key=True)
    )
    child_code: str = Field(
        sa_column=Column("child_code", CODE, ForeignKey("grid.code"), primary_key=True)
    )
    change_id: UUID = Field(sa_column=Column(ForeignKey("grid_change.id"), nullable=False))
    overlap_m2: float
