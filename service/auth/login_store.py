"""All SQL of logging in: guesses, refresh tokens, linked identities.

The account's row is the lock of its logins: whoever rotates or ends families holds it, so no
token is made beside a change of password, a logout or the end of the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import text

from service.auth.rules import Presented
from service.db import Session

# One statement takes the guess before the password is checked, so parallel guesses cannot
# outrun the count. After a lock has passed the count begins anew.
TAKE_GUESS = """
UPDATE account SET
  failed_logins = guess.number,
  locked_until = CASE WHEN guess.number >= $3 THEN $2 + make_interval(secs => $4) END
FROM (SELECT id, CASE WHEN locked_until IS NULL THEN failed_logins + 1 ELSE 1 END AS number
      FROM account
      WHERE login = $1 AND kind = 'person' AND (locked_until IS NULL OR locked_until <= $2)
      FOR NO KEY UPDATE) AS guess
WHERE account.id = guess.id
RETURNING account.id, account.login, account.password_hash, account.failed_logins
"""
LOCKED_UNTIL = "SELECT locked_until FROM account WHERE login = $1 AND kind = 'person'"
SYSTEM = "SELECT id, status, password_hash FROM account WHERE login = $1 AND kind = 'system'"
OWNER = "SELECT account_id, family_id FROM refresh_token WHERE token_hash = $1"
LINKED = "SELECT id FROM account WHERE oidc_subject = $1"

# The hash is compared again: a password changed meanwhile is not a login.
ACCEPT = text("""
UPDATE account SET failed_logins = 0, locked_until = NULL,
  password_hash = coalesce(CAST(:rehashed AS text), password_hash)
WHERE id = :id AND status = 'active' AND password_hash = :checked RETURNING id
""")
SET_PASSWORD = text("""
UPDATE account SET failed_logins = 0, locked_until = NULL, password_hash = :stored
WHERE id = :id AND status = 'active' AND password_hash = :checked RETURNING id
""")
LOCK_ACCOUNT = text("SELECT status FROM account WHERE id = :id FOR NO KEY UPDATE")
PRESENTED = text("""
SELECT t.id, t.parent_id, t.device_id, t.expires_at, t.used_at, t.revoked_at,
  NOT EXISTS (SELECT FROM refresh_token s WHERE s.family_id = t.family_id AND s.parent_id = t.id
              AND (s.used_at IS NOT NULL OR s.revoked_at IS NOT NULL)) AS successors_untouched
FROM refresh_token t WHERE t.token_hash = :digest
""")
MARK_USED = text("UPDATE refresh_token SET used_at = :now WHERE id = :id")
END_ALTERNATIVES = text("""
UPDATE refresh_token SET revoked_at = :now
WHERE account_id = :account AND family_id = :family AND parent_id = :parent AND id <> :id
  AND used_at IS NULL AND revoked_at IS NULL
""")
ADD_TOKEN = text("""
INSERT INTO refresh_token
  (id, family_id, parent_id, account_id, device_id, token_hash, issued_at, expires_at)
VALUES (:id, :family, :parent, :account, :device, :digest, :now, :expires)
""")
END_FAMILIES = text("""
UPDATE refresh_token SET revoked_at = :now
WHERE account_id = :account AND used_at IS NULL AND revoked_at IS NULL
  AND (CAST(:family AS uuid) IS NULL OR family_id = CAST(:family AS uuid))
  AND family_id IS DISTINCT FROM CAST(:keep AS uuid)
RETURNING family_id
""")
PURGE = text("""
DELETE FROM refresh_token WHERE id IN (
  SELECT id FROM refresh_token WHERE expires_at <= :now ORDER BY expires_at LIMIT :most)
