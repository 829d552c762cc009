"""Field encryption at rest: AES-256-GCM with key ids, and a keyed hash for exact look-up.

Personal Information Protection Law art. 28 and 51: phones, names and identity numbers are
stored encrypted; the associated data binds a value to its field, so that a cipher text moved
to another field does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class UnknownKey(Exception):
    """A stored value names a key that this deployment does not hold."""


class Unreadable(Exception):
    """A stored value does not open with the key that it names: changed or moved."""


@dataclass(frozen=True, slots=True)
class FieldCipher:
    """Encrypts with the newest key, decrypts with any key held.

    `keys` maps a short key id (1 to 20 ASCII characters) to 32 bytes; `current` is its newest id.
    """

    keys: dict[str, bytes]
    current: str

    @classmethod
    def from_setting(cls, text: str) -> FieldCipher:
        """Read "id:base64url,id:base64url", newest first.

        Raises ValueError when a key is not 32 bytes or an id is missing.
        """
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            key_id, _, encoded = part.strip().partition(":")
            raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            if not key_id or len(key_id) > 20 or len(raw) != KEY_BYTES:
                raise ValueError("field_keys: each entry is id:base64url of 32 bytes")
            keys[key_id] = raw
        return cls(keys, next(iter(keys)))

    @staticmethod
    def generate_setting() -> str:
        """A `field_keys` setting with one new random key."""
        return f"k1:{base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()}"

    def encrypt(self, value: str, field: str) -> bytes:
        """`value` sealed for `field`: length of key id, key id, nonce, cipher text with tag."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, value.encode(), field.encode())
        key_id = self.current.encode()
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def decrypt(self, stored: bytes, field: str) -> str:
        """The clear value. Raises UnknownKey or Unreadable, never garbage."""
        split = 1 + stored[0]
        key_id = stored[1:split].decode("ascii", "replace")
        key = self.keys.get(key_id)
        if key is None:
            raise UnknownKey(key_id)
        nonce, sealed = stored[split : split + NONCE_BYTES], stored[split + NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, sealed, field.encode()).decode()
        except InvalidTag:
            raise Unreadable(field) from None

    def blind_index(self, value: str, field: str) -> bytes:
        """16 bytes that equal values share: HMAC-SHA-256 under a key derived from the oldest."""
        oldest = next(reversed(self.keys.values()))
        derived = hashlib.sha256(b"gridward blind index\0" + oldest).digest()
        return hmac.digest(derived, f"{field}\0{value}".encode(), "sha256")[:16]


def mask_name(name: str) -> str:
    """Surname only: 张** (two characters of a compound surname are not told apart)."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def mask_phone(phone: str) -> str:
    """First three and last four digits: 138****5678; short numbers show the last two."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 11 else f"****{phone[-2:]}"
