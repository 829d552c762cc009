"""Events of many grids at once, each in its own chain.

Who appends here holds the county's lock on grid changes, so no other writer is in these chains;
the unique key on case and sequence is the second guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from service.areas.rules import case_id_of
from service.db import Session
from service.kit.events import GENESIS, Event, encode_payload

CASE_KIND = "grid"
CLAUSES = ("23.2",)

HEADS = text("""
SELECT c.id AS case_id, h.seq, h.hash
FROM unnest(CAST(:cases AS uuid[])) AS c(id) CROSS JOIN LATERAL gw_chain_head(c.id) h
WHERE h.seq IS NOT NULL
""")
APPEND = text("""
INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, actor_role, from_state,
  to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)
SELECT CAST(:case_kind AS text), e.case_id, e.seq, e.event, e.action, CAST(:actor_id AS uuid),
  CAST(:actor_role AS text), e.from_state, e.to_state, CAST(:clauses AS text[]),
  CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(e.payload AS jsonb), e.prev_hash,
  e.hash
FROM unnest(CAST(:cases AS uuid[]), CAST(:seqs AS int[]), CAST(:events AS text[]),
  CAST(:actions AS text[]), CAST(:from_states AS text[]), CAST(:to_states AS text[]),
  CAST(:payloads AS text[]), CAST(:prev_hashes AS bytea[]), CAST(:hashes AS bytea[]))
  AS e(case_id, seq, event, action, from_state, to_state, payload, prev_hash, hash)
""")


@dataclass(frozen=True, slots=True)
class GridEvent:
    """What happened to the grid `code`: event in the past tense, states current or retired."""

    code: str
    event: str
    action: str
    from_state: str | None
    to_state: str
    payload: dict[str, Any]


async def append_all(
    session: Session,
    happened: Sequence[GridEvent],
    *,
    actor_id: UUID,
    actor_role: str | None,
    now: datetime,
) -> None:
    """Chain each event to the last one of its grid; a grid occurs at most once."""
    if not happened:
        return
    cases = [case_id_of(one.code) for one in happened]
    heads = {
        row.case_id: (row.seq, row.hash) for row in await session.execute(HEADS, {"cases": cases})
    }
    made = []
    for case_id, one in zip(cases, happened, strict=True):
        seq, previous = heads.get(case_id, (0, GENESIS))
        event = Event(
            case_kind=CASE_KIND,
            case_id=case_id,
            seq=seq + 1,
            event=one.event,
            action=one.action,
            actor_id=actor_id,
            actor_role=actor_role,
            from_state=one.from_state,
            to_state=one.to_state,
            clauses=CLAUSES,
            recorded_at=now,
            occurred_at=now,
            payload={"code": one.code, **one.payload},
        )
        made.append(event.chained(previous))
    await session.execute(APPEND, _arrays(made))


def _arrays(events: Sequence[Event]) -> dict[str, Any]:
    first = events[0]
    return {
        "case_kind": first.case_kind,
        "actor_id": first.actor_id,
        "actor_role": first.actor_role,
        "clauses": list(first.clauses),
        "now": first.recorded_at,
        "cases": [event.case_id for event in events],
        "seqs": [event.seq for event in events],
        "events": [event.event for event in events],
        "actions": [event.action for event in events],
        "from_states": [event.from_state for event in events],
        "to_states": [event.to_state for event in events],
        "payloads": [encode_payload(event.payload) for event in events],
        "prev_hashes": [event.prev_hash for event in events],
        "hashes": [event.hash for event in events],
    }
