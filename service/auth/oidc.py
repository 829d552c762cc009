"""OpenID Connect as the alternative issuer: its tokens open the accounts linked to them.

Only RS256 and ES256 with a key of the issuer's published set count: never `none`, never a
symmetric algorithm whose "secret" would be a public key. The key set is remembered and fetched
anew when a token names an unknown key, but not more often than the limit, so that made-up key ids
cannot make this service press the issuer.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from service.auth.errors import UnlinkedSubject
from service.auth.login_store import LINKED
from service.config import Settings
from service.db import Database
from service.errors import Unauthenticated, Unavailable
from service.kit import clock

ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
MIN_RSA_BYTES = 256
LEEWAY_SECONDS = 60
KEYS_FOR_SECONDS = 3600.0
REFETCH_SECONDS = 30.0
RETRY_SECONDS = 5.0
TIMEOUT = httpx.Timeout(3.0)
DISCOVERY = "/.well-known/openid-configuration"
MAX_SUBJECT = 255

log = structlog.get_logger()
Key = RSAKey | ECKey


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None


class _Issuer(msgspec.Struct):
    iss: str | None = None


class _End(msgspec.Struct):
    exp: float


class KeySet:
    """The issuer's signing keys, as published at its JWKS address (RFC 7517)."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        issuer: str,
        jwks_url: str,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._keys: dict[tuple[str, str | None], Key] | None = None
        self._fresh_until = 0.0
        self._next_fetch = 0.0

    async def find(self, algorithm: str, kid: str | None) -> Key | None:
        """The key for tokens with this header, or None. Raises Unavailable without any keys."""
        if self._keys is None or self._seconds() >= self._fresh_until:
            await self._refetch()
        if (key := self._lookup(algorithm, kid)) is None:
            await self._refetch()
            key = self._lookup(algorithm, kid)
        return key

    def _lookup(self, algorithm: str, kid: str | None) -> Key | None:
        if self._keys is None:
            raise Unavailable
        if kid is not None:
            return self._keys.get((algorithm, kid))
        fitting = [key for (fits, _), key in self._keys.items() if fits == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _refetch(self) -> None:
        async with self._lock:
            now = self._seconds()
            if now < self._next_fetch:
                return
            try:
                self._keys = await self._fetch()
            except (httpx.HTTPError, ValueError) as failure:
                # What is known stays in use; a rotated key waits until the issuer answers.
                self._next_fetch = now + RETRY_SECONDS
                log.warning("oidc_keys_unavailable", error=repr(failure))
                return
            self._next_fetch = now + REFETCH_SECONDS
            self._fresh_until = now + KEYS_FOR_SECONDS

    async def _fetch(self) -> dict[tuple[str, str | None], Key]:
        if not self._jwks_url:
            found = await self._json(self._issuer.rstrip("/") + DISCOVERY)
            if found.get("issuer") != self._issuer or not isinstance(found.get("jwks_uri"), str):
                raise ValueError("the discovery document is not this issuer's")
            self._jwks_url = found["jwks_uri"]
        keys: dict[tuple[str, str | None], Key] = {}
        for entry in (await self._json(self._jwks_url)).get("keys", ()):
            for algorithm, kind in ALGORITHMS.items():
                if (key := _usable(entry, algorithm, kind)) is not None:
                    keys[(algorithm, entry.get("kid"))] = key
        return keys

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await self._client.get(url, headers={"accept": "application/json"})
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, Any])


class Oidc:
    """Tells which account a token of the other issuer opens."""

    def __init__(
        self, settings: Settings, db: Database, client: httpx.AsyncClient | None = None
    ) -> None:
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._db = db
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT)
        self.keys = KeySet(self._client, self._issuer, settings.oidc_jwks_url)

    async def close(self) -> None:
        """Close the connections to the issuer."""
        await self._client.aclose()

    def issued(self, token: str) -> bool:
        """Whether the token says that it is this issuer's; nothing is verified."""
        found = _part(token, 1, _Issuer)
        return found is not None and found.iss == self._issuer

    def end_of(self, token: str) -> float:
        """When a token that `account_of` has accepted ends (epoch seconds)."""
        found = _part(token, 1, _End)
        if found is None:
            raise Unauthenticated
        return float(found.exp)

    async def account_of(self, token: str) -> UUID | None:
        """The account linked to the token's subject; None when another issuer made the token.

        Raises Unauthenticated for a token that is wrong or has ended, UnlinkedSubject, and
        Unavailable while the issuer's keys cannot be had.
        """
        if not self.issued(token):
            return None
        subject = await self._subject(token)
        account: UUID | None = await self._db.reads.fetchval(LINKED, subject)
        if account is None:
            raise UnlinkedSubject(subject=subject)
        return account

    async def _subject(self, token: str) -> str:
        header = _part(token, 0, _Header)
        if header is None or header.alg not in ALGORITHMS:
            raise Unauthenticated
        key = await self.keys.find(header.alg, header.kid)
        if key is None:
            raise Unauthenticated
        try:
            claims = jwt.decode(token, key, algorithms=[header.alg]).claims
        except (JoseError, ValueError):
            raise Unauthenticated from None
        if not claims_hold(claims, self._issuer, self._audience, clock.now()):
            raise Unauthenticated
        return str(claims["sub"])


def claims_hold(claims: dict[str, Any], issuer: str, audience: str, now: datetime) -> bool:
    """Whether verified claims are meant for this service and valid now (RFC 7519 4.1).

    `exp` is required; clocks may differ by a minute.
    """
    stamp = now.timestamp()
    meant_for = claims.get("aud")
    audiences = meant_for if isinstance(meant_for, list) else [meant_for]
    subject = claims.get("sub")
    expires, begins = _number(claims.get("exp")), _number(claims.get("nbf", 0))
    return (
        claims.get("iss") == issuer
        and audience in audiences
        and isinstance(subject, str)
        and 0 < len(subject) <= MAX_SUBJECT
        and expires is not None
        and stamp < expires + LEEWAY_SECONDS
        and begins is not None
        and stamp >= begins - LEEWAY_SECONDS
    )


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _usable(entry: Any, algorithm: str, kind: str) -> Key | None:
    """A published key as a key for `algorithm`; None when it is for something else."""
    if not isinstance(entry, dict) or entry.get("kty") != kind:
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    try:
        if kind == "EC":
            return ECKey.import_key(entry) if entry.get("crv") == "P-256" else None
        long_enough = len(_unbase64(str(entry.get("n", "")))) >= MIN_RSA_BYTES
        return RSAKey.import_key(entry) if long_enough else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def _part(token: str, index: int, kind: type[Any]) -> Any:
    """Header (0) or claims (1) of a compact token, unverified; None when it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        return msgspec.json.decode(_unbase64(parts[index]), type=kind)
    except (ValueError, msgspec.MsgspecError):
        return None


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
