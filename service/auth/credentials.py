"""Secrets: Argon2 for what people choose, SHA-256 for what the service draws at random.

A password can be guessed, so its hash must be slow; Argon2 takes about 0.1 s and 64 MiB, so it
runs in a thread, a few at a time, off the event loop. A refresh token or a client secret holds 256
random bits: nobody guesses it, a fast hash keeps it as safe, and a system that
asks for a token every ten minutes cannot make the service slow.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, TypeVar

from pwdlib import PasswordHash

from service.auth.password_rules import prepared
from service.errors import Overloaded

AT_A_TIME = 2
MAX_WAITING = 64
REFRESH_PREFIX = "gwr_"
CLIENT_PREFIX = "gwc_"
STORED_SHA256 = "sha256:"
# No 0 o 1 l i: a first password is read out over the telephone.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

T = TypeVar("T")

_argon2 = PasswordHash.recommended()


class Checked(NamedTuple):
    """Whether a password is right, and a new hash when the stored one is out of date."""

    right: bool
    rehashed: str | None = None


class Passwords:
    """Hashes and checks passwords off the event loop, at most `at_a_time` at once."""

    def __init__(self, at_a_time: int = AT_A_TIME, max_waiting: int = MAX_WAITING) -> None:
        self._slots = asyncio.Semaphore(at_a_time)
        self._max_waiting = max_waiting
        self._waiting = 0

    def require_room(self) -> None:
        """Pass when another check can be taken. Raises Overloaded."""
        if self._waiting >= self._max_waiting:
            raise Overloaded

    async def hash(self, password: str) -> str:
        """The Argon2id hash to store. Raises Overloaded."""
        return await self._run(_hash, prepared(password))

    async def check(self, password: str, stored: str | None) -> Checked:
        """Whether `password` is the one stored; as much work when nothing is stored.

        Raises Overloaded.
        """
        return await self._run(_check, prepared(password), stored)

    async def _run(self, work: Callable[..., T], *args: str | None) -> T:
        self.require_room()
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *args)
        finally:
            self._waiting -= 1


def new_password() -> str:
    """A first password to be read out: four groups of four, 79 random bits."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))


def new_token(prefix: str) -> str:
    """A token or client secret of 256 random bits; the prefix lets scanners find leaked ones."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a random token."""
    return hashlib.sha256(token.encode()).digest()


def stored_secret(secret: str) -> str:
    """What is stored of a system's secret."""
    return STORED_SHA256 + digest(secret).hex()


def secret_matches(secret: str, stored: str | None) -> bool:
    """Whether `secret` is the one stored, in constant time."""
    return hmac.compare_digest(stored_secret(secret), stored or "")


@cache
def _nobodys_hash() -> str:
    return _argon2.hash(secrets.token_urlsafe(16))


def _hash(password: str) -> str:
    return _argon2.hash(password)


def _check(password: str, stored: str | None) -> Checked:
    if stored is None or not stored.startswith("$argon2"):
        _argon2.verify(password, _nobodys_hash())
        return Checked(right=False)
    right, rehashed = _argon2.verify_and_update(password, stored)
    return Checked(right, rehashed if right else None)
