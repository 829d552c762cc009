"""What several answers about the plan are made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.plan.registry_entries import MechanismStatus


class Out(BaseModel):
    """An answer has exactly the documented members."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class CompletionOut(Out):
    """When a measure is due: the kind, and the year of a year end."""

    kind: Literal["year_end", "masked_year", "continuous", "none"]
    year: int | None = Field(examples=[2022])


class MechanismOut(Out):
    """Something that the service does, or will do."""

    slug: str = Field(examples=["incidents"])
    status: MechanismStatus
    name_zh: str
    name_en: str


class SectionOut(Out):
    """A section of the plan."""

    number: int = Field(examples=[11])
    summary_zh: str
    summary_en: str


class StatedCompletion(Out):
    """A completion time as the text states it."""

    kind: Literal["year_end", "masked_year", "continuous", "none"]
    text: str
    year: int | None


class PlanPiece(Out):
    """One piece of the official text; what stands twice under a number has ordinals 1, 2 …"""

    kind: Literal["section", "task", "measure", "preamble", "chapter", "unassigned"]
    clause: str = Field(description="Empty for a piece without a number", examples=["23.2"])
    ordinal: int
    line: int = Field(description="Where it begins in the file, from 1")
    text: str = Field(description="Lines rejoined, without number and label")
    raw_text: str = Field(description="As written")
    units_text: str
    leads: list[str]
    cooperating: list[str]
    completion: StatedCompletion | None


class OperationOut(Out):
    """An operation of this API that names the clause."""

    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/v1/incidents"])
    operation_id: str
    summary: str
