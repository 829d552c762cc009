"""What finds sub-orders, calls and duplicates uses its index, whatever else is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import APP_ROLE
from service.incidents.together import store
from service.kit import clock
from tests.bench import bulk
from tests.schema.plans import MODES, explain, loaded, make_subject, of_every_reach

pytestmark = pytest.mark.xdist_group("million")

CLOSED, OPEN = 60_000, 20_000
UNIT, ORDERS = "bench-unit-7", 40
# Every 500th open case has a sub-order to the unit: a small part of what is open.
GIVE = """
WITH chosen AS (
  SELECT id FROM incident WHERE is_open AND unit_code IS DISTINCT FROM %(unit)s
  ORDER BY id LIMIT %(many)s
), given AS (
  UPDATE incident i SET co_units = ARRAY[%(unit)s], sub_orders = jsonb_build_array(
    jsonb_build_object('id', i.id, 'unit', %(unit)s::text, 'state', 'issued'))
  FROM chosen WHERE i.id = chosen.id RETURNING i.id, i.co_units
)
UPDATE open_incident o SET co_units = g.co_units FROM given g WHERE o.incident_id = g.id
"""
INSIDE = (
    "SELECT o.incident_id FROM open_incident o"
    " WHERE o.co_units <> '{}' AND o.co_units && ARRAY['bench-unit-7']"
)


@dataclass(frozen=True)
class Stock:
    """A database with a history, callers in it, and a case amid many others."""

    url: str
    callers: dict[str, Subject]
    case: dict[str, Any]


@pytest.fixture(scope="module")
def stock(template_database: str) -> Iterator[Stock]:
    with loaded(template_database, bulk.Amount(CLOSED, opens=OPEN), clock.now()) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(GIVE, {"unit": UNIT, "many": ORDERS})
            connection.execute("ANALYZE incident, open_incident")
            connection.execute("VACUUM open_incident")
        callers = of_every_reach(url)
        county = callers["county"].grants[0].area
        callers["co"] = make_subject(url, Grant(Role.UNIT_HANDLER, county, UNIT))
        yield Stock(url, callers, _case(url, callers["worker"].grants[0].area))


def _case(url: str, grid: str) -> dict[str, Any]:
    columns = ("id", "category_code", "reported_at", "declined_ids", "concerns_unit", "lon", "lat")
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT id, category_code, reported_at, declined_ids, concerns_unit, ST_X(location),"
            " ST_Y(location) FROM incident WHERE grid_code = %s ORDER BY reported_at DESC LIMIT 1",
            (grid,),
        ).fetchone()
    assert row is not None
    return dict(zip(columns, row, strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_a_units_sub_orders_are_found_by_the_index_and_read_by_their_keys(
    stock: Stock, mode: str
) -> None:
    arguments: list[Any] = [[UNIT], None, None, 51]
    plan = explain(stock.url, store.SUB_ORDERS, stock.callers["co"].account_id, arguments, mode)
    assert plan.rows == ORDERS
    assert plan.indexes == {"pk_incident"}
    assert not plan.read_through & {"incident", "open_incident"}
    # The pages of the function count too: of open cases alone there are many times as many.
    assert plan.pages <= 8 * ORDERS
    assert plan.first == "actor"


def test_inside_the_function_the_index_of_arrays_is_used(stock: Stock) -> None:
    with psycopg.connect(stock.url) as connection:
        rows = connection.execute(f"EXPLAIN {INSIDE}").fetchall()
    text = "\n".join(row[0] for row in rows)
    assert "ix_open_incident_co_units" in text
    assert "Index Cond: (co_units &&" in text
    assert "Seq Scan" not in text


def test_under_row_level_security_alone_the_index_would_not_select(stock: Stock) -> None:
    """Why there is a function: asked directly, the operator is no condition of the index."""
    with psycopg.connect(stock.url) as connection:
        connection.execute(f"SET ROLE {APP_ROLE}")
        rows = connection.execute(f"EXPLAIN {INSIDE}").fetchall()
    text = "\n".join(row[0] for row in rows)
    assert "Index Cond" not in text
    assert "co_units &&" in text


@pytest.mark.parametrize("asked", [["bench-unit-8"], ["bench-unit-8", "no-such-unit"], []])
def test_nobody_finds_the_cases_of_a_unit_that_is_not_its_own(
    stock: Stock, asked: list[str]
) -> None:
    with psycopg.connect(stock.url) as connection:
        connection.execute(
            "UPDATE open_incident SET co_units = ARRAY['bench-unit-8'] WHERE incident_id = %s",
            (_some_open(connection),),
        )
        connection.execute(f"SET ROLE {APP_ROLE}")
        connection.execute(
            "SELECT set_config('gridward.actor', %s, true)",
            (str(stock.callers["co"].account_id),),
        )
        found = connection.execute("SELECT gw_co_cases(%s::text[])", (asked,)).fetchall()
        connection.rollback()
    assert found == []


def _some_open(connection: psycopg.Connection[Any]) -> UUID:
    row = connection.execute("SELECT incident_id FROM open_incident LIMIT 1").fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("caller", ["worker", "village", "township", "county", "unit"])
def test_duplicates_are_found_by_the_cells_around(stock: Stock, caller: str, mode: str) -> None:
    subject = stock.callers[caller]
    reported: datetime = stock.case["reported_at"]
    span = timedelta(days=30)
    found = store.duplicates_query(
        subject, stock.case, radius_m=100, since=reported - span, until=reported + span
    )
    assert found is not None
    plan = explain(stock.url, found[0], subject.account_id, found[1], mode)
    assert "incident" not in plan.read_through
    assert plan.indexes <= {"ix_incident_cell"}
    assert plan.pages <= 3_000
    assert plan.first == "actor"
