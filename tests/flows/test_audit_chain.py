"""The audit finds and names every row changed, removed or inserted behind the service's back."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.config import Settings
from service.db import Database
from service.kit import clock
from service.kit.audit import (
    AuditBlind,
    Report,
    WritersStillRunning,
    make_checkpoint,
    verify,
)
from service.kit.audit.findings import TEXTS
from service.kit.audit.rows import digest_of_range
from service.kit.event_log import append
from service.kit.events import GENESIS, Event
from service.kit.ids import uuid7
from tests.conftest import create_database, drop_database, server_url, with_database
from tests.flows.chains import START, Chain, Rows, incident, rehash, store

LONG_LIFE, SHORT_LIFE, LATE_LIFE = (UUID(int=n) for n in (0xA1, 0xA2, 0xA3))
DRAWING, PLAN = UUID(int=0xB1), UUID(int=0xB2)
TABLES = {"incident": "incident"}


SAVED = ("incident", "case_event", "audit_checkpoint")
COLUMNS = """
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
"""


@pytest.fixture(scope="module")
def saved_history(template_database: str) -> Iterator[str]:
    """A database with five cases, all but the last steps under two checkpoints, and its copy."""
    name = f"{template_database}_{uuid4().hex[:8]}"
    create_database(server_url(), name, template_database)
    url = with_database(server_url(), name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE case_event, audit_checkpoint RESTART IDENTITY")
        drawing, plan = Chain(connection, "delineation", DRAWING), Chain(connection, "plan", PLAN)
        drawing.append()
        incident(connection, LONG_LIFE)
        connection.execute("SELECT nextval(pg_get_serial_sequence('case_event', 'id'))")
        drawing.append()
        make_checkpoint(connection, START)
        incident(connection, SHORT_LIFE, steps=1)
        plan.append()
        drawing.append()
        make_checkpoint(connection, START)
        incident(connection, LATE_LIFE, steps=2)
        connection.execute("CREATE SCHEMA saved")
        for table in SAVED:
            connection.execute(f"CREATE TABLE saved.{table} AS TABLE {table}")
    yield url
    drop_database(server_url(), name)


@pytest.fixture
def history(saved_history: str) -> Iterator[Rows]:
    """The owner's connection to that database as it was saved, to be tampered with."""
    with closing(psycopg.connect(saved_history, autocommit=True)) as opened:
        with opened.transaction():
            opened.execute(f"TRUNCATE {', '.join(SAVED)} RESTART IDENTITY CASCADE")
            for table in SAVED:
                columns = opened.execute(COLUMNS, (table,)).fetchone()[0]
                opened.execute(
                    f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
                    f" SELECT {columns} FROM saved.{table} ORDER BY 1"
                )
            for table in SAVED[1:]:
                opened.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
        yield opened


def found(report: Report) -> set[tuple[str, object, int | None]]:
    """The findings as (what, case or checkpoint, seq)."""
    return {(f.what, f.case_id or f.checkpoint, f.seq) for f in report.findings}


def check(connection: Rows, **more: Any) -> set[tuple[str, object, int | None]]:
    """What an audit of the whole database finds."""
    return found(verify(connection, case_tables=TABLES, **more))


def test_an_honest_history_is_clean_and_counted(history: Rows) -> None:
    report = verify(history, case_tables=TABLES)
    assert report.clean
    assert found(report) == set()
    assert (report.cases, report.events, report.checkpoints) == (5, 11, 2)


def test_a_checkpoint_is_made_only_when_there_is_something_new(history: Rows) -> None:
    made = make_checkpoint(history, START)
    assert made is not None
    assert made.event_count == 2
    assert make_checkpoint(history, START) is None
    assert check(history) == set()


