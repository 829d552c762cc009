"""Replays of keyed requests get the first answer; the same key with another body is 409.

Hot paths write the record inside their own statement (see service.kit.advance). Quiet routes call
`run_once`, which is also the one place where they commit. A key is unique for an account; the
insert decides who is first, never a look-up before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Request
from sqlalchemy import text
from starlette.responses import Response

from service.db import Session
from service.errors import AppError
from service.kit import clock
from service.kit.openapi import reads

HEADER = "Idempotency-Key"
MAX_KEY = 200
# Bodies that the framework reads as forms, and that are gone then.
FORMS = ("multipart/", "application/x-www-form-urlencoded")


class KeyReused(AppError):
    """The key was used before for another request."""

    status, code = 409, "idempotency_key_reused"
    zh = "标识 {key} 已用于另一份内容，未作任何更改；新的请求请换新的标识。"
    en = "The key {key} was used for another body; nothing was changed. Use a new key."


class BadKey(AppError):
    """An Idempotency-Key that is empty, too long or not printable ASCII."""

    status, code = 400, "bad_idempotency_key"
    zh = "Idempotency-Key 应为 1–200 个可见 ASCII 字符。"
    en = "Idempotency-Key must be 1 to 200 printable ASCII characters."


@dataclass(frozen=True, slots=True)
class Once:
    """A request's key (None when it has none) and the hash of what it asks."""

    key: str | None
    request_hash: bytes


def key_of(request: Request) -> str | None:
    """The Idempotency-Key header, or None. Raises BadKey."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise BadKey(pointer="/Idempotency-Key")
    return key


def hash_request(method: str, path: str, body: bytes) -> bytes:
    """16 bytes that tell one request from another: method, path and body."""
    return hashlib.sha256(b"%b %b\n%b" % (method.encode(), path.encode(), body)).digest()[:16]


@reads(HEADER)
async def once(request: Request) -> Once:
    """A dependency: the request's key and hash."""
    body = b"" if _is_form(request) else await request.body()
    return Once(key_of(request), hash_request(request.method, request.scope["path"], body))


Asked = Annotated[Once, Depends(once)]


def keyed(asked: Once, kind: str, made: UUID | None) -> Once:
    """A client-made id serves as the key where no Idempotency-Key is given."""
    if asked.key is not None or made is None:
        return asked
    return Once(f"{kind} {made}", asked.request_hash)


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith(FORMS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action answers: status, JSON-ready body, headers that are part of the answer."""

    status: int
    body: Any
    headers: dict[str, str] | None = None


CLAIM = text("""
INSERT INTO idempotency_record (actor_id, key, request_hash, status, body, created_at)
VALUES (:actor, :key, :hash, 0, '', :now) ON CONFLICT DO NOTHING RETURNING 1
""")
FILL = text("""
UPDATE idempotency_record SET status = :status, body = :body WHERE actor_id = :actor AND key = :key
""")
FIRST = text("""
SELECT request_hash, status, body FROM idempotency_record WHERE actor_id = :actor AND key = :key
""")


async def claim(session: Session, actor: UUID, asked: Once) -> bool:
    """Whether the key is new; commits. For requests made of parts that each have a key of their own
    (see `derived`): a replay runs them again, and they answer as before.

    Raises KeyReused.
    """
    who = {"actor": actor, "key": asked.key}
    made = {**who, "hash": asked.request_hash, "now": clock.now()}
    if (await session.execute(CLAIM, made)).first() is not None:
        await session.commit()
        return True
    first = (await session.execute(FIRST, who)).one()
    if first.request_hash != asked.request_hash:
        raise KeyReused(key=asked.key)
    return False


def derived(asked: Once, part: UUID) -> Once:
    """The key of one part of a request, made from the request's own; none without one."""
    if asked.key is None:
        return asked
    made = hashlib.sha256(asked.key.encode()).hexdigest()[:32]
    return Once(f"part {made} {part}", asked.request_hash)


async def run_once(
    session: Session, actor: UUID, asked: Once, action: Callable[[], Awaitable[Answer]]
) -> Response:
    """Run `action` and commit, or give the first answer again.

    A failure rolls back the record too, so a corrected request may use the same key. Raises
    KeyReused.
    """
    if asked.key is None:
        answer = await action()
        await session.commit()
        return _respond(answer.status, msgspec.json.encode(answer.body), answer.headers)
    who = {"actor": actor, "key": asked.key}
    claim = {**who, "hash": asked.request_hash, "now": clock.now()}
    if (await session.execute(CLAIM, claim)).first() is None:
        first = (await session.execute(FIRST, who)).one()
        if first.request_hash != asked.request_hash:
            raise KeyReused(key=asked.key)
        stored = msgspec.json.decode(first.body)
        return _respond(
            first.status,
            msgspec.json.encode(stored["body"]),
            {**(stored["headers"] or {}), "Idempotency-Replayed": "true"},
        )
    answer = await action()
    stored_body = msgspec.json.encode({"body": answer.body, "headers": answer.headers}).decode()
    await session.execute(FILL, {**who, "status": answer.status, "body": stored_body})
    await session.commit()
    return _respond(answer.status, msgspec.json.encode(answer.body), answer.headers)


def _respond(status: int, body: bytes, headers: dict[str, str] | None) -> Response:
    media = None if status == 204 else "application/json"
    return Response(b"" if status == 204 else body, status, headers, media)
