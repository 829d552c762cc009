"""Showing a reporter's contact in clear: with a purpose, logged, and only so often an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from starlette.datastructures import State

from service.auth.models import PersonalDataAccess
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.errors import Forbidden, NotFound
from service.incidents.actions import NAME_FIELD, PHONE_FIELD
from service.incidents.errors import NoContact, TooManyReveals
from service.incidents.facts import actor_for
from service.kit import clock
from service.kit.ids import uuid7

FIND = text("""
SELECT i.grid_code, i.unit_code, i.co_units, i.concerns_unit, k.name, k.phone
FROM incident i LEFT JOIN incident_contact k ON k.incident_id = i.id WHERE i.id = :id
""")
WINDOW = timedelta(hours=1)
# One reveal at a time for one person, so that the hourly limit holds under concurrency.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('reveal ' || :actor, 0))")


async def reveal(
    state: State, caller: Subject, incident_id: UUID, purpose: str
) -> dict[str, str | None]:
    """Name and phone in clear; the access is stored before it is answered.

    Raises NotFound, Forbidden, NoContact, TooManyReveals.
    """
    async with state.db.session(caller.account_id) as session:
        row = (await session.execute(FIND, {"id": incident_id})).first()
        if row is None:
            raise NotFound
        if Permission.INCIDENT_REVEAL not in actor_for(caller, row).permissions:
            raise Forbidden
        if row.name is None and row.phone is None:
            raise NoContact
        now = clock.now()
        await _spend_one(state, session, caller, now)
        session.add(
            PersonalDataAccess(
                id=uuid7(),
                actor_id=caller.account_id,
                subject_kind="incident",
                subject_id=incident_id,
                fields="name,phone",
                purpose=purpose,
                accessed_at=now,
            )
        )
        cipher = state.cipher
        clear = {
            "name": cipher.decrypt(row.name, NAME_FIELD) if row.name is not None else None,
            "phone": cipher.decrypt(row.phone, PHONE_FIELD) if row.phone is not None else None,
        }
        await session.commit()
        return clear


async def _spend_one(state: State, session: Session, caller: Subject, now: datetime) -> None:
    """Pass when this hour's reveals are not used up. Raises TooManyReveals."""
    await session.execute(ONE_AT_A_TIME, {"actor": str(caller.account_id)})
    recent = select(func.count(), func.min(PersonalDataAccess.accessed_at)).where(
        PersonalDataAccess.actor_id == caller.account_id,  # type: ignore[arg-type]
        PersonalDataAccess.accessed_at > now - WINDOW,  # type: ignore[arg-type]
    )
    many, oldest = (await session.execute(recent)).one()
    limit = state.settings.reveal_per_hour
    if many >= limit:
        raise TooManyReveals(limit=limit, wait=oldest + WINDOW - now if oldest else WINDOW)
