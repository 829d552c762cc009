"""Answers about grids, their versions and their lineage."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from service.areas.schemas.common import (
    ChangeShown,
    Geometry,
    GridKind,
    Named,
    Operation,
    Provenance,
    Shown,
)

Status = Literal["current", "retired"]


class GridRow(Shown):
    """A grid in a list: the version in force (at `as_of`), or the last one of a retired grid."""

    code: str = Field(examples=["511723100200001"])
    display: str = Field(
        description="The code with its check character", examples=["511723100200001-0"]
    )
    kind: GridKind
    status: Status
    name: str
    village_code: str
    parent_code: str | None = Field(description="The grid that a micro-grid is in")
    households: int | None
    area_m2: float
    version: int
    valid_from: AwareDatetime
    retired_at: AwareDatetime | None
    synthetic: bool
    geometry: Geometry | None = None


class GridPage(Shown):
    """A page of grids in order of their codes."""

    items: list[GridRow]
    next: str | None = Field(description="Cursor of the next page; null on the last")


class Successor(Shown):
    """A grid in force now that came out of a retired one."""

    code: str
    display: str
    name: str


class GridLinks(Shown):
    """Where to read more."""

    versions: str
    lineage: str


class Grid(Shown):
    """One grid: its code in parts, its boundary, where that comes from and what became of it."""

    code: str = Field(examples=["511723100200001"])
    check_character: str = Field(description="ISO 7064 MOD 11,10; never part of the key")
    display: str
    scheme: Literal["cn15", "db11"]
    kind: GridKind
    status: Status
    name: str
    village: Named
    township: Named
    county: Named
    parent_code: str | None
    micro_grids: list[str] = Field(description="Codes of the micro-grids in force inside it")
    households: int | None
    area_m2: float
    version: int = Field(description="Also the ETag, for If-Match of a change")
    valid_from: AwareDatetime = Field(description="Since when this version is in force")
    valid_to: AwareDatetime | None
    created_at: AwareDatetime
    retired_at: AwareDatetime | None
    synthetic: bool = Field(description="Whether the boundary is invented")
    provenance: Provenance | None
    change: ChangeShown | None
    successors: list[Successor] = Field(description="Of a retired grid: what is in force instead")
    links: GridLinks
    crs: Literal["EPSG:4490"] = "EPSG:4490"
    geometry: Geometry | None = None


class GridVersion(Shown):
    """One version: [valid_from, valid_to)."""

    version: int
    name: str
    households: int | None
    area_m2: float
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None
    synthetic: bool
    delineation_id: UUID | None
    change: ChangeShown | None
    geometry: Geometry | None = None


class GridVersions(Shown):
    """All versions of a grid, the newest first."""

    code: str
    items: list[GridVersion]


class LineageStep(Shown):
    """One grid became (a part of) another."""

    parent_code: str
    child_code: str
    depth: int = Field(description="Changes between this step and the grid asked for, from 1")
    operation: Operation
    approval_document: str | None
    change_id: UUID
    made_at: AwareDatetime
    overlap_m2: float = Field(description="The area that went from the parent to the child")


class Lineage(Shown):
    """Where a grid comes from and what became of it, through all changes."""

    code: str
    status: Status
    ancestors: list[LineageStep]
    descendants: list[LineageStep]


class CodeProblem(Shown):
    """One thing wrong with a text as a grid code."""

    code: str = Field(examples=["code_full_width"])
    position: int | None = Field(description="Character, from 0; null when the whole is meant")
    message_zh: str
    message_en: str


class CodeParts(Shown):
    """The fields of a good code."""

    code: str
    county: str
    township: str
    village: str
    village_name: str | None = Field(description="Null when no such village is known here")
    grid: str = Field(description="The grid that it is or lies in")
    kind: GridKind | None = Field(description="Null where the scheme shows none")
    sequence: int
    micro: int | None


class CheckCharacter(Shown):
    """The check character as typed and as it should be."""

    given: str | None
    computed: str
    matches: bool | None = Field(description="Null when none was typed")


class CodeGrid(Shown):
    """The grid that has the code."""

    name: str
    kind: GridKind
    status: Status
    href: str


class GridCode(Shown):
    """What a text is as a grid code; a bad one is an answer, not an error."""

    text: str
    scheme: Literal["cn15", "db11"]
    valid: bool
    problems: list[CodeProblem]
    suggestion: str | None = Field(description="The key that was probably meant")
    parts: CodeParts | None
    check_character: CheckCharacter | None
    display: str | None
    grid: CodeGrid | None = Field(description="Null when no grid has or had this code")
