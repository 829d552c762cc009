"""Pure decisions of emergencies: levels, command, stock, reach, tracks. The clock is passed in."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from service.emergency.errors import (
    CommandPassed,
    LevelAboveTier,
    LevelNotInPlan,
    NotYourResource,
    ReturnExceedsIssue,
    StockShort,
    StockTooLarge,
)
from service.emergency.workflow import LEVELS
from service.errors import FieldProblem

# Village or community, township, county: all three take part in the contact tree (17.5).
TIERS = (2, 3, 4)
ROLE_OF_TIER = {
    2: "village_dispatcher",
    3: "township_dispatcher",
    4: "county_dispatcher",
}
TRACKS_KEPT = timedelta(days=30)
MOST_STOCK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller is to a resource at this moment.

    `dispatches`: by area, where it stands. `commands`: of the village's two committees, while an
    activation is in force there. `owns`: handles for the unit whose it is. `activated`: whether an
    activation that is no drill is in force where it stands.
    """

    dispatches: bool
    commands: bool
    owns: bool
    activated: bool


def require_allocator(standing: Standing) -> None:
    """Pass when the caller may give or take back the resource (24.2).

    Raises CommandPassed for an owner while others command, NotYourResource for anybody else.
    """
    if standing.dispatches or standing.commands:
        return
    if standing.owns and not standing.activated:
        return
    raise CommandPassed(clause="24.2") if standing.owns else NotYourResource()


def require_keeper(standing: Standing, kind: str) -> None:
    """Pass when the caller may enter a stock movement of `kind`. Raises NotYourResource.

    Who only commands there issues and takes back; what is delivered or counted is the keepers'.
    """
    if standing.dispatches or standing.owns:
        return
    if not (standing.commands and kind in ("issue", "return")):
        raise NotYourResource


def require_level(levels: Sequence[Mapping[str, Any]], level: int, tier: int, plan: str) -> None:
    """Pass when the plan has `level` and lets `tier` declare it.

    Raises LevelNotInPlan, LevelAboveTier.
    """
    roman = LEVELS[level]
    rule = next((r for r in levels if r["level"] == level), None)
    if rule is None:
        known = "、".join(LEVELS[r["level"]] for r in levels)
        raise LevelNotInPlan(
            plan=plan, level=level, roman=roman, levels=known, pointer="/level", clause="17.1"
        )
    if tier < rule["tier"]:
        raise LevelAboveTier(level=level, roman=roman, tier=rule["tier"], clause="17.1")


def plan_problems(
    levels: Sequence[Mapping[str, Any]],
    contacts: Sequence[Mapping[str, Any]],
    units: Mapping[str, int],
    named: Sequence[tuple[str, str]],
) -> list[FieldProblem]:
    """What is wrong with a plan: its levels, its contact tree, the units that it names.

    `units` are the units in use with their tiers, `named` the pairs of pointer and unit code.
    """
    found = [
        _problem(pointer, "unknown_unit", f"没有在用单位 {unit}", f"no unit {unit} is in use")
        for pointer, unit in named
        if unit not in units
    ]
    return found + _level_problems(levels) + _contact_problems(contacts, units)


