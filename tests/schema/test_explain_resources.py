"""The nearest resources are found by the index on their positions under row-level security.

A hundred thousand resources, many times what a county has; both kinds of plan that a prepared
statement may get. Cost is counted in pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import ClientCursor
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import asyncpg

from geo.cells import COLUMNS, PER_DEGREE, cells_of
from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import APP_ROLE
from service.emergency.store import resources as store
from tests.conftest import create_database, drop_database, server_url, with_database
from tests.schema.plans import MODES, _flat, make_subject

MANY = 100_000
VILLAGE = "511723001001"
EAST, NORTH = 487_500.0, 3_440_000.0
LOAD = f"""
INSERT INTO resource (id, kind, name, owner_unit, grid_code, village_code, location, position,
  raw_x, raw_y, raw_crs, capacity, note, status, version, created_at, updated_at, cell)
SELECT gen_random_uuid(), (ARRAY['team', 'vehicle', 'shelter', 'supply_point'])[1 + n % 4], 'x',
  CASE WHEN n % 500 = 0 THEN '511723-water' ELSE '511723-emergency' END,
  v.code || '001', v.code, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4490),
  ST_SetSRID(ST_MakePoint({EAST} + (random() - 0.5) * 40000, {NORTH} + (random() - 0.5) * 30000),
    4545), 107.8, 31.1, 'cgcs2000', 1, '', 'available', 1, now(), now(),
  floor((p.lat + 90) * {PER_DEGREE})::int * {COLUMNS} + floor((p.lon + 180) * {PER_DEGREE})::int
