"""Checkpoints and audits run beside writers: nobody waits and nothing slips under."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.config import Settings
from service.db import Database
from service.kit import clock
from service.kit.audit import Report, WritersStillRunning, make_checkpoint, verify
from service.kit.event_log import append
from service.kit.events import GENESIS, Event
from service.kit.ids import uuid7
from tests.flows.chains import START, Chain, Rows, incident, store

TABLES = {"incident": ("incident",)}


@pytest.fixture
def owner(database_url: str) -> Iterator[Rows]:
    """The owner's connection to a history that is all under checkpoints."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_checkpoint(connection, START)
        yield connection


def test_an_event_that_commits_late_is_waited_for_and_nobody_else_waits(
    owner: Rows, database_url: str
) -> None:
    made: list[Any] = []
    with (
        psycopg.connect(database_url) as slow,
        psycopg.connect(database_url, autocommit=True) as quick,
    ):
        Chain(slow).append()
        Chain(quick).append()

        def take() -> None:
            with psycopg.connect(database_url) as connection:
                made.append(make_checkpoint(connection, START))

        maker = threading.Thread(target=take)
        maker.start()
        maker.join(0.3)
        assert maker.is_alive(), "the lower id is not there yet"
        quick.execute("SET lock_timeout = '100ms'")
        Chain(quick).append()
        slow.commit()
        maker.join(10)
    assert made[0].event_count == 2
    assert verify(owner, case_tables=TABLES).clean


def test_a_checkpoint_that_would_have_to_wait_too_long_is_put_off(
    owner: Rows, database_url: str
) -> None:
    Chain(owner).append()
    with psycopg.connect(database_url) as slow:
        Chain(slow).append()
        with pytest.raises(WritersStillRunning):
            make_checkpoint(owner, START, patience=0.1)
        slow.rollback()
    made = make_checkpoint(owner, START)
    assert made is not None
    assert made.event_count == 1


async def test_interleaved_writers_with_checkpoints_verify_clean(
    settings: Settings, database_url: str
) -> None:
    stop = threading.Event()
    made = [0]

    def make_checkpoints() -> None:
        with psycopg.connect(database_url) as connection:
            while not stop.is_set():
                made[0] += make_checkpoint(connection, clock.now()) is not None

    def live(seed: int) -> None:
        dice = random.Random(seed)
        with psycopg.connect(database_url) as connection:
            for _ in range(60):
                incident(connection, steps=dice.randint(1, 4))
                connection.rollback() if dice.random() < 0.3 else connection.commit()

    db = Database(settings)
    await db.open()
    actor = uuid7()
    cases = [uuid7() for _ in range(4)]

    async def write(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(30):
            async with db.session(actor) as session:
                await append(
                    session, "plan", dice.choice(cases), event="plan.imported", action="import",
                    actor_id=actor, clauses=("23.2",), now=clock.now(),
                )  # fmt: skip
                if dice.random() < 0.3:
                    await session.rollback()
                else:
                    await session.commit()

    maker = threading.Thread(target=make_checkpoints)
    maker.start()
    try:
        threads = [asyncio.to_thread(live, seed) for seed in range(3)]
        await asyncio.gather(*threads, *(write(seed) for seed in range(3)))
    finally:
        stop.set()
        await asyncio.to_thread(maker.join)
        await db.close()
    with psycopg.connect(database_url) as connection:
        make_checkpoint(connection, clock.now())
        report = verify(connection, case_tables=TABLES)
        uncovered = connection.execute(
            "SELECT (SELECT count(*) FROM case_event) - sum(event_count) FROM audit_checkpoint"
        ).fetchone()
    assert report.findings == []
    assert report.events > 150
    assert made[0] >= 3
    assert uncovered == (0,)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15).map(lambda x: x + 0.0)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab文", max_size=3), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text("xyz名", max_size=4), JSON_VALUES, max_size=4), st.integers(0, 10**9)
)
@hypothesis_settings(deadline=None, max_examples=60, database=None)
def test_an_event_has_the_same_hash_after_storage(
    stored: Callable[[Event], Report], payload: dict[str, Any], micros: int
) -> None:
    at = START + timedelta(microseconds=micros)
    event = Event("plan", uuid7(), 1, "plan.imported", "import", None, None, None, None,
                  ("1.1", "23.2"), at, at, payload)  # fmt: skip
    assert stored(event).clean


@pytest.fixture(scope="module")
def stored(database_url: str) -> Iterator[Callable[[Event], Report]]:
    """Stores one event and audits its case."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def act(event: Event) -> Report:
            store(connection, event, GENESIS)
            report = verify(connection, case_tables=TABLES, case_id=event.case_id)
            assert report.events == 1
            return report

        yield act
