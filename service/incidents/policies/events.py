"""Events of the response room: each policy, calendar year and area's hours is a case of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from service.db import Session
from service.kit import event_log

POLICY, CALENDAR, HOURS = "response_policy", "work_calendar", "service_hours"
# 23.2 tiered response; 13.7 staggered and extended hours.
CLAUSES = {POLICY: ("23.2",), CALENDAR: ("23.2",), HOURS: ("13.7", "23.2")}
_NAMESPACE = UUID("b5b0b1a6-0b0e-5a53-9a65-6d1d7e0a2a03")


def case_id_of(kind: str, name: str | int) -> UUID:
    """The id under which the audit trail knows this policy, calendar or area's hours."""
    return uuid5(_NAMESPACE, f"{kind}/{name}")


async def record(
    session: Session,
    kind: str,
    name: str | int,
    action: str,
    event: str,
    *,
    actor: UUID,
    now: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Append `<kind>.<event>` to the chain of what is named."""
    await event_log.append(
        session,
        kind,
        case_id_of(kind, name),
        event=f"{kind}.{event}",
        action=action,
        actor_id=actor,
        clauses=CLAUSES[kind],
        now=now,
        payload={"name": str(name), **(payload or {})},
    )
