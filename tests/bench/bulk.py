"""Loads incidents in bulk: a million in well under a minute, by set-based SQL.

The rows have the shape of real ones (state, tier, version, holder, place, category) and are the
same on every machine for the same moment `base`. What they lack: only some have an event (their
report), their event chain is not the service's, and none has evidence, a contact or a first answer
to be replayed. Cases that are acted on are made apart (see `tests.bench.data.own_cases`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from service.indicators.counting import APPLY

LOAD = Path(__file__).parent / "load"
WORKERS, UNITS = 200, 20
TABLES = ("incident", "case_event")
COUNTED_AT_ONCE = 20_000


@dataclass(frozen=True)
class Amount:
    """How much to load: open cases, and closed ones from the newest (`first`) to the `last`."""

    last: int
    first: int = 1
    opens: int = 20_000
    with_open: bool = True
    closed_per_event: int = 1


def digest() -> str:
    """Changes with anything that decides what is loaded."""
    files = [*sorted(LOAD.glob("*.sql")), Path(__file__)]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


def prepare(connection: psycopg.Connection) -> None:
    """Make places, kinds and people from the grids and categories that are there, once."""
    run(connection, "1_places", workers=WORKERS)
    run(connection, "2_people", units=UNITS)
    connection.execute("ANALYZE account, assignment, unit")


def load(connection: psycopg.Connection, amount: Amount, base: datetime) -> None:
    """Store the cases as they stand at `base`, with their sample of events, then ANALYZE.

    Give the same `base` and `opens` for another part of the same history.
    """
    connection.execute("SET work_mem = '64MB'")
    connection.execute("SET maintenance_work_mem = '256MB'")
    run(
        connection,
        "3_draw",
        base=base.isoformat(),
        first=amount.first,
        last=amount.last,
        opens=amount.opens,
        opens_now=amount.opens if amount.with_open else 0,
        units=UNITS,
    )
    with without_indexes(connection):
        run(connection, "4_incidents")
        run(connection, "5_events", closed_per_event=amount.closed_per_event)
    run(connection, "8_open")
    connection.execute("DROP TABLE bench.drawn")
    connection.execute("ANALYZE incident, case_event, open_incident")


def count_figures(connection: psycopg.Connection, now: datetime) -> None:
    """Count every case into the indicators' sums, as the job would have after each of its events.

    Does nothing when they are counted already.
    """
    if connection.execute("SELECT FROM indicator_case LIMIT 1").fetchone():
        return
    connection.execute("SET work_mem = '64MB'")
    ids = [row[0] for row in connection.execute("SELECT id FROM incident ORDER BY reported_at, id")]
    with psycopg.RawCursor(connection) as cursor:
        for first in range(0, len(ids), COUNTED_AT_ONCE):
            cursor.execute(APPLY, [ids[first : first + COUNTED_AT_ONCE], now])
    connection.execute(
        "UPDATE indicator_mark SET xact = pg_snapshot_xmin(pg_current_snapshot()), event_id = 0"
    )
    connection.execute("VACUUM (ANALYZE) indicator_case, indicator_figure")


@contextmanager
def without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop the plain indexes of the big tables, and build them again from what is there then.

    The indexes of constraints stay: rows come in the order of their keys.
    """
    found = connection.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY (%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)",
        (list(TABLES),),
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in found:
        connection.execute(definition)


def run(connection: psycopg.Connection, name: str, **values: object) -> None:
    text = (LOAD / f"{name}.sql").read_text(encoding="utf-8")
    connection.execute(text.format(**values))