""")
# A family's id is a UUIDv7: its first 48 bits are the milliseconds of the login.
SESSIONS = """
SELECT family_id, json_build_object(
    'family', family_id,
    'device_id', device_id,
    'logged_in_at', date_trunc('milliseconds', to_timestamp(
      ('x' || substr(replace(family_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)),
    'last_used_at', issued_at,
    'expires_at', expires_at,
    'current', family_id IS NOT DISTINCT FROM $5::uuid)::text AS item
FROM (
  SELECT DISTINCT ON (family_id) family_id, device_id, issued_at, expires_at
  FROM refresh_token
  WHERE account_id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2
    AND ($3::uuid IS NULL OR family_id < $3)
  ORDER BY family_id DESC, issued_at DESC) AS live
ORDER BY family_id DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that was counted: of which account, against which hash, the how manyth."""

    account_id: UUID
    login: str
    stored: str | None
    number: int


async def take_guess(
    pool: asyncpg.Pool, login: str, *, now: datetime, most: int, seconds: float
) -> Guess | datetime | None:
    """The guess, counted; or until when the account is locked; None for an unknown login."""
    row = await pool.fetchrow(TAKE_GUESS, login, now, most, float(seconds))
    if row is not None:
        return Guess(row["id"], row["login"], row["password_hash"], row["failed_logins"])
    found = await pool.fetchrow(LOCKED_UNTIL, login)
    if found is None:
        return None
    locked_until: datetime | None = found["locked_until"]
    return locked_until or now


async def accept_login(
    session: Session, account: UUID, *, checked: str, rehashed: str | None
) -> bool:
    """Forget the guesses of an active account whose hash still is `checked`; else False."""
    row = await session.execute(ACCEPT, {"id": account, "checked": checked, "rehashed": rehashed})
    return row.first() is not None


async def set_password(session: Session, account: UUID, *, checked: str, stored: str) -> bool:
    """Store a new hash where the old still is `checked`; else False."""
    row = await session.execute(SET_PASSWORD, {"id": account, "checked": checked, "stored": stored})
    return row.first() is not None


async def lock_account(session: Session, account: UUID) -> bool:
    """Hold the account's logins until the transaction ends; whether the account is active."""
    return (await session.execute(LOCK_ACCOUNT, {"id": account})).scalar() == "active"


@dataclass(frozen=True, slots=True)
class Stored:
    """A refresh token's row and what the rules ask of it."""

    id: UUID
    parent_id: UUID | None
    facts: Presented


async def presented(session: Session, digest: bytes) -> Stored | None:
    """The token with this digest, or None."""
    row = (await session.execute(PRESENTED, {"digest": digest})).first()
    if row is None:
        return None
    facts = Presented(
        row.device_id, row.expires_at, row.used_at, row.revoked_at, row.successors_untouched
    )
    return Stored(row.id, row.parent_id, facts)


async def use_token(
    session: Session, token: Stored, *, account: UUID, family: UUID, now: datetime
) -> None:
    """Mark it used; the alternatives that a lost answer left beside it end."""
    await session.execute(MARK_USED, {"id": token.id, "now": now})
    if token.parent_id is not None:
        values = {"account": account, "family": family, "parent": token.parent_id}
        await session.execute(END_ALTERNATIVES, {**values, "id": token.id, "now": now})


async def add_token(
    session: Session,
    *,
    token_id: UUID,
    family: UUID,
    parent: UUID | None,
    account: UUID,
    device_id: str | None,
    digest: bytes,
    now: datetime,
    expires: datetime,
) -> None:
    """Store one refresh token."""
    await session.execute(
        ADD_TOKEN,
        {"id": token_id, "family": family, "parent": parent, "account": account,
         "device": device_id, "digest": digest, "now": now, "expires": expires},
    )  # fmt: skip


async def end_families(
    session: Session,
    account: UUID,
    *,
    now: datetime,
    family: UUID | None = None,
    keep: UUID | None = None,
) -> set[UUID]:
    """End one login, or all of an account but `keep`; the families that were alive."""
    values = {"account": account, "now": now, "family": family, "keep": keep}
    return set((await session.execute(END_FAMILIES, values)).scalars())


async def purge_refresh_tokens(session: Session, now: datetime, *, most: int = 10_000) -> int:
    """Delete up to `most` tokens that have expired at `now`; how many. The caller commits.

    Until it expires a used token stays, so that its reuse is noticed.
    """
    done = await session.execute(PURGE, {"now": now, "most": most})
    return int(done.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
