"""What crosses the wire about categories."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from service.kit.fields import Strict, Text50, Text200

Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}([0-9]{2})?$")]
CategoryCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Clause = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?\.[1-9][0-9]?$")]
Evidence = Literal["none", "after", "before_and_after"]
Version = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
MAX_ROWS = 1_000

LIMITS = (
    "Step to duration: a whole number and min, h, d (calendar) or wh, wd (work hours, work days). "
    "`finish` replaces the level's own limit; others are milestones such as `cordon`."
)


class CategoryFields(Strict):
    """A group (2 digits: names only) or a category (4 digits). A draft may be incomplete."""

    name_zh: Text50 | None = Field(default=None, examples=["暴露垃圾"])
    name_en: Text200 | None = Field(default=None, examples=["Exposed rubbish"])
    level: Annotated[int, Field(ge=1, le=4)] | None = Field(
        default=None, description="1 emergency, 2 urgent, 3 ordinary, 4 difficult", examples=[3]
    )
    limits: dict[Text50, Text50] = Field(
        default_factory=dict, max_length=10, description=LIMITS, examples=[{"finish": "4wh"}]
    )
    self_handle: bool = Field(
        default=False, description="Who fixes it at once may report and close in one call"
    )
    evidence: Evidence = Field(default="none", description="Which photos the rule asks for")
    conduct: bool = Field(
        default=False, description="A complaint about an official, hidden from that person's unit"
    )
    clauses: list[Clause] = Field(default_factory=list, max_length=20, examples=[["23.2"]])
    active: bool = Field(default=True, description="false: retired, nothing new under it")


class CategoryDraft(CategoryFields):
    """One row of a whole tree that is submitted."""

    code: Code = Field(examples=["0601"])


class CategorySetDraft(Strict):
    """A new draft: a copy of the published tree or of another version, or a whole tree."""

    note: Text200 | None = Field(default=None, examples=["增加电动自行车类别"])
    copy_of: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Version to copy; the published one when left out", examples=[1]
    )
    categories: list[CategoryDraft] | None = Field(
        default=None, min_length=1, max_length=MAX_ROWS, description="A whole tree instead"
    )


class Category(BaseModel):
    """One category with its rules, as published or drafted."""

    code: str = Field(examples=["0601"])
    name_zh: str = Field(examples=["暴露垃圾"])
    name_en: str = Field(examples=["Exposed rubbish"])
    level: int | None = Field(examples=[3])
    limits: dict[str, str] = Field(examples=[{"finish": "4wh"}], description=LIMITS)
    self_handle: bool
    evidence: Evidence
    conduct: bool
    clauses: list[str] = Field(examples=[["23.2"]])
    active: bool


class CategoryGroup(BaseModel):
    """A group and its categories."""

    code: str = Field(examples=["06"])
    name_zh: str = Field(examples=["环境卫生"])
    name_en: str = Field(examples=["Cleanliness"])
    active: bool
    categories: list[Category]


class CategoryTree(BaseModel):
    """One published version of the tree."""

    version: int = Field(examples=[1])
    published_at: datetime | None
    groups: list[CategoryGroup]


class PublishedCategory(Category):
    """One category and the version of the tree that it was read from."""

    version: int = Field(examples=[1])
    group: str = Field(examples=["06"])


class CategorySetHead(BaseModel):
    """One version of the tree, without its rows."""

    version: int = Field(examples=[2])
    status: Literal["draft", "published", "retired"]
    note: str
    created_at: datetime
    published_at: datetime | None
    published_by: UUID | None


class CategorySetRow(CategorySetHead):
    """A version in the list, with its number of categories."""

    categories: int = Field(examples=[60])


class CategorySetPage(BaseModel):
    """Versions, newest first."""

    items: list[CategorySetRow]
    next: str | None


class CategorySet(CategorySetHead):
    """One version with all its rows: groups and categories by code."""

    categories: list[Category]


class CategoryFinding(BaseModel):
    """What validation says about one place: an error stops the publication."""

    severity: Literal["error", "warning"]
    category: str = Field(examples=["0601"])
    pointer: str = Field(examples=["/categories/0601/limits/finish"])
    code: str = Field(examples=["bad_duration"])
    zh: str
    en: str


class Validation(BaseModel):
    """Whether a version could be published, and everything to be said about it."""

    valid: bool
    findings: list[CategoryFinding]


class PublishedSet(CategorySetHead):
    """The version now in force, with the warnings that it was published with."""

    findings: list[CategoryFinding]