FROM generate_series(1, {MANY}) AS n
CROSS JOIN LATERAL (SELECT '511723001' || lpad((1 + n % 200)::text, 3, '0') AS code) AS v
CROSS JOIN LATERAL (SELECT 107.6 + random() * 0.4 + n * 0 AS lon, 30.9 + random() * 0.4 AS lat) AS p
"""
NEAR: dict[str, Any] = {
    "easting": EAST, "northing": NORTH, "kind": "vehicle", "item": None, "allocated": False,
    "limit": 20, "reach_m": 5_000.0,
}  # fmt: skip
PAGE: dict[str, Any] = {
    "after": None, "area": None, "kind": None, "unit": None, "status": None, "activation": None,
    "west": None, "east": None, "south": None, "north": None, "limit": 51,
}  # fmt: skip


@pytest.fixture(scope="module")
def county(template_database: str) -> Iterator[str]:
    """The URL of a database with many resources, an emergency in one village."""
    name = f"{template_database}_{uuid4().hex[:8]}"
    create_database(server_url(), name, template_database)
    url = with_database(server_url(), name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(LOAD)
        connection.execute(
            "INSERT INTO activation (id, area_code, level, plan_code, plan_version, reason, drill,"
            " state, tier, version, head_hash, last_event_at, activated_at, activated_by)"
            " VALUES (gen_random_uuid(), %s, 3, '511723-flood', 1, 'x', false, 'in_force', 2, 1,"
            " '', now(), now(), gen_random_uuid())",
            (VILLAGE,),
        )
        connection.execute("VACUUM ANALYZE resource")
    yield url
    drop_database(server_url(), name)


def explained(
    url: str, statement: TextClause, caller: Subject, values: dict[str, Any], mode: str
) -> tuple[int, set[str], int]:
    """Rows, indexes and pages of a statement that runs as the service runs it."""
    compiled = statement.compile(dialect=asyncpg.dialect())
    assert compiled.positiontup is not None
    arguments = [values[name] for name in compiled.positiontup]
    with psycopg.connect(url, autocommit=True, cursor_factory=ClientCursor) as connection:
        connection.execute(f"SET ROLE {APP_ROLE}")
        connection.execute(
            "SELECT set_config('gridward.actor', %s, false)", (str(caller.account_id),)
        )
        connection.execute("SET jit = off")
        connection.execute(f"SET plan_cache_mode = {mode}")
        connection.execute(f"PREPARE asked AS {compiled.string}")
        places = ", ".join(["%s"] * len(arguments))
        run = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked ({places})"
        connection.execute(run, arguments)
        row = connection.execute(run, arguments).fetchone()
    assert row is not None
    top = row[0][0]["Plan"]
    nodes = list(_flat(top))
    assert not [n for n in nodes if n.get("Relation Name") == "resource" and
                n["Node Type"] == "Seq Scan"]  # fmt: skip
    # A subplan that was never run - no resource is allocated - does not count.
    used = {n["Index Name"] for n in nodes if "Index Name" in n and n["Actual Loops"]}
    indexes = {name for name in used if "_resource" in name and "stock" not in name}
    return top["Actual Rows"], indexes, top["Shared Hit Blocks"] + top["Shared Read Blocks"]


@pytest.mark.parametrize("mode", MODES)
def test_the_nearest_are_found_by_distance_and_nothing_else_is_read(county: str, mode: str) -> None:
    caller = make_subject(county, Grant(Role.VILLAGE_DISPATCHER, VILLAGE))
    values = {**NEAR, "everywhere": True, "units": []}
    rows, indexes, pages = explained(county, store.NEAREST, caller, values, mode)
    assert (rows, indexes) == (20, {"ix_resource_nearest"})
    assert pages <= 700


@pytest.mark.parametrize("mode", MODES)
def test_who_sees_one_in_five_hundred_is_answered_too(county: str, mode: str) -> None:
    """A department that owns few, and a committee that commands one village."""
    with psycopg.connect(county) as connection:
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active) VALUES"
            " (%s, '治保会', 'x', 2, %s, true) ON CONFLICT DO NOTHING",
            (f"{VILLAGE}-t", VILLAGE),
        )
    owner = make_subject(county, Grant(Role.UNIT_HANDLER, "511723", "511723-water"))
    committee = make_subject(county, Grant(Role.UNIT_HANDLER, VILLAGE, f"{VILLAGE}-t"))
    for caller in (owner, committee):
        values = {**NEAR, "kind": None, "everywhere": False, "units": sorted(caller.units),
                  "limit": 5}  # fmt: skip
        rows, _, pages = explained(county, store.NEAREST, caller, values, mode)
        assert rows == 5
        assert pages <= 20_000


@pytest.mark.parametrize("mode", MODES)
def test_a_page_of_resources_costs_a_page(county: str, mode: str) -> None:
    caller = make_subject(county, Grant(Role.COUNTY_DISPATCHER, "511723"))
    values = {**PAGE, "everywhere": True, "units": []}
    rows, indexes, pages = explained(county, store.PAGE, caller, values, mode)
    assert (rows, indexes) == (51, {"pk_resource"})
    assert pages <= 700


# A street, a township, all of the county: west, south, east, north.
BOXES = {
    "a street": ((107.751, 31.051, 107.761, 31.061), 51, 2_000),
    "a township": ((107.71, 31.01, 107.81, 31.11), 51, 8_000),
    "the county": ((107.4, 30.7, 108.2, 31.5), 51, 60_000),
    "a place without any": ((107.0, 31.0, 107.1, 31.1), 0, 800),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BOXES)
def test_a_map_reads_the_cells_of_its_box_and_nothing_else(
    county: str, mode: str, name: str
) -> None:
    """What a map asks for whenever it is moved; the cost follows the box."""
    box, most, pages_at_most = BOXES[name]
    sides = dict(zip(("west", "south", "east", "north"), box, strict=True))
    dispatcher = make_subject(county, Grant(Role.COUNTY_DISPATCHER, "511723"))
    values = {**PAGE, **sides, "cells": cells_of(*box), "everywhere": True, "units": []}
    rows, indexes, pages = explained(county, store.PAGE_IN_CELLS, dispatcher, values, mode)
    assert rows == most
    assert indexes == ({"ix_resource_cell", "pk_resource"} if most else {"ix_resource_cell"})
    assert pages <= pages_at_most