CHANGES = {
    "case_kind": "'other'",
    "event": "'incident.rejected'",
    "action": "'reject'",
    "actor_id": "NULL",
    "actor_role": "'county_dispatcher'",
    "from_state": "'assigned'",
    "to_state": "'closed'",
    "clauses": "'{18.1}'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "occurred_at": "'infinity'",
    "payload": "jsonb_set(payload, '{weight_kg}', '12.6')",
    "hash": "sha256('forged')",
    "prev_hash": "sha256('forged')",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_stored_column_is_found_and_named(history: Rows, column: str) -> None:
    change = f"UPDATE case_event SET {column} = {CHANGES[column]} WHERE case_id = %s AND seq = 2"
    history.execute(change, (LONG_LIFE,))
    assert ("event_changed", LONG_LIFE, 2) in check(history)


def test_every_column_of_an_event_has_its_tampering_tested() -> None:
    places = {"case_id", "seq"}
    assert set(Event.__struct_fields__) == CHANGES.keys() | places


@dataclass(frozen=True)
class Tampering:
    """What somebody with the owner's rights does, and what the audit says to it."""

    act: Callable[[Rows], object]
    findings: set[tuple[str, object, int | None]]


def run(*statements: str) -> Callable[[Rows], object]:
    """Run SQL in which `$LONG` and its like stand for the cases' ids."""
    names = {"$LONG": LONG_LIFE, "$SHORT": SHORT_LIFE, "$LATE": LATE_LIFE, "$DRAWING": DRAWING,
             "$PLAN": PLAN}  # fmt: skip

    def act(connection: Rows) -> None:
        for statement in statements:
            text = statement
            for name, case_id in names.items():
                text = text.replace(name, f"'{case_id}'")
            connection.execute(text)  # type: ignore[call-overload]

    return act


def add_a_step_at_the_end(connection: Rows) -> None:
    row = connection.execute(
        "SELECT seq, hash FROM case_event WHERE case_id = %s ORDER BY seq DESC LIMIT 1",
        (LATE_LIFE,),
    ).fetchone()
    assert row is not None
    forged = Chain(connection, "incident", LATE_LIFE, seq=row[0], head=row[1])
    forged.append(to_state="accepted")


def add_a_backdated_event(connection: Rows) -> None:
    row = connection.execute(
        "SELECT hash FROM case_event WHERE case_id = %s ORDER BY seq DESC LIMIT 1", (PLAN,)
    ).fetchone()
    unused = connection.execute(
        "SELECT n FROM generate_series(1, 9) n WHERE n NOT IN (SELECT id FROM case_event)"
    ).fetchone()
    assert row is not None
    assert unused is not None
    Chain(connection, "plan", PLAN, seq=1, head=row[0]).append(event_id=unused[0])


def slip_one_into_the_middle(connection: Rows) -> None:
    for seq in (4, 3):
        connection.execute(
            "UPDATE case_event SET seq = seq + 1 WHERE case_id = %s AND seq = %s", (LONG_LIFE, seq)
        )
    row = connection.execute(
        "SELECT hash FROM case_event WHERE case_id = %s AND seq = 2", (LONG_LIFE,)
    ).fetchone()
    assert row is not None
    Chain(connection, "incident", LONG_LIFE, seq=2, head=row[0]).append()


def rewrite_and_rehash(connection: Rows) -> None:
    run("UPDATE case_event SET payload = '{}' WHERE case_id = $LONG AND seq = 2")(connection)
    head = rehash(connection, LONG_LIFE)
    connection.execute("UPDATE incident SET head_hash = %s WHERE id = %s", (head, LONG_LIFE))


def swap_two_cases(connection: Rows) -> None:
    swap = "UPDATE case_event SET case_id = %s WHERE case_id = %s AND seq = 1"
    for there, here in ((UUID(int=1), SHORT_LIFE), (SHORT_LIFE, PLAN), (PLAN, UUID(int=1))):
        connection.execute(swap, (there, here))


TAMPERINGS = {
    "a middle row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LONG AND seq = 3"),
        {("event_missing", LONG_LIFE, 3), ("checkpoint_count", 1, None)},
    ),
    "several middle rows removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LONG AND seq IN (2, 3)"),
        {("events_missing", LONG_LIFE, 2), ("checkpoint_count", 1, None)},
    ),
    "the first row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $DRAWING AND seq = 1"),
        {("event_missing", DRAWING, 1), ("checkpoint_count", 1, None)},
    ),
    "the last row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LATE AND seq = 2"),
        {("head_differs", LATE_LIFE, 1), ("state_differs", LATE_LIFE, 1)},
    ),
    "the last row removed from a case without a row of its own": Tampering(
        run("DELETE FROM case_event WHERE case_id = $DRAWING AND seq = 3"),
        {("checkpoint_count", 2, None)},
    ),
    "all events of a case removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LATE"),
        {("chain_missing", LATE_LIFE, None)},
    ),
    "a whole case removed, with its row": Tampering(
        run(
            "DELETE FROM case_event WHERE case_id = $SHORT",
            "DELETE FROM incident WHERE id = $SHORT",
        ),
        {("checkpoint_count", 2, None)},
    ),
    "only the row of a case removed": Tampering(
        run("DELETE FROM incident WHERE id = $LATE"),
        {("case_missing", LATE_LIFE, None)},
    ),
    "a well-hashed row added at the end": Tampering(
        add_a_step_at_the_end,
        {("head_differs", LATE_LIFE, 3)},
    ),
    "a well-hashed row added at the end, backdated": Tampering(
        add_a_backdated_event,
        {("checkpoint_count", 1, None)},
    ),
    "a row slipped into the middle": Tampering(
        slip_one_into_the_middle,
        {
            ("link_broken", LONG_LIFE, 4),
            ("event_changed", LONG_LIFE, 4),
            ("event_changed", LONG_LIFE, 5),
            ("head_differs", LONG_LIFE, 5),
            ("checkpoint_digest", 1, None),
        },
    ),
    "a chain rewritten and all its hashes computed anew": Tampering(
        rewrite_and_rehash,
        {("checkpoint_digest", 1, None)},
    ),
    "events moved between cases": Tampering(
        swap_two_cases,
        {
            ("event_changed", SHORT_LIFE, 1),
            ("event_changed", PLAN, 1),
            ("chain_missing", SHORT_LIFE, None),
            ("case_missing", PLAN, None),
            ("checkpoint_digest", 2, None),
        },
    ),
    "a state set by hand": Tampering(
        run("UPDATE incident SET state = 'closed' WHERE id = $LATE"),
        {("state_differs", LATE_LIFE, 2)},
    ),
    "a version set by hand": Tampering(
        run("UPDATE incident SET version = 9 WHERE id = $LATE"),
        {("head_differs", LATE_LIFE, 2)},
    ),
    "a checkpoint changed": Tampering(
        run("UPDATE audit_checkpoint SET digest = sha256('forged') WHERE id = 1"),
        {("checkpoint_digest", 1, None), ("checkpoint_link_broken", 2, None)},
    ),
    "a checkpoint removed": Tampering(
        run("DELETE FROM audit_checkpoint WHERE id = 1"),
        {("checkpoint_link_broken", 2, None), ("checkpoint_count", 2, None)},
    ),
    "a payload that no JSON number type holds": Tampering(
        run(
            "UPDATE case_event SET payload = to_jsonb(10::numeric ^ 400)"
            " WHERE case_id = $LATE AND seq = 1"
        ),
        {("event_changed", LATE_LIFE, 1)},
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_named(history: Rows, name: str) -> None:
    TAMPERINGS[name].act(history)
    report = verify(history, case_tables=TABLES)
    assert TAMPERINGS[name].findings <= found(report)
    named = {f[1] for f in TAMPERINGS[name].findings}
    assert {f[1] for f in found(report)} <= named, "nothing else is accused"
    assert not report.clean
    for finding in report.findings:
        assert finding.text("zh") != finding.text("en")


def test_every_finding_has_been_provoked() -> None:
    provoked = {what for tampering in TAMPERINGS.values() for what, _, _ in tampering.findings}
    assert provoked | {"anchor_missing", "anchor_differs"} == TEXTS.keys()


def test_one_case_can_be_checked_alone(history: Rows) -> None:
    run("UPDATE case_event SET payload = '{}' WHERE case_id IN ($LONG, $PLAN)")(history)
    assert check(history, case_id=SHORT_LIFE) == set()
    assert {f[1] for f in check(history, case_id=LONG_LIFE)} == {LONG_LIFE}


def test_a_digest_kept_elsewhere_finds_a_history_computed_anew_with_its_checkpoints(
    history: Rows,
) -> None:
    genuine = dict(history.execute("SELECT id, digest FROM audit_checkpoint").fetchall())
    assert check(history, anchors=genuine) == set()
    rewrite_and_rehash(history)
    previous, after = GENESIS, 0
    for number, up_to in history.execute(
        "SELECT id, up_to_event_id FROM audit_checkpoint ORDER BY id"
    ).fetchall():
        with history.transaction():
            digest, _ = digest_of_range(history, after, up_to, previous)
        history.execute(
            "UPDATE audit_checkpoint SET prev_digest = %s, digest = %s WHERE id = %s",
            (previous, digest, number),
        )
        previous, after = digest, up_to
    assert check(history) == set()
    assert check(history, anchors=genuine) == {
        ("anchor_differs", 1, None),
        ("anchor_differs", 2, None),
    }
    assert check(history, anchors={77: GENESIS}) == {("anchor_missing", 77, None)}


def test_an_audit_that_cannot_see_all_rows_refuses(history: Rows) -> None:
    history.execute("SET ROLE gridward_app")
    with pytest.raises(AuditBlind):
        verify(history, case_tables=TABLES)


def test_many_findings_are_all_counted_and_the_first_are_kept(history: Rows) -> None:
    chain = Chain(history, "plan", uuid7())
    with history.transaction():
        for _ in range(1_100):
            chain.append()
    history.execute("UPDATE case_event SET payload = '{}' WHERE case_id = %s", (chain.id,))
    report = verify(history, case_tables=TABLES)
    assert report.found == 1_100
    assert len(report.findings) == 1_000


def test_an_event_that_commits_late_is_waited_for_and_nobody_else_waits(history: Rows) -> None:
    url = history.info.dsn
    made: list[Any] = []
    with psycopg.connect(url) as slow, psycopg.connect(url, autocommit=True) as quick:
        low = Chain(slow)
        low.append()
        Chain(quick).append()

        def take() -> None:
            with psycopg.connect(url) as connection:
                made.append(make_checkpoint(connection, START))

        maker = threading.Thread(target=take)
        maker.start()
        maker.join(0.3)
        assert maker.is_alive(), "the lower id is not there yet"
        quick.execute("SET lock_timeout = '100ms'")
        Chain(quick).append()
        slow.commit()
        maker.join(10)
    assert made[0].event_count == 4
    assert check(history) == set()


def test_a_checkpoint_that_would_have_to_wait_too_long_is_put_off(history: Rows) -> None:
    with psycopg.connect(history.info.dsn) as slow:
        Chain(slow).append()
        with pytest.raises(WritersStillRunning):
            make_checkpoint(history, START, patience=0.1)
        slow.rollback()
    assert history.execute("SELECT count(*) FROM audit_checkpoint").fetchone() == (2,)
    assert make_checkpoint(history, START) is not None


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
    assert found(report) == set()
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
