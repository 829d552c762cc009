"""Actors that are no account."""

from __future__ import annotations

from uuid import UUID

# What the service does by itself is signed with the nil UUID (RFC 9562 section 5.9).
SERVICE = UUID(int=0)
