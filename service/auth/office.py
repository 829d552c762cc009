"""What every use case of administering people needs: who acts, where, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.auth import credentials, store
from service.auth.credentials import Passwords
from service.auth.errors import OutsideArea, UnknownArea
from service.auth.permissions import Permission
from service.auth.store import Scope
from service.auth.subject import Subject
from service.db import Session
from service.kit import clock, event_log
from service.kit.idempotency import Answer

MANAGE = Permission.ACCOUNT_MANAGE


@dataclass(frozen=True, slots=True)
class Secret:
    """A new password or client secret: its name in the answer, its text, what is stored."""

    name: str
    value: str
    stored: str


@dataclass(frozen=True, slots=True)
class Done:
    """What an action answers, whose roles it changed, and a secret to show this once."""

    answer: Answer
    touched: UUID | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """The administrator at work: the transaction, the caller, what it may read, the moment."""

    session: Session
    caller: Subject
    scope: Scope
    passwords: Passwords

    @property
    def now(self) -> datetime:
        """The moment of the action."""
        return self.scope.now

    def require(self, area: str) -> None:
        """Pass when the caller administers `area`. Raises OutsideArea."""
        if not self.caller.may_in(MANAGE, area):
            raise self.outside()

    def outside(self) -> OutsideArea:
        """The refusal of what reaches outside the caller's area."""
        return OutsideArea(areas="、".join(self.caller.area_prefixes(MANAGE)))

    async def require_known(self, area: str) -> None:
        """Pass when a division or grid in force has this code. Raises UnknownArea."""
        if not await store.exists(self.session, store.AREA_KNOWN, area=area):
            raise UnknownArea(pointer="/area", area=area)

    async def note(
        self,
        kind: str,
        case: UUID,
        *,
        event: str,
        area: str,
        clauses: tuple[str, ...],
        payload: dict[str, Any],
    ) -> None:
        """Append the event to the history of what was changed; `area` is where."""
        role = self.caller.role_in(MANAGE, area)
        await event_log.append(
            self.session, kind, case, event=f"{kind}.{event}", action=event,
            actor_id=self.caller.account_id, actor_role=role.value if role else None,
            clauses=clauses, now=self.now, payload=payload,
        )  # fmt: skip


def scope_of(caller: Subject, county: str) -> Scope:
    """Where and as what `caller` reads accounts and assignments."""
    return Scope(
        caller.area_prefixes(Permission.ACCOUNT_READ), county, caller.has(MANAGE), clock.now()
    )


async def new_secret(passwords: Passwords, kind: str) -> Secret:
    """A random first password for a person, a client secret for a system."""
    if kind == "system":
        value = credentials.new_token(credentials.CLIENT_PREFIX)
        return Secret("client_secret", value, credentials.stored_secret(value))
    value = credentials.new_password()
    return Secret("password", value, await passwords.hash(value))
