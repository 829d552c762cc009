"""Coverage of the plan as it crosses the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.plan.schemas.common import MechanismOut, OperationOut, Out

Share = Annotated[float | None, Field(ge=0, le=1, description="None of nothing")]


class CoverageFigure(Out):
    """A share and what it is a share of."""

    numerator: int
    denominator: int
    share: Share


class CoverageFigures(Out):
    """Shares of the plan's 129 measures, and of what this service has."""

    clauses_with_built_mechanism: CoverageFigure
    clauses_with_any_mechanism: CoverageFigure
    clauses_with_evidence: CoverageFigure
    mechanisms_built: CoverageFigure
    operations_with_clause: CoverageFigure
    steps_with_clause: CoverageFigure


class MechanismCounts(Out):
    """How many mechanisms there are."""

    built: int
    planned: int


class CoverageRow(Out):
    """A measure by number and summary."""

    clause: str
    section: int
    task: int
    summary_zh: str
    summary_en: str


class UnknownClauseAt(Out):
    """An operation or step that names a clause which the plan does not have."""

    where: str
    clause: str


class Coverage(Out):
    """What of the plan has a counterpart here, and what has none, either way."""

    figures: CoverageFigures
    mechanisms: MechanismCounts
    clauses_without_mechanism: list[CoverageRow]
    clauses_planned: list[CoverageRow] = Field(description="All their mechanisms are planned")
    mechanisms_without_clause: list[MechanismOut]
    operations_without_clause: list[OperationOut]
    unknown_clauses: list[UnknownClauseAt]
