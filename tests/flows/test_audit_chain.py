"""The audit finds and names every row changed, removed or inserted behind the service's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from service.kit.audit import (
    AuditBlind,
    Report,
    make_checkpoint,
    verify,
)
from service.kit.audit.findings import TEXTS
from service.kit.audit.rows import digest_of_range
from service.kit.events import GENESIS, Event
from service.kit.ids import uuid7
from tests.conftest import create_database, drop_database, server_url, with_database
from tests.flows.chains import START, Chain, Rows, incident
from tests.flows.tamperings import (
    CHANGES,
    DRAWING,
    LATE_LIFE,
    LONG_LIFE,
    PLAN,
    SHORT_LIFE,
    TAMPERINGS,
    rewrite_and_rehash,
    run,
)

TABLES = {"incident": ("incident",)}


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


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_stored_column_is_found_and_named(history: Rows, column: str) -> None:
    change = f"UPDATE case_event SET {column} = {CHANGES[column]} WHERE case_id = %s AND seq = 2"
    history.execute(change, (LONG_LIFE,))
    assert ("event_changed", LONG_LIFE, 2) in check(history)


def test_every_column_of_an_event_has_its_tampering_tested() -> None:
    places = {"case_id", "seq"}
    assert set(Event.__struct_fields__) == CHANGES.keys() | places


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
