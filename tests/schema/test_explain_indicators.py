"""A question about figures costs what its period and its parts are, not what the history is.

Under row-level security, with both kinds of plan; cost is counted in pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.auth.subject import Subject
from service.indicators import store
from service.indicators.counting import ENDED, EVENTS
from service.indicators.rules import spans
from service.indicators.store import FIGURES, GroupBy
from service.kit import clock
from tests.bench import bulk
from tests.schema.plans import MODES, Plan, explain, loaded, of_every_reach

LONG, SHORT, OPENS = 40_000, 10_000, 2_000


@dataclass(frozen=True)
class Counted:
    """A database whose cases are counted, and callers of every reach in it."""

    url: str
    callers: dict[str, Subject]
    now: datetime

    def column(self, query: str, *values: Any) -> list[str]:
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute(query, values)]

    def plan(self, caller: str, group_by: GroupBy | None, mode: str, *, days: int) -> Plan:
        """The plan of the last `days` days, as the service asks."""
        subject = self.callers[caller]
        area = subject.grants[0].area
        rows = [area]
        if digits := store.DIGITS.get(group_by or ""):
            rows = self.column(
                "SELECT code FROM division WHERE starts_with(code, %s) AND length(code) = %s",
                area, digits,
            )  # fmt: skip
        kinds = [""]
        if group_by == "category":
            kinds = self.column("SELECT DISTINCT code FROM category WHERE length(code) = 4")
        last = clock.local(self.now).date()
        s = spans(last - timedelta(days=days), last)
        ranges: list[date] = [*s.months, *s.before, *s.after]
        arguments = [rows, [area], kinds, *ranges, self.now]
        return explain(self.url, FIGURES[group_by], subject.account_id, arguments, mode)


def _counted(url: str, base: datetime) -> Counted:
    with psycopg.connect(url, autocommit=True) as connection:
        bulk.count_figures(connection, base)
    return Counted(url, of_every_reach(url), base)


@pytest.fixture(scope="module")
def base() -> datetime:
    return clock.now()


@pytest.fixture(scope="module")
def long(template_database: str, base: datetime) -> Iterator[Counted]:
    with loaded(template_database, bulk.Amount(LONG, opens=OPENS), base) as url:
        yield _counted(url, base)


@pytest.fixture(scope="module")
def short(template_database: str, base: datetime) -> Iterator[Counted]:
    with loaded(template_database, bulk.Amount(SHORT, opens=OPENS), base) as url:
        yield _counted(url, base)


# Who asks by what, and the most pages of 26 days and, for each part, some 30 rows.
CASES: list[tuple[str, GroupBy | None, int]] = [
    ("village", None, 100),
    ("township", None, 100),
    ("county", None, 100),
    ("county", "month", 100),
    ("county", "township", 500),
    ("county", "category", 2_500),
    ("county", "village", 5_500),
    ("township", "village", 800),
    ("village", "category", 2_500),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("caller", "group_by", "most"), CASES)
def test_figures_are_read_by_their_key(
    long: Counted, caller: str, group_by: GroupBy | None, most: int, mode: str
) -> None:
    plan = long.plan(caller, group_by, mode, days=26)
    assert plan.first == "actor"
    assert plan.indexes == {"pk_indicator_figure"}
    assert not plan.read_through & {"indicator_figure", "incident", "case_event"}
    assert plan.pages <= most
    assert plan.rows >= 1


@pytest.mark.parametrize("group_by", [None, "township", "category"])
def test_the_same_question_costs_the_same_after_a_longer_history(
    long: Counted, short: Counted, group_by: GroupBy | None
) -> None:
    after = long.plan("county", group_by, MODES[0], days=5)
    before = short.plan("county", group_by, MODES[0], days=5)
    assert after.rows == before.rows
    assert after.pages <= before.pages * 1.5 + 50


def test_a_year_is_months_and_not_more_than_the_days_of_two(long: Counted) -> None:
    """A whole history by one row a month, and a row a day around."""
    short, whole = (long.plan("county", None, MODES[0], days=n) for n in (26, 1_000))
    assert whole.pages <= short.pages + 100


def test_the_job_finds_new_events_and_ended_limits_by_their_indexes(long: Counted) -> None:
    found = {EVENTS: "ix_case_event_commit", ENDED: "ix_indicator_case_next_at"}
    with psycopg.connect(long.url, autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        for number, (query, index) in enumerate(found.items()):
            connection.execute(f"PREPARE job{number} AS {query}")
            nothing = "NULL, NULL, NULL, NULL" if query == EVENTS else "NULL, NULL"
            rows = connection.execute(f"EXPLAIN EXECUTE job{number} ({nothing})").fetchall()
            plan = "\n".join(row[0] for row in rows)
            assert index in plan
            assert "Seq Scan" not in plan


def test_what_is_not_counted_yet_is_found_without_reading_what_is(long: Counted) -> None:
    with psycopg.connect(long.url) as connection:
        connection.execute("SET LOCAL jit = off")
        connection.execute("SELECT set_config('gridward.actor', %s, true)",
                           (str(long.callers["county"].account_id),))  # fmt: skip
        connection.execute(
            "INSERT INTO case_event (case_kind, case_id, seq, event, action, clauses, recorded_at,"
            " occurred_at, payload, prev_hash, hash) SELECT 'incident', id, 99, 'x', 'x', '{}',"
            " now(), now(), '{}', '', '' FROM (SELECT id FROM incident LIMIT 20) AS i"
        )
        before = connection.execute(TOUCHED).fetchall()
        rows = connection.execute("SELECT * FROM gw_indicator_tail(%s)", (long.now,)).fetchall()
        after = connection.execute(TOUCHED).fetchall()
        assert rows
        for (table, *past), (_, *present) in zip(before, after, strict=True):
            scanned, fetched = (int(b) - int(a) for a, b in zip(past, present, strict=True))
            assert scanned == 0, table
            assert fetched <= 2_000, table
        connection.rollback()


TOUCHED = """
SELECT relname, seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables
WHERE relname IN ('incident', 'case_event', 'indicator_case') ORDER BY relname
"""
