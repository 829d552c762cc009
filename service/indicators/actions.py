"""Use cases of the figures: the catalogue, and the indicators of a period."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Database
from service.errors import Forbidden, NotFound
from service.indicators import store
from service.indicators.catalogue import Catalogue, load_catalogue
from service.indicators.errors import BadGrouping, BadPeriod, FiguresBehind
from service.indicators.rules import (
    LONGEST_YEARS,
    Tally,
    default_period,
    figure,
    spans,
    total,
    valid_period,
)
from service.indicators.schemas import IndicatorQuery
from service.kit import clock

# As much as a question adds up by itself; the job counts every minute.
MOST_BEHIND = 20_000
CODE_DIGITS = 4


def show_catalogue() -> dict[str, Any]:
    """Every indicator with its definition, clauses, formula and target."""
    catalogue = load_catalogue()
    return {
        "smallest_denominator": catalogue.smallest_denominator,
        "items": [indicator.shown for indicator in catalogue.indicators],
    }


async def read_indicators(
    db: Database, subject: Subject, asked: IndicatorQuery, now: datetime
) -> dict[str, Any]:
    """The indicators that `asked` names, as they stand at `now`.

    Raises Forbidden, NotFound (an area out of scope), BadPeriod, BadGrouping, FiguresBehind.
    """
    areas = _areas(subject, asked.area)
    first, last = _period(asked, now)
    known = await store.names(db.reads, areas)
    if asked.area is not None and asked.area not in known:
        raise NotFound
    rows, labels = await _parts(db, areas, asked)
    categories = await _categories(db, asked)
    if await store.events_behind(db.reads, MOST_BEHIND + 1) > MOST_BEHIND:
        raise FiguresBehind
    question = store.Question(
        actor=subject.account_id,
        areas=areas,
        rows=rows,
        categories=[store.EVERY_CATEGORY] if categories is None else list(categories),
        spans=spans(first, last),
        group_by=asked.group_by,
        now=now,
    )
    found = await store.tallies(db.reads, question)
    catalogue = load_catalogue()
    return {
        "areas": [{"code": code, "name": known.get(code, code)} for code in areas],
        "from": first,
        "to": last,
        "category": asked.category,
        "group_by": asked.group_by,
        "as_of": now,
        "smallest_denominator": catalogue.smallest_denominator,
        "indicators": [
            {**i.shown, **f}
            for i, f in zip(
                catalogue.indicators, _figures(catalogue, total(list(found.values()))), strict=True
            )
        ],
        "groups": _groups(catalogue, found, labels or categories) if asked.group_by else None,
    }


def _areas(subject: Subject, area: str | None) -> list[str]:
    """The areas to add up: the one asked for, or all of the caller's."""
    prefixes = subject.area_prefixes(Permission.INDICATOR_READ)
    if not prefixes:
        raise Forbidden
    if area is None:
        return list(prefixes)
    if not subject.may_in(Permission.INDICATOR_READ, area):
        raise NotFound
    return [area]


def _period(asked: IndicatorQuery, now: datetime) -> tuple[date, date]:
    """The days asked for; a side left out is that of this month up to today."""
    first, last = default_period(clock.local(now).date())
    first = asked.first or min(first, asked.last or first)
    last = asked.last or max(last, first)
    if not valid_period(first, last):
        raise BadPeriod(pointer="/to", years=LONGEST_YEARS)
    return first, last


async def _parts(
    db: Database, areas: list[str], asked: IndicatorQuery
) -> tuple[list[str], dict[str, str]]:
    """The areas whose sums are read, and their names when the groups are areas."""
    digits = store.DIGITS.get(asked.group_by or "")
    if digits is None:
        return areas, {}
    for area in areas:
        if len(area) > digits:
            raise BadGrouping(pointer="/group_by", area=area, group_by=asked.group_by)
    labels = await store.parts(db.reads, areas, digits)
    return list(labels), labels


async def _categories(db: Database, asked: IndicatorQuery) -> dict[str, str] | None:
    """Code to name of the categories that are read one by one; None for all at once."""
    if asked.group_by != "category" and asked.category is None:
        return None
    return await store.categories(db.reads, asked.category or "")


def _figures(catalogue: Catalogue, tally: Tally) -> list[dict[str, Any]]:
    smallest = catalogue.smallest_denominator
    return [figure(indicator, tally, smallest) for indicator in catalogue.indicators]


def _groups(
    catalogue: Catalogue, found: Mapping[str, Tally], labels: Mapping[str, str] | None
) -> list[dict[str, Any]]:
    """The figures of each part that has any case, in the order of their keys."""
    names = labels or {}
    return [
        {"key": key, "name": names.get(key, key), "indicators": _figures(catalogue, found[key])}
        for key in sorted(found)
    ]
