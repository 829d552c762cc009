"""Events of category sets: each version is a case of its own in the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from service.db import Session
from service.kit import event_log

CASE_KIND = "category_set"
CLAUSES = ("23.2",)
_NAMESPACE = UUID("b5b0b1a6-0b0e-5a53-9a65-6d1d7e0a2a01")


def case_id_of(version: int) -> UUID:
    """The id under which the audit trail knows this version of the categories."""
    return uuid5(_NAMESPACE, f"category_set/{version}")


async def record(
    session: Session,
    version: int,
    action: str,
    event: str,
    *,
    actor: UUID,
    now: datetime,
    payload: dict[str, Any] | None = None,
) -> None:
    """Append `category_set.<event>` to the version's chain."""
    await event_log.append(
        session,
        CASE_KIND,
        case_id_of(version),
        event=f"{CASE_KIND}.{event}",
        action=action,
        actor_id=actor,
        clauses=CLAUSES,
        now=now,
        payload={"version": version, **(payload or {})},
    )
