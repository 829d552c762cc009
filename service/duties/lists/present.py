"""Items and lists as clients read them, both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.duties.lists.rules import Entry


def shown_item(entry: Entry) -> dict[str, Any]:
    """One item as it crosses the wire."""
    shown: dict[str, Any] = msgspec.to_builtins(entry)
    return shown


def list_in_force(
    kind: str,
    version: int,
    published_at: datetime | None,
    entries: Sequence[Entry],
    township: str | None,
) -> dict[str, Any]:
    """The active items, each in the section in which it stands in `township`."""
    items = [
        {**shown_item(e), "section": e.section_in(township or "")} for e in entries if e.active
    ]
    return {
        "kind": kind,
        "version": version,
        "published_at": published_at,
        "township": township,
        "items": items,
    }
