"""Hot statements use their indexes under row-level security, with a million incidents stored.

The statements are the service's own, prepared and run under its role; both kinds of plan that a
prepared statement may get are looked at. Cost is counted in pages, which do not depend on the
machine. The bulk has no chains and few events: see `tests.bench.bulk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import WRITER_ROLE
from service.incidents import store
from service.incidents.case import INCIDENTS
from service.incidents.policies.simulating import REACH
from service.incidents.policies.store import HISTORIES
from service.incidents.store import Filters
from service.incidents.sweeping import BATCH
from service.kit import clock
from service.kit.timeline import EVENTS
from tests.bench import bulk
from tests.schema.plans import (
    MODES,
    Plan,
    explain,
    explain_writing,
    loaded,
    make_subject,
    of_every_reach,
)

pytestmark = pytest.mark.xdist_group("million")

LONG, SHORT, OPENS = 980_000, 10_000, 20_000
PAGE = 51


@dataclass(frozen=True)
class History:
    """A database with a history, and callers of every reach in it."""

    url: str
    callers: dict[str, Subject]
    box: tuple[float, float, float, float]
    deep: tuple[datetime, UUID]

    def list_plan(self, caller: str, filters: Filters, mode: str, *, deep: bool = False) -> Plan:
        """The plan of a page of 50 (and one to see whether there is more)."""
        subject = self.callers[caller]
        found = store.list_query(subject, filters, self.deep if deep else None, PAGE)
        assert found is not None
        return explain(self.url, found[0], subject.account_id, found[1], mode)


KINDS = ["incident"]


def _history(url: str, closed: int) -> History:
    callers = of_every_reach(url)
    village = callers["village"].grants[0].area
    middle = "SELECT ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM division WHERE code = %s"
    half_way = "SELECT reported_at, id FROM incident ORDER BY reported_at DESC OFFSET %s LIMIT 1"
    with psycopg.connect(url) as connection:
        lon, lat = connection.execute(middle, (village,)).fetchone() or (0.0, 0.0)
        deep = connection.execute(half_way, (closed // 2,)).fetchone()
    assert deep is not None
    return History(url, callers, (lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01), deep)


@pytest.fixture(scope="module")
def base() -> datetime:
    return clock.now()


@pytest.fixture(scope="module")
def million(template_database: str, base: datetime) -> Iterator[History]:
    amount = bulk.Amount(LONG, opens=OPENS, closed_per_event=25)
    with loaded(template_database, amount, base) as url:
        yield _history(url, LONG)


@pytest.fixture(scope="module")
def young(template_database: str, base: datetime) -> Iterator[History]:
    with loaded(template_database, bulk.Amount(SHORT, opens=OPENS), base) as url:
        yield _history(url, SHORT)


# Who asks for what; the indexes that may answer; the most pages it may touch. Fifty rows lie on
# fifty pages; the branches of a worker's grids are read apart and joined again by their ids.
# A category holds one case in sixty, so a page of it is found within some three thousand rows.
CASES = [
    ("worker", "open", {"ix_incident_grid_open", "pk_incident"}, 600),
    ("village", "open", {"ix_incident_village_open"}, 120),
    ("township", "open", {"ix_incident_township_open"}, 120),
    ("county", "open", {"ix_incident_open"}, 120),
    ("unit", "open", {"ix_incident_unit_open"}, 120),
    ("worker", "all", {"ix_incident_grid", "pk_incident"}, 600),
    ("village", "all", {"ix_incident_village"}, 120),
    ("township", "all", {"ix_incident_township"}, 120),
    ("county", "all", {"ix_incident_reported"}, 200),
    ("unit", "all", {"ix_incident_unit"}, 120),
    ("township", "closed", {"ix_incident_township"}, 1_000),
    ("county", "closed", {"ix_incident_reported"}, 1_000),
    ("worker", "deep", {"ix_incident_grid", "pk_incident"}, 600),
    ("village", "deep", {"ix_incident_village"}, 120),
    ("township", "deep", {"ix_incident_township"}, 120),
    ("county", "deep", {"ix_incident_reported"}, 120),
    ("unit", "deep", {"ix_incident_unit"}, 120),
    ("township", "submitted", {"ix_incident_township_open"}, 2_500),
    ("county", "submitted", {"ix_incident_open"}, 2_500),
    ("township", "category", {"ix_incident_township"}, 5_000),
    ("county", "category", {"ix_incident_reported"}, 5_000),
    ("county", "number", {"uq_incident_number"}, 20),
    ("village", "box", {"ix_incident_village"}, 1_000),
    ("township", "box", {"ix_incident_cell", "pk_incident"}, 2_500),
    ("county", "box", {"ix_incident_cell", "pk_incident"}, 2_500),
    ("township", "open box", {"ix_incident_township_open"}, 3_000),
    ("county", "open box", {"ix_incident_open"}, 6_000),
]
SHORT_OF_A_PAGE = {"number": 0, "submitted": 1, "open box": 1}


def _filters(kind: str, history: History) -> Filters:
    return {
        "open": Filters(open_only=True),
        "all": Filters(),
        "deep": Filters(),
        "closed": Filters(states=["closed"]),
        "submitted": Filters(states=["submitted"]),
        "category": Filters(category="0601"),
        "number": Filters(number="511723-261123-0000001"),
        "box": Filters(bbox=history.box),
        "open box": Filters(bbox=history.box, open_only=True),
    }[kind]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("caller", "kind", "indexes", "most_pages"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES]
)
def test_a_list_is_answered_by_its_index(
    million: History, caller: str, kind: str, indexes: set[str], most_pages: int, mode: str
) -> None:
    plan = million.list_plan(caller, _filters(kind, million), mode, deep=kind == "deep")
    assert not plan.read_through & {"incident", "case_event"}
    assert plan.indexes <= indexes
    assert plan.pages <= most_pages
    assert plan.sorted_rows <= PAGE * 64
    assert plan.rows >= SHORT_OF_A_PAGE.get(kind, PAGE)


@pytest.mark.parametrize("caller", ["worker", "village", "township", "county", "unit"])
def test_a_page_of_open_cases_costs_the_same_after_a_long_history(
    million: History, young: History, caller: str
) -> None:
    wanted = Filters(open_only=True)
    after = million.list_plan(caller, wanted, MODES[0])
    before = young.list_plan(caller, wanted, MODES[0])
    assert after.rows == before.rows
    assert after.pages <= before.pages * 1.2 + 10


@pytest.mark.parametrize("mode", MODES)
def test_one_incident_and_its_timeline_are_found_by_their_keys(million: History, mode: str) -> None:
    township = million.callers["township"]
    with psycopg.connect(million.url) as connection:
        query = "SELECT id FROM incident WHERE is_open AND township_code = %s LIMIT 1"
        (case,) = connection.execute(query, (township.grants[0].area,)).fetchone() or (None,)
    one = explain(million.url, store.ONE, township.account_id, [case], mode)
    assert one.rows == 1
    assert one.indexes <= {"pk_incident", "pk_incident_contact"}
    timeline = explain(million.url, EVENTS, township.account_id, [case, KINDS], mode)
    assert timeline.rows == 1
    assert "uq_case_event_case_id_seq" in timeline.indexes
    for plan in (one, timeline):
        assert not plan.read_through & {"incident", "case_event"}
        assert plan.pages <= 40


@pytest.mark.parametrize("statement", [store.CASES, INCIDENTS.update_sql], ids=["decide", "store"])
def test_actions_find_their_cases_by_their_keys(million: History, statement: str) -> None:
    """As the writer plans it: once, for whatever arrays will come."""
    with psycopg.connect(million.url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {WRITER_ROLE}")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE acting AS {statement}")
        query = "SELECT cardinality(parameter_types) FROM pg_prepared_statements"
        (number,) = connection.execute(query).fetchone() or (0,)
        nothing = ", ".join(["NULL"] * number)
        rows = connection.execute(f"EXPLAIN EXECUTE acting ({nothing})").fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Index Scan using pk_incident" in plan
    assert "Seq Scan on incident" not in plan
    assert "Seq Scan on case_event" not in plan


@pytest.mark.parametrize("mode", MODES)
def test_every_statement_names_its_actor_before_it_reads_a_row(million: History, mode: str) -> None:
    for caller, subject in million.callers.items():
        assert million.list_plan(caller, Filters(), mode).first == "actor"
        for query, more in ((store.ONE, []), (EVENTS, [KINDS])):
            plan = explain(million.url, query, subject.account_id, [uuid4(), *more], mode)
            assert plan.first == "actor"


def sweep_plan(history: History, now: datetime) -> Plan:
    """How a sweep at `now` finds its next cases."""
    return explain_writing(history.url, store.ALARMED, [now, BATCH])


# Per case its alarm, its row in the projection, three pages down the key, its row and its lock.
PAGES_AN_ALARM = 8


def test_a_sweep_reads_what_is_due_by_its_alarm_however_long_the_history_is(
    million: History, young: History, base: datetime
) -> None:
    after, before = sweep_plan(million, base), sweep_plan(young, base)
    for plan in (after, before):
        assert plan.rows == BATCH
        assert plan.indexes == {"ix_open_incident_alarm", "pk_incident"}
        assert not plan.read_through
        assert plan.pages <= BATCH * PAGES_AN_ALARM
    # The key of a hundred times as many cases may be one page deeper.
    assert after.pages <= before.pages * 1.2 + BATCH


def test_a_sweep_that_finds_nothing_due_costs_next_to_nothing(
    million: History, base: datetime
) -> None:
    plan = sweep_plan(million, base - timedelta(days=3_650))
    assert (plan.rows, plan.read_through) == (0, set())
    assert plan.pages <= 5


# Per case its row, three pages down the index to its events, and their row.
PAGES_A_CASE = 8


@pytest.mark.parametrize("digits", [6, 9, 12, 15])
@pytest.mark.parametrize("last", [100, 10_000])
def test_a_simulation_reads_the_newest_cases_of_its_area_and_no_others(
    million: History, digits: int, last: int
) -> None:
    """The function's own plans do not show; the pages that it touches do."""
    area = million.callers["worker"].grants[0].area
    administrator = make_subject(million.url, Grant(Role.ADMINISTRATOR, area[:6]))
    asked = [area[:digits], None, last, REACH]
    plan = explain(million.url, HISTORIES, administrator.account_id, asked, MODES[0])
    assert 100 <= plan.rows <= last
    assert plan.pages <= plan.rows * PAGES_A_CASE + 200
    dispatcher = million.callers["county"]
    assert explain(million.url, HISTORIES, dispatcher.account_id, asked, MODES[0]).rows == 0


def test_a_simulation_of_a_rare_category_looks_no_further_than_its_reach(
    million: History,
) -> None:
    area = million.callers["county"].grants[0].area
    administrator = make_subject(million.url, Grant(Role.ADMINISTRATOR, area))
    near, far = (
        explain(million.url, HISTORIES, administrator.account_id, [area, "9999", 10_000, reach],
                MODES[0])
        for reach in (REACH // 100, REACH)
    )  # fmt: skip
    assert near.rows == far.rows == 0
    assert near.pages <= REACH // 100 * 2 + 200
    assert far.pages <= REACH * 2 + 200
