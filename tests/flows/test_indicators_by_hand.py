"""Figures from sums are those of a plain look at every case, whatever happened and in which order.

Random lives with real commits: cases are reopened, voided, merged and followed up late, a
transaction stays open while others pass it, the clock moves, and the counting job runs at any
moment or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from service.auth.subject import Subject
from service.indicators.actions import read_indicators
from service.indicators.counting import count_indicators
from service.indicators.schemas import IndicatorQuery
from tests import figures
from tests.people import People

START = datetime(2026, 1, 20, 15, 0, tzinfo=UTC)
CATEGORIES = ("0101", "0102", "0502", "0601")
# Metres east of each other: within 100 m, just beyond, and in another cell of the look-up.
PLACES = tuple((107.86 + metres / 95_530, 31.0799) for metres in (0, 60, 99, 101, 180, 400))
SATISFACTION = (None, "satisfied", "neutral", "dissatisfied", "no_answer")
OUTCOMES = (None, "agreement", "withdrawal", "other")

STATES = ("assigned", "returned", "on_site", "handling", "suspended", "verifying", "void",
          "merged", "rejected")  # fmt: skip


class Dice:
    """Draws steps and questions; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._pick = self._random.choice

    def steps(self, many: int) -> list[tuple[Any, ...]]:
        """As lives go: reports, changes, waiting, and now and then a count."""
        kinds = self._random.choices(
            ("report", "change", "late", "commit", "wait", "count"), (5, 12, 1, 1, 2, 1), k=many
        )
        return [self._step(kind) for kind in kinds]

    def _step(self, kind: str) -> tuple[Any, ...]:
        if kind == "report":
            return kind, {
                "village": self._pick(range(4)), "category": self._pick(CATEGORIES),
                "place": self._pick(PLACES), "level": self._pick((1, 2, 3, 4)),
                "channel": self._pick(("grid_worker", "phone")),
                "drill": self._random.random() < 0.05,
            }  # fmt: skip
        if kind in ("change", "late"):
            return kind, self._pick(range(60)), self._change()
        if kind == "wait":
            return kind, timedelta(hours=self._random.expovariate(1 / 40))
        return kind, self._pick((1, 2, 5, 1_000))

    def _hours(self) -> timedelta:
        return timedelta(hours=self._random.uniform(-20, 120))

    def _change(self) -> dict[str, Any]:
        return self._pick((self._accepted, self._closed, self._closed, self._other))()

    def _accepted(self) -> dict[str, Any]:
        """Accepted, or reopened."""
        return {"state": "accepted", "accepted_at": "now", "closed_at": None,
                "satisfaction": None, "on_site_due": self._hours(),
                "finish_due": self._hours()}  # fmt: skip

    def _closed(self) -> dict[str, Any]:
        return self._pick((
            {"state": "closed", "closed_at": "now", "outcome": self._pick(OUTCOMES)},
            {"state": "followed_up", "satisfaction": self._pick(SATISFACTION)},
        ))  # fmt: skip

    def _other(self) -> dict[str, Any]:
        few = self._pick((0, 1, 2))
        return self._pick((
            {"state": self._pick(STATES)},
            {"state": "on_site", "arrived_at": "now"},
            {"assignments": few, "returns": self._pick((0, 1))},
            {"verifications": few, "failed_verifications": self._pick((0, 1))},
            {"finish_due": self._hours(), "suspended_seconds": few * 7200},
            {"finish_due": self._hours(), "extensions": 1},
        ))  # fmt: skip

    def question(self) -> dict[str, Any]:
        """Mostly of much: an area, a period, a category, parts."""
        return {
            "area": self._pick((0, 1, 4, 5, 6, 6, 6)),
            "category": self._pick((None, None, None, "01", "05", "0502")),
            "group_by": self._pick((None, "township", "village", "category", "month")),
            "first": self._pick((-5, 0, 1, 12, 25)), "days": self._pick((0, 3, 20, 40, 100)),
        }  # fmt: skip


