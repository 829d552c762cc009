"""Appends events of quiet rooms to their case's chain, inside the action's own transaction.

Incidents do not come here: their events are written by the gathered statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import text

from service.db import Session
from service.kit.events import GENESIS, Event, encode_payload

# One writer a case at a time; the lock ends with the transaction.
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:case_id AS text), 0))")
# Not under the reader's policy: a chain goes on after an event that its next author may not see.
HEAD = text("SELECT seq, hash FROM gw_chain_head(:case_id)")
APPEND = text("""
INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, actor_role, from_state,
  to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)
VALUES (:case_kind, :case_id, :seq, :event, :action, :actor_id, :actor_role, :from_state,
  :to_state, :clauses, :recorded_at, :occurred_at, CAST(:payload AS jsonb), :prev_hash, :hash)
""")


async def append(
    session: Session,
    case_kind: str,
    case_id: UUID,
    *,
    event: str,
    action: str,
    actor_id: UUID,
    clauses: tuple[str, ...],
    now: datetime,
    actor_role: str | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    payload: dict[str, Any] | None = None,
) -> Event:
    """The event as stored: next in its case's chain, `event` in the past tense."""
    await session.execute(LOCK, {"case_id": str(case_id)})
    head = (await session.execute(HEAD, {"case_id": case_id})).first()
    previous: bytes = head.hash if head else GENESIS
    made = Event(
        case_kind=case_kind,
        case_id=case_id,
        seq=(head.seq if head else 0) + 1,
        event=event,
        action=action,
        actor_id=actor_id,
        actor_role=actor_role,
        from_state=from_state,
        to_state=to_state,
        clauses=clauses,
        recorded_at=now,
        occurred_at=now,
        payload=payload or {},
    ).chained(previous)
    row = {name: getattr(made, name) for name in made.__struct_fields__}
    row["clauses"] = list(clauses)
    row["payload"] = encode_payload(made.payload)
    await session.execute(APPEND, row)
    return made


@dataclass(frozen=True, slots=True)
class NamedHistory:
    """The chains of one kind of things that are known by a name or version instead of an id.

    Each event tells it as the member `called`, and `about` with it.
    """

    kind: str
    namespace: UUID
    clauses: tuple[str, ...]
    called: str = "version"
    about: dict[str, str] = field(default_factory=dict)

    def case_id_of(self, name: str | int) -> UUID:
        """The id under which the audit trail knows what has this name."""
        return uuid5(self.namespace, f"{self.kind}/{name}")

    async def record(
        self, session: Session, name: str | int, action: str, event: str, *, actor: UUID,
        now: datetime, payload: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Append `<kind>.<event>` to the chain of what has this name."""
        await append(
            session, self.kind, self.case_id_of(name), event=f"{self.kind}.{event}", action=action,
            actor_id=actor, clauses=self.clauses, now=now,
            payload={self.called: name, **self.about, **(payload or {})},
        )  # fmt: skip
