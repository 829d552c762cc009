"""Reads of the audit: everything streams, so that memory does not grow with history."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

from psycopg import Connection

FETCH = 5_000
RANGE = "SELECT id, case_id, seq, hash FROM case_event WHERE id > %s AND id <= %s ORDER BY id"
_EVENT = struct.Struct(">q16sii")
_numbers = count(1)


def stream(
    connection: Connection[Any], query: Any, arguments: tuple[Any, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    """The rows of `query`, fetched by and by inside the open transaction."""
    with connection.cursor(name=f"audit_{next(_numbers)}") as cursor:
        cursor.itersize = FETCH
        cursor.execute(query, arguments)
        yield from cursor


def value_of(connection: Connection[Any], query: Any, arguments: tuple[Any, ...] = ()) -> Any:
    """The one value that `query` returns; None without a row."""
    row = connection.execute(query, arguments).fetchone()
    return row[0] if row else None


def digest_of_range(
    connection: Connection[Any], after: int, up_to: int, previous: bytes
) -> tuple[bytes, int]:
    """SHA-256 over `previous` and each event with id in (after, up_to], by id; and their number."""
    digest, number = hashlib.sha256(previous), 0
    for event_id, case_id, seq, hash_ in stream(connection, RANGE, (after, up_to)):
        digest.update(event_record(event_id, case_id, seq, hash_))
        number += 1
    return digest.digest(), number


def event_record(event_id: int, case_id: UUID, seq: int, hash_: bytes) -> bytes:
    """One event as a checkpoint sees it: id, case, seq, length of the hash, hash (big-endian)."""
    return _EVENT.pack(event_id, case_id.bytes, seq, len(hash_)) + hash_
