"""Makes checkpoints: a chained digest over all events that are there for good."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from service.kit.audit.rows import digest_of_range, value_of
from service.kit.events import GENESIS

PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05

ONE_MAKER = "SELECT pg_advisory_xact_lock(hashtextextended('gridward.audit_checkpoint', 0))"
LAST = "SELECT up_to_event_id, digest FROM audit_checkpoint ORDER BY up_to_event_id DESC LIMIT 1"
HORIZON = "SELECT max(id) FROM case_event"
# A transaction takes this lock before it draws an event's id, and keeps it until it ends.
WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'case_event'::regclass AND granted
  AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
STORE = """
INSERT INTO audit_checkpoint (made_at, up_to_event_id, event_count, prev_digest, digest)
VALUES (%s, %s, %s, %s, %s) RETURNING id
"""


class WritersStillRunning(Exception):
    """Transactions that may hold older events did not end in time; try again later."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stored checkpoint: it covers `event_count` events up to `up_to_event_id`."""

    id: int
    made_at: datetime
    up_to_event_id: int
    event_count: int
    digest: bytes


def make_checkpoint(
    connection: Connection[Any], now: datetime, *, patience: float = PATIENCE_SECONDS
) -> Checkpoint | None:
    """Chain a digest over all events since the last checkpoint; None when there are none.

    `connection` is the owner's, outside a transaction. Makers take turns. Raises
    WritersStillRunning when a transaction that may hold an older event lasts longer than
    `patience` seconds, and then stores nothing.
    """
    with connection.transaction():
        connection.execute(ONE_MAKER)
        after, previous = connection.execute(LAST).fetchone() or (0, GENESIS)
        horizon = value_of(connection, HORIZON)
        if horizon is None or horizon <= after:
            return None
        _wait_for_writers(connection, patience)
        digest, number = digest_of_range(connection, after, horizon, previous)
        stored = value_of(connection, STORE, (now, horizon, number, previous, digest))
        return Checkpoint(stored, now, horizon, number, digest)


def _wait_for_writers(connection: Connection[Any], patience: float) -> None:
    """Wait until nobody who may have drawn an id up to the horizon is still writing.

    Ids are drawn before their rows are visible, so a lower one may commit later. Whoever drew
    one before the horizon was read has held the lock since before; new writers draw higher ids,
    and are neither waited for nor delayed.
    """
    deadline = time.monotonic() + patience
    earlier = _writers(connection)
    while earlier:
        if time.monotonic() > deadline:
            raise WritersStillRunning(f"{len(earlier)} transactions are still writing events")
        time.sleep(_PAUSE_SECONDS)
        earlier &= _writers(connection)


def _writers(connection: Connection[Any]) -> set[str]:
    return {row[0] for row in connection.execute(WRITERS)}
