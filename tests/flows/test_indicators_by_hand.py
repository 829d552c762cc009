"""Figures from sums are those of a plain look at every case, whatever happened and in which order.

Random lives with real commits: cases are reopened, voided, merged and followed up late, a
transaction stays open while others pass it, the clock moves, and the counting job runs at any
moment or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
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

hours = st.integers(-30, 300).map(lambda n: timedelta(hours=n))
which = st.integers(0, 30)
reports = st.fixed_dictionaries({
    "village": st.integers(0, 3), "category": st.sampled_from(CATEGORIES),
    "place": st.sampled_from(PLACES), "level": st.integers(1, 4),
    "channel": st.sampled_from(("grid_worker", "phone")), "drill": st.just(False) | st.booleans(),
})  # fmt: skip
changes = st.one_of(
    st.fixed_dictionaries({"state": st.just("accepted"), "accepted_at": st.just("now"),
                           "on_site_due": hours, "finish_due": hours}),
    st.fixed_dictionaries({"state": st.just("assigned"), "assignments": st.integers(0, 3)}),
    st.fixed_dictionaries({"state": st.just("returned"), "returns": st.integers(0, 2)}),
    st.fixed_dictionaries({"state": st.just("on_site"), "arrived_at": st.just("now")}),
    st.fixed_dictionaries({"verifications": st.integers(0, 2),
                           "failed_verifications": st.integers(0, 2)}),
    st.fixed_dictionaries({"state": st.just("suspended")}),
    st.fixed_dictionaries({"state": st.just("handling"), "finish_due": hours,
                           "suspended_seconds": st.integers(0, 9).map(lambda n: n * 7200)}),
    st.fixed_dictionaries({"finish_due": hours, "extensions": st.just(1)}),
    st.fixed_dictionaries({"state": st.just("closed"), "closed_at": st.just("now"),
                           "outcome": st.sampled_from(OUTCOMES)}),
    st.fixed_dictionaries({"state": st.just("followed_up"),
                           "satisfaction": st.sampled_from(SATISFACTION)}),
    st.fixed_dictionaries({"state": st.just("accepted"), "closed_at": st.none(),
                           "satisfaction": st.none()}),
    st.fixed_dictionaries({"state": st.sampled_from(("void", "merged", "rejected"))}),
)  # fmt: skip
steps = st.one_of(
    st.tuples(st.just("report"), reports),
    st.tuples(st.just("change"), which, changes),
    st.tuples(st.just("change"), which, changes),
    st.tuples(st.just("late"), which, changes),
    st.tuples(st.just("commit")),
    st.tuples(st.just("wait"), st.integers(1, 400).map(lambda n: timedelta(hours=n))),
    st.tuples(st.just("count"), st.integers(1, 5)),
)
questions = st.fixed_dictionaries({
    "area": st.integers(0, 6), "category": st.sampled_from((None, "01", "05", *CATEGORIES)),
    "group_by": st.sampled_from((None, "township", "village", "category", "month")),
    "first": st.integers(-5, 70), "days": st.integers(0, 100),
})  # fmt: skip


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


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
@given(
    lives=st.lists(steps, min_size=15, max_size=60),
    asked=st.lists(questions, min_size=2, max_size=4),
    after=st.lists(steps, max_size=15),
)
async def test_sums_and_a_plain_look_agree_at_any_moment(
    app: FastAPI, database_url: str, villages: list[str], owner: asyncpg.Connection,
    auditor: Subject, lives: list[Any], asked: list[Any], after: list[Any],
) -> None:  # fmt: skip
    await owner.execute("TRUNCATE incident, case_event, indicator_case, indicator_figure CASCADE")
    world = World(database_url, villages, owner)
    try:
        for step in lives:
            await world.do(step)
        for question in asked:
            await check(app, auditor, world, question)
        for step in after:
            await world.do(step)
        for question in asked:
            await check(app, auditor, world, question)
        world.commit()
        for question in asked:
            await check(app, auditor, world, question)
        await count_indicators(owner, world.now)
        for question in asked:
            await check(app, auditor, world, question)
        assert await owner.fetchval("SELECT count(*) FROM indicator_figure WHERE due < 0") == 0
    finally:
        world.close()
