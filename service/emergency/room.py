"""What every use case of emergencies needs: who acts, in which transaction, what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from service.areas.grid_cache import GridSnapshot
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.config import Settings
from service.db import Session
from service.kit import clock, event_log
from service.kit.crypto import FieldCipher
from service.kit.quiet_cases import Deed

NAMES = UUID("7d1f6a52-3c8e-5b7a-9a41-60f0c2d9e117")


@dataclass(frozen=True, slots=True)
class Room:
    """The caller at work: transaction, grants as the tables hold them, grids, the moment."""

    session: Session
    caller: Subject
    grids: GridSnapshot
    cipher: FieldCipher
    settings: Settings
    now: datetime

    @property
    def actor(self) -> UUID:
        """The caller's account."""
        return self.caller.account_id

    @property
    def today(self) -> date:
        """The day on the wall clock of China."""
        return clock.local(self.now).date()

    async def note(
        self,
        kind: str,
        case: UUID,
        *,
        event: str,
        permission: Permission,
        area: str,
        clauses: tuple[str, ...],
        payload: dict[str, Any],
    ) -> None:
        """Append `<kind>.<event>` to the history of what was changed in `area`.

        `payload` names no person.
        """
        await event_log.append(
            self.session, kind, case, event=f"{kind}.{event}", action=event, actor_id=self.actor,
            actor_role=self._role(permission, area), clauses=clauses, now=self.now,
            payload=payload,
        )  # fmt: skip

    def deed(self, permission: Permission, area: str, payload: dict[str, Any]) -> Deed:
        """What a step of the caller's in `area` leaves; `payload` names no person."""
        return Deed(self.actor, self._role(permission, area), self.now, payload)

    def _role(self, permission: Permission, area: str) -> str | None:
        """The role that the caller acts in there; an owner's holds wherever the thing stands."""
        role = self.caller.role_in(permission, area) or next(
            (g.role for g in self.caller.grants_for(permission)), None
        )
        return role.value if role else None


def named_case(kind: str, name: str) -> UUID:
    """The id under which the history of something that is known by a code is kept."""
    return uuid5(NAMES, f"{kind}/{name}")
