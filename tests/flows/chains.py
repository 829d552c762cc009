"""Writes honest histories straight into the database, for tests of what watches over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from service.kit.events import GENESIS, Event, encode_payload
from service.kit.ids import uuid7

CONTENT = tuple(n for n in Event.__struct_fields__ if n not in ("prev_hash", "hash"))

Rows = psycopg.Connection[tuple[Any, ...]]

START = datetime(2026, 5, 1, 8, 30, 0, 123456, tzinfo=UTC)
LIFE = (
    ("report", None, "reported"),
    ("accept", "reported", "accepted"),
    ("assign", "accepted", "assigned"),
    ("arrive", "assigned", "on_site"),
)

ADD_INCIDENT = """
INSERT INTO incident (id, number, category_code, category_version, level, channel, description,
  occurred_at, reported_at, reporter_id, state, tier, version, head_hash, last_event_at,
  county_code, township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, cell,
  handler_ids, returns, clauses)
VALUES (%(id)s, %(number)s, '0601', 1, 3, 'grid', 'a heap of rubbish', %(at)s, %(at)s, %(id)s,
  %(state)s, 1, %(version)s, %(hash)s, %(at)s, '511723', '511723100', '511723100200',
  '511723100200001', ST_SetSRID(ST_MakePoint(107.8, 31.1), 4490), 107.8, 31.1, 'cgcs2000', 1,
  '{}', 0, '{23.2}')
"""
ADD_EVENT = """
INSERT INTO case_event ({id_column} case_kind, case_id, seq, event, action, actor_id, actor_role,
  from_state, to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)
{overriding} VALUES ({id_value} %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
STEP_INCIDENT = """
UPDATE incident SET version = %s, head_hash = %s, state = %s, last_event_at = %s WHERE id = %s
"""


@dataclass
class Chain:
    """A case whose events are appended one by one, each with its hash."""

    connection: Rows
    kind: str = "delineation"
    id: UUID = field(default_factory=uuid7)
    seq: int = 0
    head: bytes = GENESIS

    def append(self, event_id: int | None = None, **changes: Any) -> Event:
        """The next event, stored; `changes` overwrite its fields."""
        made = msgspec.structs.replace(
            Event(
                case_kind=self.kind,
                case_id=self.id,
                seq=self.seq + 1,
                event=f"{self.kind}.changed",
                action="change",
                actor_id=UUID(int=7),
                actor_role="village_dispatcher",
                from_state=None,
                to_state=None,
                clauses=("23.2",),
                recorded_at=START + timedelta(minutes=self.seq),
                occurred_at=START,
                payload={"说明": "清运", "weight_kg": 12.5, "nested": {"b": [1, None], "a": True}},
            ),
            **changes,
        )
        self.head = store(self.connection, made, self.head, event_id=event_id)
        self.seq = made.seq
        return made


def store(connection: Rows, event: Event, previous: bytes, event_id: int | None = None) -> bytes:
    """Store one event after `previous`; its hash."""
    given = event_id is not None
    query = ADD_EVENT.format(
        id_column="id," if given else "",
        id_value="%s," if given else "",
        overriding="OVERRIDING SYSTEM VALUE" if given else "",
    )
    made = event.chained(previous)
    row = {name: getattr(made, name) for name in Event.__struct_fields__}
    row |= {"clauses": list(made.clauses), "payload": encode_payload(made.payload)}
    connection.execute(query, [*([event_id] if given else []), *row.values()])
    return made.hash


def incident(connection: Rows, case_id: UUID | None = None, steps: int = len(LIFE)) -> Chain:
    """An incident that has gone `steps` steps, with its row and its chain."""
    chain = Chain(connection, kind="incident", id=case_id or uuid7())
    for number, (action, source, target) in enumerate(LIFE[:steps]):
        chain.append(event=f"incident.{action}", action=action, from_state=source, to_state=target)
        values = {"id": chain.id, "number": chain.id.hex, "at": START, "state": target,
                  "version": chain.seq, "hash": chain.head}  # fmt: skip
        if number == 0:
            connection.execute(ADD_INCIDENT, values)
        else:
            at = START + timedelta(minutes=number)
            connection.execute(STEP_INCIDENT, (chain.seq, chain.head, target, at, chain.id))
    return chain


def rehash(connection: Rows, case_id: UUID) -> bytes:
    """Compute all hashes of a chain anew from what is stored, as a clever forger would."""
    rows = connection.execute(
        f"SELECT id, {', '.join(CONTENT)} FROM case_event WHERE case_id = %s ORDER BY seq",
        (case_id,),
    ).fetchall()
    head = GENESIS
    for row in rows:
        values = dict(zip(CONTENT, row[1:], strict=True))
        event = Event(**{**values, "clauses": tuple(values["clauses"])})
        digest = event.digest(head)
        connection.execute(
            "UPDATE case_event SET prev_hash = %s, hash = %s WHERE id = %s", (head, digest, row[0])
        )
        head = digest
    return head
