"""What crosses the wire about response policies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from service.kit.fields import Moment, Strict, Text50, Text200

Version = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
Number = Annotated[str, StringConstraints(pattern=r"^[1-4]$")]
LevelClock = Literal["calendar", "work"]
Share = Annotated[float, Field(ge=0, le=10)]
DURATION = "A whole number and min, h, d (wall clock) or wh, wd (work time)"


class LevelLimits(Strict):
    """The limits of one level: each step's duration, and the clock that the level runs on."""

    clock: LevelClock | None = Field(
        default=None,
        description="calendar: day and night; work: the work calendar",
        examples=["work"],
    )
    accept: Text50 | None = Field(default=None, description=DURATION, examples=["4wh"])
    assign: Text50 | None = Field(default=None, examples=["1wd"])
    on_site: Text50 | None = Field(default=None, examples=["1wd"])
    finish: Text50 | None = Field(
        default=None, description="Until closed; until under control where `close` is set",
        examples=["3wd"],
    )  # fmt: skip
    close: Text50 | None = Field(default=None, description="Until closed", examples=["24h"])


class PolicyShares(Strict):
    """At which shares of a limit a clock warns, is due, and is supervised."""

    amber: Share = Field(default=0.7, examples=[0.7])
    red: Share = Field(default=1.0, examples=[1.0])
    supervise: Share = Field(default=1.2, examples=[1.2])


class ExtensionRule(Strict):
    """How often, and by which share of the original limit, a limit may be extended."""

    max: Annotated[int, Field(ge=0, le=100)] = Field(default=1, examples=[1])
    share: Share = Field(default=1.0, examples=[1.0])


class PolicyBody(Strict):
    """A policy: limits by level, the tier ladder, calls, extension, returns.

    A draft may be incomplete: what is wrong shows in `validate`.
    """

    levels: dict[Number, LevelLimits] = Field(
        default_factory=dict, description="By level: 1 emergency to 4 difficult"
    )
    tiers: dict[Number, Text50] = Field(
        default_factory=dict,
        description="How long a case stays at a tier before it escalates; the top tier has none",
        examples=[{"1": "24h", "2": "2wd", "3": "5wd"}],
    )
    shares: PolicyShares = Field(default_factory=PolicyShares)
    call_answer: dict[Number, Text50] = Field(
        default_factory=dict,
        description="By level: how long a community call may stay unanswered",
        examples=[{"1": "5min", "2": "15min", "3": "4wh", "4": "1wd"}],
    )
    extension: ExtensionRule = Field(default_factory=ExtensionRule)
    max_returns: Annotated[int, Field(ge=0, le=100)] = Field(
        default=2, description="After so many returns the next tier decides", examples=[2]
    )


class PolicyNew(Strict):
    """A new draft: a copy of the policy in force or of another version, or a whole policy."""

    note: Text200 | None = Field(default=None, examples=["汛期加快响应"])
    copy_of: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Version to copy; the one in force when left out", examples=[1]
    )
    policy: PolicyBody | None = Field(default=None, description="A whole policy instead")


class PolicyPut(Strict):
    """The whole body of a draft."""

    note: Text200 | None = Field(default=None, description="As it was, when left out")
    policy: PolicyBody


class PolicyPublication(Strict):
    """From when the version is in force."""

    valid_from: Moment | None = Field(
        default=None,
        description="Now when left out; never in the past",
        examples=["2027-01-01T00:00:00+08:00"],
    )


class PolicyHead(BaseModel):
    """One version, without its body. `valid_to` is when the next one begins."""

    version: int = Field(examples=[2])
    status: Literal["draft", "published", "withdrawn"]
    note: str
    created_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    published_at: datetime | None
    published_by: UUID | None


class PolicyPage(BaseModel):
    """Versions, newest first."""

    items: list[PolicyHead]
    next: str | None


class ResponsePolicyVersion(PolicyHead):
    """One version with its body."""

    policy: PolicyOut


class SharesOut(BaseModel):
    """At which shares of a limit a clock warns, is due, and is supervised."""

    amber: float = Field(examples=[0.7])
    red: float = Field(examples=[1.0])
    supervise: float = Field(examples=[1.2])


class ExtensionOut(BaseModel):
    """How often, and by which share of the original limit, a limit may be extended."""

    max: int = Field(examples=[1])
    share: float = Field(examples=[1.0])


class PolicyOut(BaseModel):
    """A policy: limits by level, the tier ladder, calls, extension, returns."""

    levels: dict[str, dict[str, str]] = Field(
        description="By level: its `clock`, and each step's limit",
        examples=[{"3": {"clock": "work", "accept": "4wh", "finish": "3wd"}}],
    )
    tiers: dict[str, str] = Field(examples=[{"1": "24h", "2": "2wd", "3": "5wd"}])
    shares: SharesOut
    call_answer: dict[str, str] = Field(examples=[{"1": "5min", "2": "15min"}])
    extension: ExtensionOut
    max_returns: int = Field(examples=[2])


class PolicyInForce(BaseModel):
    """The policy in force now. Cases that run keep the version that they started under."""

    version: int = Field(examples=[1])
    valid_from: datetime
    published_at: datetime
    note: str
    policy: PolicyOut


class PolicyFinding(BaseModel):
    """What validation says about one place: an error stops the publication."""

    severity: Literal["error", "warning"]
    pointer: str = Field(examples=["/levels/3/finish"])
    code: str = Field(examples=["finish_too_fast"])
    zh: str
    en: str


class PolicyValidation(BaseModel):
    """Whether a version could be published now, and everything to be said about it."""

    valid: bool
    findings: list[PolicyFinding]


class PublishedPolicy(PolicyHead):
    """The version as published, with the warnings that it was published with."""

    findings: list[PolicyFinding]
