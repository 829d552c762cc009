"""What was there before activations came under the gate goes on from where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from geo.cells import cell_of
from service.commands.audit import CASE_TABLES
from service.kit.audit import verify
from service.kit.events import GENESIS
from tests.conftest import create_database, drop_database, migrate, server_url, with_database
from tests.flows.chains import START, Chain

BEFORE = "0062"
PLAN = """
INSERT INTO emergency_plan (code, version, name_zh, name_en, hazard, area_code, document,
  valid_from, levels, lead_units, supporting_units, contacts, created_at, created_by)
VALUES ('t-flood', 1, 'x', 'x', 'flood', '511723', 'x', '2026-01-01', '[]', '{}', '{}', '[]',
  now(), gen_random_uuid())
"""
ACTIVATION = """
INSERT INTO activation (id, area_code, level, plan_code, plan_version, reason, drill, status, tier,
  version, activated_at, activated_by, ended_at)
VALUES (%s, '511723001001', 3, 't-flood', 1, 'x', %s, %s, 2, %s, %s, gen_random_uuid(), %s)
"""
RESOURCE = """
INSERT INTO resource (id, kind, name, owner_unit, grid_code, village_code, location, position,
  raw_x, raw_y, raw_crs, capacity, note, status, version, created_at, updated_at)
VALUES (gen_random_uuid(), 'team', %s, 't-unit', '511723001001001', '511723001001',
  ST_SetSRID(ST_MakePoint(%s, %s), 4490), ST_SetSRID(ST_MakePoint(1, 1), 4545), 1, 1, 'cgcs2000',
  1, '', 'available', 1, now(), now())
"""
SPOTS = ((107.8683, 31.0829), (107.5, 30.98), (107.98, 31.2), (107.9999, 31.0001))


@pytest.fixture
def earlier(template_database: str) -> Iterator[str]:
    """The URL of a database as it was before the gate."""
    name = f"gw_gate_{uuid4().hex[:12]}"
    create_database(server_url(), name, "template1")
    url = with_database(server_url(), name)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    migrate(url, BEFORE)
    yield url
    drop_database(server_url(), name)


def test_chains_and_positions_that_are_there_are_taken_over(earlier: str) -> None:
    with psycopg.connect(earlier) as connection:
        connection.execute(PLAN)
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
            " VALUES ('t-unit', 'x', 'x', 4, '511723', true)"
        )
        real, drill = Chain(connection, kind="activation"), Chain(connection, kind="drill")
        for chain in (real, drill):
            chain.append(to_state="in_force")
            chain.append(from_state="in_force", to_state="in_force")
        drill.append(from_state="in_force", to_state="ended")
        connection.execute(ACTIVATION, (real.id, False, "in_force", 1, START, None))
        connection.execute(ACTIVATION, (drill.id, True, "ended", 2, START, START))
        bare = uuid4()
        connection.execute(ACTIVATION, (bare, True, "in_force", 1, START, None))
        for number, spot in enumerate(SPOTS):
            connection.execute(RESOURCE, (str(number), *spot))
    migrate(earlier)
    with psycopg.connect(earlier, autocommit=True) as connection:
        for chain in (real, drill):
            assert verify(connection, case_tables=CASE_TABLES, case_id=chain.id).clean
        rows = connection.execute("SELECT id, state, version, head_hash FROM activation").fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            real.id: ("in_force", 2, real.head),
            drill.id: ("ended", 3, drill.head),
            bare: ("in_force", 0, GENESIS),
        }
        found = connection.execute("SELECT name, cell FROM resource ORDER BY name").fetchall()
        assert found == [(str(n), cell_of(*spot)) for n, spot in enumerate(SPOTS)]
