"""Showing a reporter's contact in clear: with a purpose, logged, and only so often an hour."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from starlette.datastructures import State

from service.auth.disclosures import disclose
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import Forbidden, NotFound
from service.incidents.actions import NAME_FIELD, PHONE_FIELD
from service.incidents.errors import NoContact
from service.incidents.facts import actor_for
from service.kit import clock

FIND = text("""
SELECT i.grid_code, i.unit_code, i.co_units, i.concerns_unit, k.name, k.phone
FROM incident i LEFT JOIN incident_contact k ON k.incident_id = i.id WHERE i.id = :id
""")


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
        await disclose(
            session, caller.account_id, "incident", incident_id, fields="name,phone",
            purpose=purpose, limit=state.settings.reveal_per_hour, now=clock.now(),
        )  # fmt: skip
        cipher = state.cipher
        clear = {
            "name": cipher.decrypt(row.name, NAME_FIELD) if row.name is not None else None,
            "phone": cipher.decrypt(row.phone, PHONE_FIELD) if row.phone is not None else None,
        }
        await session.commit()
        return clear
