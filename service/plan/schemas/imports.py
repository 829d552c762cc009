"""Imports of the official text as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from service.plan.schemas.common import Out, PlanPiece


class ImportCounts(Out):
    """What was read."""

    sections: int = Field(examples=[24])
    tasks: int = Field(examples=[46])
    measures: int = Field(examples=[129])
    irregularities: int
    differences: int


class IrregularityOut(Out):
    """Something in the text that is not as it should be; told, never put right."""

    kind: str = Field(examples=["unclosed_bracket"])
    line: int | None
    ref: str = Field(description="Clause, task or section numeral; empty elsewhere")
    count: int
    zh: str
    en: str


class DifferenceOut(Out):
    """Where the text and the registry differ; `explained` when a noted correction accounts for it.

    `written` is what only the text has, `registered` what only the registry has.
    """

    kind: Literal["missing", "extra", "repeated", "leads", "cooperating", "completion"]
    level: Literal["section", "task", "measure"]
    ref: str
    line: int | None
    written: list[str]
    registered: list[str]
    explained: bool
    zh: str
    en: str


class ImportHead(Out):
    """One import, without its report."""

    id: UUID
    filename: str
    file_sha256: str
    encoding: str = Field(examples=["utf-8"])
    imported_by: UUID | None = Field(description="None: imported on the server's command line")
    imported_at: datetime
    counts: ImportCounts


class ImportPage(Out):
    """Imports, newest first; the first is the one whose texts the clauses show."""

    items: list[ImportHead]
    next: str | None


class ImportReportOut(ImportHead):
    """One import with every irregularity, and every difference to the registry."""

    by_kind: dict[str, int] = Field(description="Irregularities of each kind")
    irregularities: list[IrregularityOut]
    differences: list[DifferenceOut]


class ImportDetail(ImportReportOut):
    """The same, and all pieces of the text when asked with `pieces=true`."""

    pieces: list[PlanPiece] | None = None
