"""What crosses the wire about simulations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.kit.fields import AreaPrefix, Strict

MAX_LAST = 10_000


class SimulationRequest(Strict):
    """Which cases to replay: the newest of an area and category."""

    last: Annotated[int, Field(ge=1, le=MAX_LAST)] = Field(
        default=1_000, description="How many of the newest cases, open and closed", examples=[1000]
    )
    area: AreaPrefix | None = Field(
        default=None, description="The county when left out", examples=["511723001"]
    )
    category: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}([0-9]{2})?$")] | None = Field(
        default=None, description="A group or a category", examples=["06"]
    )


class StepCount(BaseModel):
    """One step's clocks under one policy."""

    judged: int = Field(description="Clocks that ran")
    late: int = Field(description="Ended, or still run, after they were due")
    supervised: int = Field(description="Passed the share at which they are supervised")


class StepComparison(BaseModel):
    """One step under the draft and under the policy in force."""

    step: str = Field(examples=["accept"])
    draft: StepCount
    in_force: StepCount | None


class TierCount(BaseModel):
    """One tier's stays under one policy."""

    stays: int = Field(description="How often a case was held at the tier")
    escalated: int = Field(description="Stays that lasted longer than the tier's time")
    supervised: int = Field(description="Stays beyond the share at which they are supervised")


class TierComparison(BaseModel):
    """One tier under the draft and under the policy in force."""

    tier: int = Field(examples=[1])
    draft: TierCount
    in_force: TierCount | None


class CaseCount(BaseModel):
    """Cases under one policy; a case counts once, whatever is late in it."""

    late: int
    escalated: int
    supervised: int


class CaseComparison(BaseModel):
    """Cases under the draft and under the policy in force."""

    draft: CaseCount
    in_force: CaseCount | None


class Outcome(BaseModel):
    """What a policy makes of one case."""

    late: list[str] = Field(examples=[["accept"]])
    escalated: list[int] = Field(examples=[[1]])
    supervised: bool


class SimulatedCase(BaseModel):
    """A case of which the two policies make different things, or that is late under the draft."""

    id: UUID
    number: str
    category: str
    level: int
    grid: str
    draft: Outcome
    in_force: Outcome | None


class Simulation(BaseModel):
    """What would have been late, escalated and supervised, had the draft been in force.

    Each clock is judged by what really happened when. Void and merged cases are left out, and
    drills.
    """

    version: int
    in_force: int | None = Field(description="The version compared with")
    cases: int
    open: int
    first_reported_at: datetime | None
    last_reported_at: datetime | None
    without_calendar: int = Field(
        description="Cases left out, because a time fell in a year without a work calendar"
    )
    missing_years: list[int]
    totals: CaseComparison
    steps: list[StepComparison]
    tiers: list[TierComparison]
    examples: list[SimulatedCase] = Field(
        description="At most 20, those first of which the two policies make different things"
    )
