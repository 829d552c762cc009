"""What a response policy says: as drafted, in text, and as it is applied, parsed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from service.incidents.policies.marks import Shares
from service.kit.durations import Duration, parse_duration

LEVELS = (1, 2, 3, 4)
# The highest tier has nobody above it, so it has no limit.
TOP_TIER = 4
LADDER = (1, 2, 3)
STEPS = ("accept", "assign", "on_site", "finish")
# A second end for a level where `finish` means that it is under control.
CLOSE = "close"
K = TypeVar("K")
CALENDAR, WORK = "calendar", "work"


@dataclass(frozen=True, slots=True)
class LevelDraft:
    """One level as drafted: its clock and the steps' limits in the notation of durations."""

    clock: str | None
    limits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """A policy as drafted. It may be incomplete; what is wrong, `rules.findings` says."""

    levels: Mapping[int, LevelDraft]
    tiers: Mapping[int, str]
    call_answer: Mapping[int, str]
    shares: Shares
    extension_max: int
    extension_share: float
    max_returns: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A published policy, parsed and immutable.

    `limits` is level → step → duration, `tiers` tier → time until it escalates, `answers` level →
    time until an unanswered community call escalates. An extension is granted at most
    `extensions` times, by at most `extension_share` of the original limit. After `max_returns`
    the next tier decides.
    """

    version: int
    valid_from: datetime
    limits: Mapping[int, Mapping[str, Duration]]
    clocks: Mapping[int, str]
    tiers: Mapping[int, Duration]
    answers: Mapping[int, Duration]
    shares: Shares
    extensions: int
    extension_share: float
    max_returns: int


def draft_of(body: Mapping[str, Any]) -> PolicyDraft:
    """The draft in a stored or submitted body."""
    shares, extension = body["shares"], body["extension"]
    return PolicyDraft(
        levels={int(level): _level(found) for level, found in body["levels"].items()},
        tiers=_by_number(body["tiers"]),
        call_answer=_by_number(body["call_answer"]),
        shares=Shares(shares["amber"], shares["red"], shares["supervise"]),
        extension_max=extension["max"],
        extension_share=extension["share"],
        max_returns=body["max_returns"],
    )


def compiled(version: int, valid_from: datetime, draft: PolicyDraft) -> Policy:
    """The policy that a draft without errors is. Raises BadDuration otherwise."""
    return Policy(
        version=version,
        valid_from=valid_from,
        limits=MappingProxyType({n: _parsed(level.limits) for n, level in draft.levels.items()}),
        clocks=MappingProxyType({n: level.clock or WORK for n, level in draft.levels.items()}),
        tiers=_parsed(draft.tiers),
        answers=_parsed(draft.call_answer),
        shares=draft.shares,
        extensions=draft.extension_max,
        extension_share=draft.extension_share,
        max_returns=draft.max_returns,
    )


def _level(found: Mapping[str, str | None]) -> LevelDraft:
    limits = {step: text for step, text in found.items() if step != "clock" and text is not None}
    return LevelDraft(found.get("clock"), limits)


def _by_number(texts: Mapping[str, str]) -> dict[int, str]:
    return {int(number): text for number, text in texts.items()}


def _parsed(texts: Mapping[K, str]) -> Mapping[K, Duration]:
    return MappingProxyType({key: parse_duration(text) for key, text in texts.items()})
