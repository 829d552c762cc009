"""The timeline of a case: its chained events as clients read them, one way for all kinds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from service.db import Database, as_actor
from service.errors import NotFound

EVENTS = as_actor("""
SELECT json_build_object(
  'seq', e.seq, 'event', e.event, 'action', e.action, 'actor_id', e.actor_id,
  'actor_name', c.name, 'actor_role', e.actor_role, 'from_state', e.from_state,
  'to_state', e.to_state, 'clauses', e.clauses, 'recorded_at', e.recorded_at,
  'occurred_at', e.occurred_at, 'payload', e.payload,
  'attachments', coalesce((SELECT json_agg(l.attachment_id) FROM attachment_link l
    WHERE l.case_id = e.case_id AND l.seq = e.seq), '[]'::json))::text AS body
FROM case_event e LEFT JOIN account c ON c.id = e.actor_id
WHERE e.case_id = $2 AND e.case_kind = ANY ($3) ORDER BY e.seq
""")


class TimelineEvent(BaseModel):
    """One step of a case, with the clauses that it fulfils."""

    seq: int
    event: str
    action: str
    actor_id: UUID | None
    actor_name: str | None
    actor_role: str | None
    from_state: str | None
    to_state: str | None
    clauses: list[str]
    recorded_at: AwareDatetime
    occurred_at: AwareDatetime
    payload: dict[str, Any]
    attachments: list[UUID]


class Timeline(BaseModel):
    """All steps of a case, oldest first."""

    items: list[TimelineEvent]


async def timeline(db: Database, actor: UUID, case_id: UUID, *kinds: str) -> bytes:
    """All events of a case of one of these kinds, oldest first, as JSON bytes (see Timeline).

    Row-level security reads as `actor`: a case's history is seen by who sees the case. Raises
    NotFound.
    """
    rows = await db.reads.fetch(EVENTS, str(actor), case_id, list(kinds))
    if not rows:
        raise NotFound
    return b'{"items":[%b]}' % b",".join(row["body"].encode() for row in rows)
