"""Event ids: where in the order of commits a console is, opaque and signed.

The place is (transaction, event): never a time, never a bare sequence, both of which are passed by
what commits late. The first half is signed and the same for all consoles; the second names the
account, so that an id of somebody else's stream is told apart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from typing import NamedTuple
from uuid import UUID

from service.dispatch.errors import BadEventId

TAG_BYTES, OWNER_BYTES = 8, 6
PLACE = struct.Struct(">QQ")


class Place(NamedTuple):
    """A point in the order of commits: the transaction, then the event's own number."""

    xact: int
    event: int


START = Place(0, 0)


class EventIds:
    """Makes and reads the ids of one deployment."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"gridward stream\0" + secret).digest()

    def shared(self, place: Place) -> bytes:
        """The half that says where; the same for every account."""
        body = PLACE.pack(*place)
        return base64.urlsafe_b64encode(self._tag(b"place", body, TAG_BYTES) + body)

    def owner(self, account: UUID) -> bytes:
        """The half that says whose."""
        return base64.urlsafe_b64encode(self._tag(b"owner", account.bytes, OWNER_BYTES))

    def read(self, text: str, account: UUID) -> Place:
        """The place that `account` was told of. Raises BadEventId."""
        shared, _, owner = text.partition(".")
        try:
            raw = base64.b64decode(shared, altchars=b"-_", validate=True)
            place = Place(*PLACE.unpack(raw[TAG_BYTES:]))
        except (binascii.Error, ValueError, struct.error):
            raise BadEventId(pointer="/Last-Event-ID") from None
        known = hmac.compare_digest(self.shared(place), shared.encode())
        if not (known and hmac.compare_digest(self.owner(account), owner.encode())):
            raise BadEventId(pointer="/Last-Event-ID")
        return place

    def _tag(self, use: bytes, body: bytes, size: int) -> bytes:
        return hmac.digest(self._key, use + b"\0" + body, "sha256")[:size]
