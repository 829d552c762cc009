"""Events of duty lists: each version is a case of its own in the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from service.db import Session
from service.kit import event_log

CASE_KIND = "duty_list"
CLAUSES = {
    "township": ("9.1", "35.1", "35.3"),
    "community": ("9.1", "25.1", "35.4"),
}
_NAMESPACE = UUID("4d1c8f0e-5d0a-5b52-8f3a-2c7be54d9a63")


def case_id_of(version: int) -> UUID:
    """The id under which the audit trail knows this version of the duty lists."""
    return uuid5(_NAMESPACE, f"duty_list/{version}")


async def record(
    session: Session,
    version: int,
    kind: str,
    action: str,
    event: str,
    *,
    actor: UUID,
    now: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Append `duty_list.<event>` to the version's chain."""
    await event_log.append(
        session,
        CASE_KIND,
        case_id_of(version),
        event=f"{CASE_KIND}.{event}",
        action=action,
        actor_id=actor,
        clauses=CLAUSES[kind],
        now=now,
        payload={"version": version, "kind": kind, **(payload or {})},
    )
