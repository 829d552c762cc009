"""Use cases of logging in: password, refresh, client credentials, logout, new password.

They commit themselves: a refusal that ends a login or counts a guess must be kept too. No
connection is held while a password is hashed for a login.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.auth import credentials, login_store, rules
from service.auth.credentials import Passwords
from service.auth.errors import (
    InvalidClient,
    InvalidGrant,
    LockedOut,
    WeakPassword,
    WrongPassword,
)
from service.auth.guesses import UnknownLogins
from service.auth.password_rules import weakness
from service.auth.tokens import AccessTokens
from service.config import Settings
from service.db import Database, Session
from service.errors import Unauthenticated
from service.kit import clock, event_log
from service.kit.ids import uuid7

CLAUSES = ("30.1", "31.1")


@dataclass(frozen=True, slots=True)
class Issued:
    """What a successful token request answers (RFC 6749 5.1); lifetimes in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None
    token_type: str = "Bearer"  # noqa: S105 - the type's name in RFC 6750, no secret


class Logins:
    """Gives, renews and ends logins of this deployment's own accounts."""

    def __init__(self, db: Database, tokens: AccessTokens, settings: Settings) -> None:
        self._db = db
        self._tokens = tokens
        self._most_guesses = settings.lockout_failures
        self._lock_seconds = settings.lockout_seconds
        self._refresh_for = timedelta(days=settings.refresh_token_days)
        self._unknown = UnknownLogins(settings.lockout_failures, settings.lockout_seconds)
        self.passwords = Passwords()

    async def by_password(self, login: str, password: str, device_id: str | None) -> Issued:
        """A new login, bound to the device when one is named.

        Raises InvalidGrant, LockedOut, Overloaded. An unknown login costs the same work and locks
        in the same way.
        """
        guess = await self._guess(login.lower())
        checked = await self.passwords.check(password, guess.stored if guess else None)
        now = clock.now()
        if guess is None or guess.stored is None or not checked.right:
            await self._note_lock(guess, now)
            raise InvalidGrant
        family = uuid7()
        async with self._db.session(guess.account_id) as session:
            if not await login_store.accept_login(
                session, guess.account_id, checked=guess.stored, rehashed=checked.rehashed
            ):
                raise InvalidGrant
            issued = await self._issue(
                session, guess.account_id, family, parent=None, device_id=device_id, now=now
            )
            await _note(session, guess.account_id, "logged_in", "login", now, family=family)
            await session.commit()
        return issued

    async def by_refresh(self, token: str, device_id: str | None) -> Issued:
        """New tokens for a refresh token (see rules.judge_refresh). Raises InvalidGrant."""
        digest = credentials.digest(token)
        owner = await self._db.reads.fetchrow(login_store.OWNER, digest)
        if owner is None:
            raise InvalidGrant
        account, family = owner["account_id"], owner["family_id"]
        async with self._db.session(account) as session:
            active = await login_store.lock_account(session, account)
            now = clock.now()
            stored = await login_store.presented(session, digest)
            if stored is None:
                raise InvalidGrant
            verdict = rules.judge_refresh(stored.facts, device_id=device_id, now=now)
            if verdict.ends_family or not active:
                cause = verdict.value if active else "account_disabled"
                await self._end(session, account, family, now, cause=cause)
            if not (active and verdict.grants):
                raise InvalidGrant
            if verdict is rules.Verdict.ROTATE:
                await login_store.use_token(
                    session, stored, account=account, family=family, now=now
                )
            issued = await self._issue(
                session, account, family, parent=stored.id, device_id=stored.facts.device_id,
                now=now,
            )  # fmt: skip
            await session.commit()
        return issued

    async def by_client(self, client_id: str, secret: str) -> Issued:
        """An access token for a system; no refresh token (RFC 6749 4.4.3). Raises InvalidClient."""
        row = await self._db.reads.fetchrow(login_store.SYSTEM, client_id.lower())
        matches = credentials.secret_matches(secret, row["password_hash"] if row else None)
        if row is None or not matches or row["status"] != "active":
            raise InvalidClient
        now, family = clock.now(), uuid7()
        async with self._db.session(row["id"]) as session:
            await _note(session, row["id"], "logged_in", "login", now, family=family)
            await session.commit()
        access = self._tokens.issue(row["id"], family, now)
        return Issued(access, self._tokens.lifetime_seconds)

    async def revoke(self, token: str) -> None:
        """End the login that a refresh or access token belongs to (RFC 7009); unknown is fine."""
        owner = await self._db.reads.fetchrow(login_store.OWNER, credentials.digest(token))
        if owner is not None:
            account, family = owner["account_id"], owner["family_id"]
        else:
            try:
                claims = self._tokens.verify(token, clock.now())
            except Unauthenticated:
                return
            account, family = claims.account_id, claims.family_id
        async with self._db.session(account) as session:
            await login_store.lock_account(session, account)
            await self._end(session, account, family, clock.now(), cause="logout")

    async def change_password(
        self, session: Session, account: UUID, *, old: str, new: str, keep: UUID | None
    ) -> None:
        """Replace the caller's password and end all logins but `keep`; the caller commits.

        Raises WrongPassword (it counts as a guess), LockedOut, WeakPassword, Overloaded.
        """
        login = await self._db.reads.fetchval("SELECT login FROM account WHERE id = $1", account)
        if found := weakness(new, login) or (_SAME if new == old else None):
            raise WeakPassword(pointer="/new_password", reason_zh=found[0], reason_en=found[1])
        guess = await self._guess(login)
        checked = await self.passwords.check(old, guess.stored if guess else None)
        now = clock.now()
        if guess is None or guess.stored is None or not checked.right:
            await session.rollback()  # gives its connection back before another is asked for
            await self._note_lock(guess, now)
            raise WrongPassword(pointer="/old_password")
        stored = await self.passwords.hash(new)
        if not await login_store.set_password(
            session, account, checked=guess.stored, stored=stored
        ):
            raise WrongPassword(pointer="/old_password")
        ended = await login_store.end_families(session, account, now=now, keep=keep)
        await _note(session, account, "password_changed", "change_password", now, ended=len(ended))

    async def _guess(self, login: str) -> login_store.Guess | None:
        """Count a guess before it is checked. Raises LockedOut, Overloaded."""
        self.passwords.require_room()
        now = clock.now()
        taken = await login_store.take_guess(
            self._db.reads, login, now=now, most=self._most_guesses, seconds=self._lock_seconds
        )
        if taken is None:
            taken = self._unknown.take(login, now)
        if isinstance(taken, datetime):
            raise LockedOut(until=taken, now=now)
        return taken

    async def _note_lock(self, guess: login_store.Guess | None, now: datetime) -> None:
        """Leave an event when this wrong guess was the one that locked the account."""
        if guess is None or guess.number < self._most_guesses:
            return
        async with self._db.session(guess.account_id) as session:
            await _note(
                session, guess.account_id, "locked", "guess", now,
                wrong_passwords=guess.number, seconds=self._lock_seconds,
            )  # fmt: skip
            await session.commit()

    async def _issue(
        self,
        session: Session,
        account: UUID,
        family: UUID,
        *,
        parent: UUID | None,
        device_id: str | None,
        now: datetime,
    ) -> Issued:
        refresh = credentials.new_token(credentials.REFRESH_PREFIX)
        await login_store.add_token(
            session,
            token_id=uuid7(),
            family=family,
            parent=parent,
            account=account,
            device_id=device_id,
            digest=credentials.digest(refresh),
            now=now,
            expires=now + self._refresh_for,
        )
        access = self._tokens.issue(account, family, now)
        lifetime = int(self._refresh_for.total_seconds())
        return Issued(access, self._tokens.lifetime_seconds, refresh, lifetime)

    async def _end(
        self, session: Session, account: UUID, family: UUID, now: datetime, *, cause: str
    ) -> None:
        if await login_store.end_families(session, account, now=now, family=family):
            await _note(
                session, account, "session_ended", "end_session", now, family=family, cause=cause
            )
        await session.commit()


_SAME = ("与原密码相同", "it is the old password")


async def end_session(session: Session, account: UUID, family: UUID) -> bool:
    """End one login of the caller; False when it is not alive. The caller commits."""
    now = clock.now()
    await login_store.lock_account(session, account)
    ended = await login_store.end_families(session, account, now=now, family=family)
    if ended:
        await _note(
            session, account, "session_ended", "end_session", now, family=family, cause="owner"
        )
    return bool(ended)


async def _note(
    session: Session, account: UUID, event: str, action: str, now: datetime, **payload: Any
) -> None:
    """Append to the account's own history; the account itself is the actor."""
    await event_log.append(
        session, "account", account, event=f"account.{event}", action=action,
        actor_id=account, clauses=CLAUSES, now=now, payload=payload,
    )  # fmt: skip
