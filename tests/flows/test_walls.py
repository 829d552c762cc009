"""The second wall: what the database itself refuses, whatever the service would have asked."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI

from service.db import APP_ROLE, WRITER_ROLE, as_actor
from service.kit import clock
from tests.cases import Place
from tests.people import People

SECURED = ["incident", "incident_contact", "case_event", "attachment", "attachment_link",
           "idempotency_record", "personal_data_access", "dispatch_approval"]  # fmt: skip


@pytest.fixture
async def as_app(database_url: str) -> Any:
    """A connection under the application's role, and nobody's name."""
    connection = await asyncpg.connect(database_url, server_settings={"role": APP_ROLE})
    yield connection
    await connection.close()


async def test_the_roles_own_nothing_and_bypass_nothing(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
            " WHERE rolname = ANY($1)",
            [APP_ROLE, WRITER_ROLE],
        )
        assert len(rows) == 2
        assert not any(row["rolsuper"] or row["rolbypassrls"] for row in rows)
        owned = await connection.fetchval(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE r.rolname = ANY($1)",
            [APP_ROLE, WRITER_ROLE],
        )
        assert owned == 0
        unsecured = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relname = ANY($1) AND NOT relrowsecurity", SECURED
        )
        assert unsecured == []
    finally:
        await connection.close()


@pytest.mark.parametrize("table", SECURED)
async def test_without_a_name_nothing_is_read(
    as_app: asyncpg.Connection, place: Place, table: str
) -> None:
    await place.report(contact={"name": "张三", "phone": "13812345678"})
    assert await as_app.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_one_connection_serves_callers_in_turn_without_mixing_them(
    as_app: asyncpg.Connection, places: list[Place]
) -> None:
    """Past five executions the plan may be generic: the actor must still be read anew."""
    mine = [(await place.report(), place) for place in places]
    count = as_actor("SELECT array_agg(DISTINCT left(i.grid_code, 9)) AS seen FROM incident i")
    for _ in range(12):
        for _, place in mine:
            row = await as_app.fetchrow(count, str(place.worker.id))
            assert row is not None
            assert row["seen"] == [place.spot.township]
    left = await as_app.fetchval("SELECT nullif(current_setting('gridward.actor', true), '')")
    assert left is None


async def test_the_application_cannot_write_a_case_past_the_desk(
    as_app: asyncpg.Connection, place: Place
) -> None:
    case = await place.report()
    for statement in (
        "UPDATE incident SET state = 'closed' WHERE id = $1",
        "DELETE FROM incident WHERE id = $1",
        "DELETE FROM case_event WHERE case_id = $1",
        "UPDATE case_event SET payload = '{}' WHERE case_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_app.execute(statement, UUID(case["id"]))


async def test_the_writer_can_neither_change_history_nor_grant_itself_anything(
    database_url: str, place: Place
) -> None:
    case = await place.report()
    writer = await asyncpg.connect(database_url, server_settings={"role": WRITER_ROLE})
    try:
        for statement in (
            "UPDATE case_event SET payload = '{}' WHERE case_id = $1",
            "DELETE FROM case_event WHERE case_id = $1",
            "DELETE FROM incident WHERE id = $1",
            "UPDATE account SET status = 'active' WHERE id = $1",
            "UPDATE assignment SET area_code = '511723' WHERE account_id = $1",
            "DELETE FROM idempotency_record WHERE actor_id = $1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await writer.execute(statement, UUID(case["id"]))
    finally:
        await writer.close()


async def test_a_revoked_assignment_ends_at_once_for_reads_and_writes(
    app: FastAPI, people: People, place: Place, database_url: str
) -> None:
    """Even a caller whom the service still remembers is judged by the tables at that moment."""
    person = people.make(("village_dispatcher", place.spot.village))
    case = await place.report()
    remembered = await app.state.subjects.load(person.id, clock.now())
    app.state.subjects._known[person.id] = (float("inf"), remembered)
    assert (await person.get(f"/v1/incidents/{case['id']}")).status_code == 200
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "UPDATE assignment SET valid_to = now() WHERE account_id = $1", person.id
        )
    finally:
        await connection.close()
    await asyncio.sleep(0.01)
    assert (await person.get(f"/v1/incidents/{case['id']}")).status_code == 404
    assert (await person.get("/v1/incidents")).json()["items"] == []
    refused = await place.act(person, case, "accept")
    assert refused.status_code in (403, 404)
    reported = await person.post("/v1/incidents", place.body())
    assert reported.status_code == 403
    assert (await place.village.get(f"/v1/incidents/{case['id']}")).json()["version"] == 1
