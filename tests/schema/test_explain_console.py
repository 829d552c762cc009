"""The console's statements walk open cases, and events in commit order, however long the history.

As in `test_explain`: the service's own statements, under its role, costs in pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import ClientCursor

from service.auth.subject import Subject
from service.db import WRITER_ROLE
from service.dispatch import store
from service.dispatch.store import Wanted
from service.kit import clock
from tests.bench import bulk
from tests.schema.plans import MODES, Plan, _flat, explain, loaded, of_every_reach

pytestmark = pytest.mark.xdist_group("million")

LONG, SHORT, OPENS = 980_000, 10_000, 20_000
PAGE = 51
ALL_TIERS = (1, 2, 3, 4)
UNIT = "bench-unit-3"


@dataclass(frozen=True)
class Console:
    """A database with open cases after a history, and callers of every reach."""

    url: str
    callers: dict[str, Subject]
    now: datetime

    def plan(self, caller: str, wanted: Wanted, mode: str, *, deep: bool = False) -> Plan:
        """The plan of a page of 50 (and one to see whether there is more)."""
        subject = self.callers[caller]
        after = (self._middle(), UUID(int=0)) if deep else None
        found = store.queue_query(subject, wanted, self.now, after, PAGE)
        assert found is not None
        return explain(self.url, found[0], subject.account_id, found[1], mode)

    def counts(self, caller: str, mode: str) -> Plan:
        """The plan of the counts."""
        subject = self.callers[caller]
        found = store.counts_query(subject, Wanted(tiers=ALL_TIERS), self.now)
        assert found is not None
        return explain(self.url, found[0], subject.account_id, found[1], mode)

    def _middle(self) -> str:
        return (self.now + timedelta(days=1)).astimezone(UTC).isoformat()


def _console(url: str, base: datetime) -> Console:
    with psycopg.connect(url, autocommit=True) as connection:
        for table, key in (("incident", "id"), ("open_incident", "incident_id")):
            connection.execute(
                f"UPDATE {table} SET co_units = %s WHERE {key} IN (SELECT incident_id FROM"
                " open_incident WHERE unit_code IS NULL ORDER BY incident_id LIMIT 30)",
                ([UNIT],),
            )
        connection.execute("VACUUM (ANALYZE) open_incident")
    return Console(url, of_every_reach(url), base)


@pytest.fixture(scope="module")
def base() -> datetime:
    return clock.now()


@pytest.fixture(scope="module")
def million(template_database: str, base: datetime) -> Iterator[Console]:
    amount = bulk.Amount(LONG, opens=OPENS, closed_per_event=25)
    with loaded(template_database, amount, base) as url:
        yield _console(url, base)


@pytest.fixture(scope="module")
def young(template_database: str, base: datetime) -> Iterator[Console]:
    with loaded(template_database, bulk.Amount(SHORT, opens=OPENS), base) as url:
        yield _console(url, base)


TOWNSHIP, DUE = "ix_open_incident_township", "ix_open_incident_due"
# The county's own tier holds one open case in fifty: to read them all may be the shorter way.
SCAN = "the open cases alone"
KEYS = {"pk_incident", "pk_open_incident"}
MANY = Wanted(tiers=ALL_TIERS)
# Who asks for what; the indexes that may answer; the most pages it may touch. A page's cases lie
# on as many pages of the incidents; a worker's grids are found among its township's open cases.
CASES: list[tuple[str, str, Wanted, set[str], int]] = [
    ("worker", "own tier", Wanted(), {TOWNSHIP}, 2_000),
    ("village", "own tier", Wanted(), {TOWNSHIP}, 2_000),
    ("township", "own tier", Wanted(), {TOWNSHIP}, 2_000),
    ("county", "own tier", Wanted(), {DUE, SCAN}, 6_000),
    ("unit", "own tier", Wanted(), {"ix_open_incident_unit", "ix_open_incident_co_units"}, 500),
    ("township", "all tiers", MANY, {TOWNSHIP}, 300),
    ("county", "all tiers", MANY, {DUE}, 300),
    ("township", "green", Wanted(tiers=ALL_TIERS, colours=("green",)), {TOWNSHIP}, 1_000),
    # What is supervised comes before what is red: at worst all that is open is walked.
    ("county", "red", Wanted(tiers=ALL_TIERS, colours=("red",)), {DUE}, OPENS),
    ("county", "submitted", Wanted(tiers=ALL_TIERS, states=("submitted",)), {DUE}, 3_000),
    ("county", "a village", Wanted(tiers=ALL_TIERS), {DUE}, 300),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("caller", "name", "wanted", "indexes", "most_pages"),
    CASES,
    ids=[f"{c[0]} {c[1]}" for c in CASES],
)
def test_a_page_of_the_queue_walks_the_open_cases_by_their_due_time(
    million: Console,
    caller: str,
    name: str,
    wanted: Wanted,
    indexes: set[str],
    most_pages: int,
    mode: str,
) -> None:
    plan = million.plan(caller, wanted, mode)
    used = plan.indexes | ({SCAN} if "open_incident" in plan.read_through else set())
    assert not plan.read_through & {"incident", "case_event"}
    assert used <= indexes | KEYS
    assert used & indexes
    assert plan.pages <= most_pages
    assert plan.rows > 0


@pytest.mark.parametrize("caller", ["worker", "village", "township", "county", "unit"])
def test_the_queue_costs_the_same_after_a_long_history(
    million: Console, young: Console, caller: str
) -> None:
    for deep in (False, True):
        after = million.plan(caller, MANY, MODES[0], deep=deep)
        before = young.plan(caller, MANY, MODES[0], deep=deep)
        assert after.rows == before.rows
        assert after.pages <= before.pages * 1.2 + 20
    after, before = million.counts(caller, MODES[0]), young.counts(caller, MODES[0])
    assert after.pages <= before.pages * 1.2 + 20


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("caller", ["worker", "village", "township", "county", "unit"])
def test_counts_read_the_open_cases_alone(million: Console, caller: str, mode: str) -> None:
    plan = million.counts(caller, mode)
    tables = {node["Relation Name"] for node in plan.nodes if "Relation Name" in node}
    assert tables <= {"open_incident"}
    assert plan.pages <= 3_000
    assert plan.first == "actor"


@pytest.mark.parametrize("mode", MODES)
def test_the_unit_finds_what_it_helps_with(million: Console, mode: str) -> None:
    helped = million.plan("unit", Wanted(), mode)
    assert helped.rows == PAGE
    assert helped.first == "actor"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("statement", ["after", "last"])
def test_events_are_followed_by_their_commits(million: Console, statement: str, mode: str) -> None:
    """As the follower plans it: neither the history of events nor of cases is read through."""
    with psycopg.connect(million.url, autocommit=True, cursor_factory=ClientCursor) as connection:
        top = connection.execute(
            "SELECT xact::text, id FROM case_event ORDER BY xact DESC, id DESC OFFSET 20 LIMIT 1"
        ).fetchone()
        assert top is not None
        connection.execute("SELECT pg_current_xact_id()")
        connection.execute(f"SET ROLE {WRITER_ROLE}")
        connection.execute("SET jit = off")
        connection.execute(f"SET plan_cache_mode = {mode}")
        query = store.EVENTS_AFTER if statement == "after" else store.LAST_EVENTS
        arguments: list[Any] = [*top, 1_000] if statement == "after" else [20]
        connection.execute(f"PREPARE followed AS {query}")
        run = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE followed ({})".format(
            ", ".join(["%s"] * len(arguments))
        )
        connection.execute(run, arguments)
        (found,) = connection.execute(run, arguments).fetchone() or ([],)
    nodes = list(_flat(found[0]["Plan"]))
    plan = Plan(found[0]["Plan"]["Actual Rows"], found[0]["Plan"]["Shared Hit Blocks"], nodes)
    assert plan.rows == 20
    assert plan.indexes == {"ix_case_event_commit", "pk_incident"}
    assert not plan.read_through
    assert plan.pages <= 300
