"""Row-level security judges each statement by its own actor, on connections that never change.

One connection serves many callers in turn. Prepared statements get a generic plan after five
executions; an almost empty database and one with some thousand rows get different plans.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.config import Settings
from service.db import Database, as_actor
from service.incidents import store
from service.incidents.store import Filters
from service.kit import clock
from service.kit.timeline import EVENTS
from tests.bench import bulk
from tests.schema.plans import loaded, make_subject

KINDS = ["incident"]
TURNS = 12
EVERYTHING = as_actor("SELECT DISTINCT i.township_code AS code FROM incident i")
ANY_OF_IT = as_actor(
    "SELECT e.seq FROM incident i JOIN case_event e ON e.case_id = i.id WHERE i.id = $2 LIMIT 1"
)


@dataclass(frozen=True)
class House:
    """The service's pools, with one connection to read; two dispatchers, somebody without rights.

    `here` may read `case`; `there` may read another township, `nobody` nothing.
    """

    db: Database
    url: str
    here: Subject
    there: Subject
    nobody: Subject
    case: UUID

    async def read(self, query: str, caller: Subject, *arguments: Any) -> list[Any]:
        """The rows of a statement, as the service asks for them."""
        rows: list[Any] = await self.db.reads.fetch(query, str(caller.account_id), *arguments)
        return rows


@pytest.fixture(scope="module", params=[3, 20_000], ids=["almost empty", "filled"])
async def house(request: pytest.FixtureRequest, template_database: str) -> AsyncIterator[House]:
    with loaded(template_database, bulk.Amount(request.param, opens=6), clock.now()) as url:
        with psycopg.connect(url) as connection:
            query = "SELECT id, township_code FROM incident WHERE is_open ORDER BY id LIMIT 1"
            case, here = connection.execute(query).fetchone() or (None, "")
            query = "SELECT code FROM division WHERE level = 'township' AND code <> %s ORDER BY 1"
            (there,) = connection.execute(query, (here,)).fetchone() or ("",)
        settings = Settings(DATABASE_URL=url, read_connections=1, session_connections=1)
        db = Database(settings)
        await db.open()
        yield House(
            db,
            url,
            make_subject(url, Grant(Role.TOWNSHIP_DISPATCHER, here)),
            make_subject(url, Grant(Role.TOWNSHIP_DISPATCHER, there)),
            make_subject(url),
            case,
        )
        await db.close()


async def test_one_case_is_found_by_its_own_dispatcher_alone_whoever_asked_before(
    house: House,
) -> None:
    for _ in range(TURNS):
        assert len(await house.read(store.ONE, house.here, house.case)) == 1
        assert await house.read(store.ONE, house.there, house.case) == []
        assert await house.read(store.ONE, house.nobody, house.case) == []


async def test_a_timeline_is_read_by_its_own_dispatcher_alone_whoever_asked_before(
    house: House,
) -> None:
    for _ in range(TURNS):
        assert await house.read(EVENTS, house.nobody, house.case, KINDS) == []
        assert len(await house.read(EVENTS, house.here, house.case, KINDS)) == 1
        assert await house.read(EVENTS, house.there, house.case, KINDS) == []


async def test_the_wall_alone_shows_each_caller_the_own_township_and_nothing_else(
    house: House,
) -> None:
    for _ in range(TURNS):
        for caller in (house.here, house.there):
            found = {row["code"] for row in await house.read(EVERYTHING, caller)}
            assert found <= {caller.grants[0].area}
            assert found or caller is house.there
        assert await house.read(EVERYTHING, house.nobody) == []


async def test_a_list_that_forgot_its_scope_is_still_walled(house: House) -> None:
    """The statement of `here`, run as somebody else."""
    query, arguments = store.list_query(house.here, Filters(), None, 50) or ("", [])
    for _ in range(TURNS):
        assert await house.read(query, house.here, *arguments) != []
        assert await house.read(query, house.there, *arguments) == []
        assert await house.read(query, house.nobody, *arguments) == []


async def test_callers_take_turns_inside_one_transaction_too(house: House) -> None:
    async with house.db.reads.acquire() as connection, connection.transaction():
        for _ in range(TURNS):
            for caller, found in ((house.here, 1), (house.there, 0), (house.nobody, 0)):
                rows = await connection.fetch(store.ONE, str(caller.account_id), house.case)
                assert len(rows) == found


@pytest.mark.parametrize(
    ("query", "more"),
    [(store.ONE, []), (EVENTS, [KINDS]), (ANY_OF_IT, [])],
    ids=["one", "timeline", "any"],
)
async def test_the_order_in_which_the_planner_would_join_changes_nothing(
    house: House, query: str, more: list[Any]
) -> None:
    """The genetic planner, which joins in an order of chance, is made to plan all joins."""
    async with house.db.reads.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL geqo_threshold = 2")
        for seed in range(TURNS):
            await connection.execute(f"SET LOCAL geqo_seed = {seed / TURNS}")
            for caller, found in ((house.here, 1), (house.there, 0), (house.here, 1)):
                # Planned anew each time: a new text is a new statement.
                text = f"{query} /* {seed} {caller.account_id} */"
                rows = await connection.fetch(text, str(caller.account_id), house.case, *more)
                assert len(rows) == found


async def test_no_actor_is_left_on_the_connection(house: House) -> None:
    await house.read(store.ONE, house.here, house.case)
    left = await house.db.reads.fetchval("SELECT current_setting('gridward.actor', true)")
    assert left in ("", None)
    assert await house.db.reads.fetch("SELECT FROM incident LIMIT 1") == []


async def test_an_assignment_that_is_taken_back_ends_with_the_next_statement(
    house: House,
) -> None:
    leaving = make_subject(house.url, *house.here.grants)
    for _ in range(TURNS):
        assert len(await house.read(store.ONE, leaving, house.case)) == 1
    with psycopg.connect(house.url) as connection:
        connection.execute(
            "UPDATE assignment SET valid_to = now() WHERE account_id = %s", (leaving.account_id,)
        )
    assert await house.read(store.ONE, leaving, house.case) == []
