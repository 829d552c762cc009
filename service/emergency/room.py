"""What every use case of emergencies needs: who acts, in which transaction, what it leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from service.areas.grid_cache import GridSnapshot
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.config import Settings
from service.db import Session
from service.emergency.errors import BadIfMatch, StaleVersion
from service.kit import clock, event_log
from service.kit.crypto import FieldCipher

NAMES = UUID("7d1f6a52-3c8e-5b7a-9a41-60f0c2d9e117")
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


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
        states: tuple[str | None, str | None] = (None, None),
        action: str | None = None,
    ) -> None:
        """Append `<kind>.<event>` to the history of what was changed in `area`.

        `payload` names no person. `states` are those before and after.
        """
        role = self.caller.role_in(permission, area) or next(
            (g.role for g in self.caller.grants_for(permission)), None
        )
        await event_log.append(
            self.session, kind, case, event=f"{kind}.{event}", action=action or event,
            actor_id=self.actor, actor_role=role.value if role else None, clauses=clauses,
            now=self.now, from_state=states[0], to_state=states[1], payload=payload,
        )  # fmt: skip


def named_case(kind: str, name: str) -> UUID:
    """The id under which the history of something that is known by a code is kept."""
    return uuid5(NAMES, f"{kind}/{name}")


def expected_version(if_match: str | None) -> int | None:
    """The version that If-Match expects; None when it is absent or `*`. Raises BadIfMatch."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise BadIfMatch(pointer="/If-Match")
    return int(found[1])


def require_version(current: int, expected: int | None) -> None:
    """Pass when the caller has seen the present version. Raises StaleVersion."""
    if expected is not None and expected != current:
        raise StaleVersion(current=current)


def etag(version: int) -> dict[str, str]:
    """The ETag header of a version."""
    return {"ETag": f'"{version}"'}
