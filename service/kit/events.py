"""Events of a case, chained by hash per case.

An event's hash covers its own content and the hash before it, so that a changed, removed or
inserted row shows. There is one chain a case and never a global one: a global chain would make
all writers wait for one another. Periodic checkpoints (see `service.kit.audit`) chain a digest
over all cases.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

GENESIS = b"\0" * 32
_encoder = msgspec.json.Encoder(order="deterministic")


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to one case: past tense name, who, when, from and to which state.

    `prev_hash` and `hash` chain it; they are not part of its content.
    """

    case_kind: str
    case_id: UUID
    seq: int
    event: str
    action: str
    actor_id: UUID | None
    actor_role: str | None
    from_state: str | None
    to_state: str | None
    clauses: tuple[str, ...]
    recorded_at: datetime
    occurred_at: datetime
    payload: dict[str, Any] = {}
    prev_hash: bytes = GENESIS
    hash: bytes = b""

    def chained(self, previous: bytes) -> Event:
        """This event as the successor of the event whose hash is `previous`."""
        return msgspec.structs.replace(self, prev_hash=previous, hash=self.digest(previous))

    def digest(self, previous: bytes) -> bytes:
        """SHA-256 over the previous hash and the canonical JSON of this event."""
        return hashlib.sha256(previous + self.canonical()).digest()

    def canonical(self) -> bytes:
        """The event as JSON with sorted keys, times in UTC: the same bytes after storage."""
        return _encoder.encode(
            [
                self.case_kind,
                self.case_id,
                self.seq,
                self.event,
                self.action,
                self.actor_id,
                self.actor_role,
                self.from_state,
                self.to_state,
                self.clauses,
                self.recorded_at.astimezone(UTC),
                self.occurred_at.astimezone(UTC),
                self.payload,
            ]
        )


def encode_payload(payload: dict[str, Any]) -> str:
    """The payload as JSON text for the database."""
    return _encoder.encode(payload).decode()
