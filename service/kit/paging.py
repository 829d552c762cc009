"""Keyset pages: an opaque, signed cursor over the sort key; no offset and no COUNT(*)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Query, Request
from starlette.responses import Response

from service.errors import AppError
from service.kit.answers import json_answer

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
TAG_BYTES = 8
# Versions of published data are listed from the newest: the first page goes on after this one.
BEYOND_ANY = 2_000_000_000

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]


class BadCursor(AppError):
    """The cursor was changed, or belongs to another list or filter."""

    status, code = 400, "bad_cursor"
    zh = "cursor 无效：请从第一页重新开始，并保持筛选条件不变。"
    en = (
        "The cursor is not valid here: start from the first page and keep the filters as they were."
    )


class Cursors:
    """Makes and reads cursors; each is bound to the list and the filters that it came from."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"gridward cursor\0" + secret).digest()

    def make(self, scope: str, *key: Any) -> str:
        """A cursor for the row with sort key `key` in the list that `scope` names."""
        body = msgspec.json.encode(key)
        return base64.urlsafe_b64encode(self._tag(scope, body) + body).decode().rstrip("=")

    def read(self, cursor: str, scope: str, *types: type) -> tuple[Any, ...]:
        """The sort key in `cursor`, converted to `types`. Raises BadCursor."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            tag, body = raw[:TAG_BYTES], raw[TAG_BYTES:]
            if not hmac.compare_digest(tag, self._tag(scope, body)):
                raise BadCursor(pointer="/cursor")
            return msgspec.json.decode(body, type=tuple[types])  # type: ignore[valid-type]
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            raise BadCursor(pointer="/cursor") from None

    def _tag(self, scope: str, body: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + body, "sha256")[:TAG_BYTES]


KEYSET_TYPES = (datetime, UUID)


def page_bytes(items: list[str] | list[bytes], next_cursor: str | None) -> bytes:
    """`{"items": […], "next": …}` from items that already are JSON."""
    parts = [item.encode() if isinstance(item, str) else item for item in items]
    return b'{"items":[%b],"next":%b}' % (b",".join(parts), msgspec.json.encode(next_cursor))


async def query_page(
    request: Request, query: str, key: str, cursor: str | None, limit: int, *, first: Any,
    more: tuple[Any, ...] = (), name: str, shown: Callable[[Any], Any] = dict,
) -> Response:  # fmt: skip
    """A keyset page of `query`, whose $1 is the key to go on after, $2 the size; `more` from $3.

    `key` is the column that sorts it, `name` the list and its filters. Raises BadCursor.
    """
    cursors = request.app.state.cursors
    after = cursors.read(cursor, name, type(first))[0] if cursor else first
    rows = await request.app.state.db.reads.fetch(query, after, limit + 1, *more)
    following = cursors.make(name, rows[limit - 1][key]) if len(rows) > limit else None
    items = [msgspec.json.encode(shown(row)) for row in rows[:limit]]
    return json_answer(page_bytes(items, following))