def _level_problems(levels: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    found, numbers = [], [rule["level"] for rule in levels]
    if len(set(numbers)) != len(numbers):
        found.append(_problem("/levels", "duplicate", "响应级别重复", "a level stands twice"))
    ordered = sorted(levels, key=lambda rule: rule["level"])
    for graver, lesser in itertools.pairwise(ordered):
        if graver["tier"] < lesser["tier"]:
            zh = f"{LEVELS[graver['level']]}级的启动层级低于{LEVELS[lesser['level']]}级"
            en = f"level {graver['level']} is left to a lower tier than level {lesser['level']}"
            found.append(_problem("/levels", "tiers_contradict", zh, en))
    return found


def _contact_problems(
    contacts: Sequence[Mapping[str, Any]], units: Mapping[str, int]
) -> list[FieldProblem]:
    found = [
        _problem("/contacts", "tier_missing", f"缺少第 {tier} 级联络", f"tier {tier} is missing")
        for tier in TIERS
        if all(contact["tier"] != tier for contact in contacts)
    ]
    for place, contact in enumerate(contacts):
        unit, role, tier = contact["unit"], contact["role"], contact["tier"]
        wrong_unit = unit is not None and units.get(unit, tier) != tier
        wrong_role = role is not None and ROLE_OF_TIER[tier] != role
        if wrong_unit or wrong_role:
            zh, en = f"不属于第 {tier} 级", f"is not of tier {tier}"
            found.append(_problem(f"/contacts/{place}", "wrong_tier", zh, en))
    return found


def _problem(pointer: str, code: str, zh: str, en: str) -> FieldProblem:
    return FieldProblem(pointer, code, zh, en)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a supply point has of an item, and what was issued and is not back."""

    balance: int
    outstanding: int


def moved(holding: Holding, kind: str, quantity: int) -> Holding:
    """The holding after a movement; a count states the balance, the others change it (17.3).

    Raises StockShort, ReturnExceedsIssue, StockTooLarge.
    """
    balance, outstanding = holding.balance, holding.outstanding
    if kind == "issue":
        if quantity > balance:
            raise StockShort(balance=balance, asked=quantity, pointer="/quantity", clause="17.3")
        after = Holding(balance - quantity, outstanding + quantity)
    elif kind == "return":
        if quantity > outstanding:
            raise ReturnExceedsIssue(asked=quantity, outstanding=outstanding, pointer="/quantity")
        after = Holding(balance + quantity, outstanding - quantity)
    elif kind == "count":
        after = Holding(quantity, outstanding)
    else:
        after = Holding(balance + quantity, outstanding)
    if max(after.balance, after.outstanding) > MOST_STOCK:
        raise StockTooLarge(limit=MOST_STOCK, pointer="/quantity")
    return after


@dataclass(frozen=True, slots=True)
class Travel:
    """A way of travelling: kilometres an hour, and how much longer the way is than straight."""

    speed_kmh: float
    detour_factor: float

    def minutes(self, straight_m: float) -> float:
        """Minutes to cover a straight distance in metres."""
        return straight_m * self.detour_factor / (self.speed_kmh * 1000 / 60)

    def reach_m(self, minutes: float) -> float:
        """The straight distance in metres that is covered in so many minutes."""
        return minutes * (self.speed_kmh * 1000 / 60) / self.detour_factor


class TrackFault(Enum):
    """Why a point of a track is not kept: code, Chinese, English."""

    UNDECLARED = ("crs_undeclared", "位置未声明坐标系 crs", "the point does not say its crs")
    BAD_POSITION = ("bad_position", "坐标无效", "the position is not valid")
    OUTSIDE = ("outside_county", "位置不在本县任何网格内", "the position is in no grid here")
    FUTURE = ("future_time", "时间晚于现在，请核对设备时钟", "the time lies in the future")
    BEFORE = (
        "before_activation",
        "时间早于应急响应启动，不采集",
        "the time is before the activation began",
    )


def time_fault(
    at: datetime, *, began: datetime, now: datetime, skew: timedelta
) -> TrackFault | None:
    """Why a point of that time is outside the activation; None when it is inside."""
    if at < began:
        return TrackFault.BEFORE
    return TrackFault.FUTURE if at > now + skew else None


def touching(area: str, areas: Collection[str]) -> bool:
    """Whether `area` lies in one of the areas, or one of them in it."""
    return any(area.startswith(code) or code.startswith(area) for code in areas)


def covering(area: str, activated: Collection[str]) -> bool:
    """Whether one of the activated areas contains `area`: "inside" is a prefix."""
    return any(area.startswith(prefix) for prefix in activated)