class World:
    """A little county: its cases, its clock, and a transaction that is still open."""

    def __init__(self, url: str, villages: list[str], owner: asyncpg.Connection) -> None:
        self.villages, self.owner = villages, owner
        self.now = START
        self.cases: list[UUID] = []
        self.held: UUID | None = None
        self.writer: figures.Rows = psycopg.connect(url, autocommit=True)
        self.late: figures.Rows = psycopg.connect(url)

    async def do(self, step: tuple[Any, ...]) -> None:
        self.now += timedelta(minutes=7)
        if step[0] == "report":
            self._report(**step[1])
        elif step[0] == "wait":
            self.now += step[1]
        elif step[0] == "count":
            await count_indicators(self.owner, self.now, chunk=step[1])
        elif step[0] == "commit":
            self.commit()
        elif self.cases:
            self._change(step[0], self.cases[step[1] % len(self.cases)], step[2])

    def _report(self, village: int, place: tuple[float, float], **facts: Any) -> None:
        with self.writer.transaction():
            self.cases.append(figures.add(
                self.writer, self.now, self.villages[village], lon=place[0], lat=place[1], **facts
            ))  # fmt: skip

    def _change(self, how: str, case: UUID, columns: dict[str, Any]) -> None:
        if case == self.held or (how == "late" and self.held is not None):
            return
        found = {
            name: self.now if value == "now" else self.now + value
            if isinstance(value, timedelta) else value
            for name, value in columns.items()
        }  # fmt: skip
        if how == "late":
            self.held = case
            figures.change(self.late, case, self.now, **found)
        else:
            with self.writer.transaction():
                figures.change(self.writer, case, self.now, **found)

    def commit(self) -> None:
        self.late.commit()
        self.held = None

    def close(self) -> None:
        self.late.close()
        self.writer.close()

    def wanted(self, question: dict[str, Any]) -> tuple[IndicatorQuery, date, date]:
        village = self.villages[min(question["area"], 3)]
        area = {4: village[:9], 5: self.villages[0][:9], 6: village[:6]}.get(
            question["area"], village
        )
        group = question["group_by"]
        if group == "township" and len(area) > 9:
            group = "village"
        first = START.date() + timedelta(days=question["first"])
        last = first + timedelta(days=question["days"])
        asked = {"area": area, "from": first, "to": last, "category": question["category"],
                 "group_by": group}  # fmt: skip
        return IndicatorQuery.model_validate(asked), first, last


@pytest.fixture(scope="module")
def villages(database_url: str) -> list[str]:
    """Two villages of one township, two of another."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT code FROM (SELECT code, row_number() OVER (PARTITION BY left(code, 9)"
            " ORDER BY code) AS n FROM division WHERE level = 'village') v WHERE n <= 2"
            " ORDER BY code LIMIT 4"
        ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def auditor(app: FastAPI, people: People, villages: list[str]) -> Subject:
    found: Subject = await app.state.subjects.get(people.make(("auditor", villages[0][:6])).id)
    return found


def group_keys(asked: IndicatorQuery, rows: list[figures.Row]) -> dict[str, Any]:
    """What makes a case belong to each group that may be shown."""
    digits = {"township": 9, "village": 12}
    if asked.group_by in digits:
        width = digits[asked.group_by]
        codes = {row["village_code"][:width] for row in rows}
        return {code: (lambda r, c=code: r["village_code"].startswith(c)) for code in codes}
    if asked.group_by == "category":
        return {c: (lambda r, c=c: r["category_code"] == c) for c in CATEGORIES}
    return {}


async def check(app: FastAPI, auditor: Subject, world: World, question: dict[str, Any]) -> None:
    asked, first, last = world.wanted(question)
    answer = await read_indicators(app.state.db, auditor, asked, world.now)
    rows = figures.everything(world.writer)

    def chosen(row: figures.Row) -> bool:
        return bool(row["village_code"].startswith(asked.area or "")) and bool(
            row["category_code"].startswith(asked.category or "")
        )

    whole = figures.plainly(rows, first, last, world.now, chosen)
    assert figures.differences(answer["indicators"], whole) == []
    shown = {group["key"]: group["indicators"] for group in answer["groups"] or []}
    if asked.group_by == "month":
        for key, found in shown.items():
            start = date.fromisoformat(f"{key}-01")
            end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            month = figures.plainly(rows, max(start, first), min(end, last), world.now, chosen)
            assert figures.differences(found, month) == []
    for key, belongs in group_keys(asked, rows).items():
        part = figures.plainly(rows, first, last, world.now,
                               lambda r, b=belongs: chosen(r) and b(r))  # fmt: skip
        if key in shown:
            assert figures.differences(shown[key], part) == []
        else:
            assert not any(denominator for _, denominator in part.shares.values())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), many=st.integers(20, 250), more=st.integers(0, 40))
async def test_sums_and_a_plain_look_agree_at_any_moment(
    app: FastAPI, database_url: str, villages: list[str], owner: asyncpg.Connection,
    auditor: Subject, seed: int, many: int, more: int,
) -> None:  # fmt: skip
    await owner.execute("TRUNCATE incident, case_event, indicator_case, indicator_figure CASCADE")
    dice, world = Dice(seed), World(database_url, villages, owner)
    asked = [dice.question() for _ in range(4)]

    async def check_all() -> None:
        for question in asked:
            await check(app, auditor, world, question)

    try:
        for step in dice.steps(many):
            await world.do(step)
        await check_all()
        for step in dice.steps(more):
            await world.do(step)
        await check_all()
        world.commit()
        await check_all()
        await count_indicators(owner, world.now)
        await check_all()
    finally:
        world.close()
