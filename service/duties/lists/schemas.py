"""What crosses the wire about duty lists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from service.auth.schemas import UnitCode
from service.kit.fields import Strict, Text200, Text2000

Kind = Literal["township", "community"]
Section = Literal["basic", "cooperate", "recovered"]
ItemCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}[0-9]{2,4}$")]
AnyCategory = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}([0-9]{2})?$")]
CategoryCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Township = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]
TargetArea = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{9}|[0-9]{12})$"),
    Field(description="A township (9 digits) or a village or community (12)"),
]
Clause = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?\.[1-9][0-9]?$")]
Version = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
MAX_ITEMS = 1_000

SECTION = (
    "basic 基本履职事项: its own duty · cooperate 配合履职事项: a county unit leads · "
    "recovered 上级收回事项: the county took it back"
)


class TownshipExceptionIn(Strict):
    """A township where the item stands in another section."""

    township: Township = Field(examples=["511723205"])
    section: Section = Field(description=SECTION)
    note: Text200 | None = Field(default=None, examples=["无专业力量"])


class DutyItemFields(Strict):
    """One matter of a list. A draft may be incomplete."""

    name_zh: Text200 | None = Field(default=None, examples=["暴露垃圾清理"])
    name_en: Text200 | None = Field(default=None, examples=["Clearing exposed rubbish"])
    section: Section = Field(description=SECTION)
    categories: list[AnyCategory] = Field(
        default_factory=list,
        max_length=200,
        description="Incident categories (4 digits) and whole groups (2) that the item covers",
        examples=[["0601", "12"]],
    )
    lead_unit: UnitCode | None = Field(
        default=None, description="None: the township or community itself", examples=[None]
    )
    cooperating_units: list[UnitCode] = Field(
        default_factory=list, max_length=30, examples=[["511723-housing"]]
    )
    basis: Text2000 | None = Field(default=None, examples=["《城市市容和环境卫生管理条例》"])
    exceptions: list[TownshipExceptionIn] = Field(default_factory=list, max_length=200)
    clauses: list[Clause] = Field(default_factory=list, max_length=20, examples=[["35.3"]])
    active: bool = Field(default=True, description="false: no longer counts")


class DutyItemDraft(DutyItemFields):
    """One item of a whole list that is submitted."""

    code: ItemCode = Field(examples=["T0601"])


class DutyListDraft(Strict):
    """A new draft: a copy of the published list or of another version, or a whole list."""

    kind: Kind
    note: Text200 | None = Field(default=None, examples=["年度动态调整"])
    copy_of: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Version to copy; the published one when left out", examples=[1]
    )
    items: list[DutyItemDraft] | None = Field(
        default=None, max_length=MAX_ITEMS, description="A whole list instead"
    )


class TownshipException(BaseModel):
    """A township where the item stands in another section."""

    township: str = Field(examples=["511723205"])
    section: Section
    note: str


class DutyItem(BaseModel):
    """One matter: whose it is, which categories it covers, on what basis."""

    code: str = Field(examples=["T0601"])
    name_zh: str
    name_en: str
    section: Section = Field(description=SECTION)
    categories: list[str] = Field(examples=[["0601"]])
    lead_unit: str | None = Field(description="None: the township or community itself")
    cooperating_units: list[str]
    basis: str
    exceptions: list[TownshipException]
    clauses: list[str] = Field(examples=[["35.3"]])
    active: bool


class DutyListInForce(BaseModel):
    """The active items in force; `section` is the one that counts in `township`."""

    kind: Kind
    version: int = Field(examples=[1])
    published_at: datetime | None
    township: str | None
    items: list[DutyItem]


class DutyCheck(BaseModel):
    """Whether the list lets this category be dispatched there, by which item and clause."""

    verdict: Literal["allowed", "outside"]
    kind: Kind
    list_version: int
    category: str
    area: str
    section: Section | None = Field(description="In which the item stands there; None: no item")
    item: DutyItem | None = Field(description="None: no item covers the category")
    clause: str = Field(examples=["35.2"])


class DutyListHead(BaseModel):
    """One version, without its items."""

    version: int = Field(examples=[2])
    kind: Kind
    status: Literal["draft", "published", "retired"]
    note: str
    created_at: datetime
    published_at: datetime | None
    published_by: UUID | None


class DutyListRow(DutyListHead):
    """A version in the list of versions, with its number of items."""

    items: int = Field(examples=[40])


class DutyListPage(BaseModel):
    """Versions, newest first."""

    items: list[DutyListRow]
    next: str | None


class DutyListVersion(DutyListHead):
    """One version with all its items by code."""

    items: list[DutyItem]


class DutyFinding(BaseModel):
    """What validation says about one place: an error stops the publication."""

    severity: Literal["error", "warning"]
    item: str = Field(examples=["T0601"])
    pointer: str = Field(examples=["/items/T0601/categories"])
    code: str = Field(examples=["unknown_category"])
    zh: str
    en: str


class DutyValidation(BaseModel):
    """Whether a version could be published, and everything to be said about it."""

    valid: bool
    findings: list[DutyFinding]


class PublishedDutyList(DutyListHead):
    """The version now in force, with the warnings that it was published with."""

    findings: list[DutyFinding]
