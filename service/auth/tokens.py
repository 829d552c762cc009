"""Access tokens: short-lived JWTs (HS256) that name an account and a login family.

A verified token is remembered until it expires, so that the signature is checked once a token
and not once a request.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from service.errors import Unauthenticated

ISSUER = "gridward"
REMEMBERED = 20_000


class Claims(NamedTuple):
    """What an access token says: the account, the login family, when it ends (epoch seconds)."""

    account_id: UUID
    family_id: UUID
    expires: float


class AccessTokens:
    """Issues and verifies this deployment's own access tokens."""

    def __init__(self, secret: bytes, lifetime_seconds: int) -> None:
        self._key = OctKey.import_key(secret)
        self.lifetime_seconds = lifetime_seconds
        self._known: dict[str, Claims] = {}

    def issue(self, account_id: UUID, family_id: UUID, now: datetime) -> str:
        """A token for `account_id` that ends `lifetime_seconds` after `now`."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": str(account_id),
            "fam": str(family_id),
            "iat": issued,
            "exp": issued + self.lifetime_seconds,
        }
        return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, self._key)

    def verify(self, token: str, now: datetime) -> Claims:
        """The token's claims. Raises Unauthenticated when it is wrong or has ended."""
        claims = self._known.get(token) or self._decode(token)
        if claims.expires <= now.timestamp():
            self._known.pop(token, None)
            raise Unauthenticated
        return claims

    def _decode(self, token: str) -> Claims:
        try:
            found = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            if found["iss"] != ISSUER:
                raise Unauthenticated
            claims = Claims(UUID(found["sub"]), UUID(found["fam"]), float(found["exp"]))
        except (JoseError, KeyError, TypeError, ValueError):
            raise Unauthenticated from None
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = claims
        return claims
