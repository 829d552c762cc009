"""The tree as clients read it: groups, their categories, both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from service.incidents.categories.rules import Entry


class Shown(Protocol):
    """What a row shows: a drafted entry and a published row both have it."""

    @property
    def code(self) -> str: ...
    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def level(self) -> int | None: ...
    @property
    def limits(self) -> Mapping[str, str]: ...
    @property
    def self_handle(self) -> bool: ...
    @property
    def evidence(self) -> str: ...
    @property
    def conduct(self) -> bool: ...
    @property
    def clauses(self) -> tuple[str, ...]: ...
    @property
    def active(self) -> bool: ...


def shown_row(entry: Shown) -> dict[str, Any]:
    """One row as it crosses the wire."""
    return {
        "code": entry.code,
        "name_zh": entry.name_zh,
        "name_en": entry.name_en,
        "level": entry.level,
        "limits": dict(entry.limits),
        "self_handle": entry.self_handle,
        "evidence": entry.evidence,
        "conduct": entry.conduct,
        "clauses": list(entry.clauses),
        "active": entry.active,
    }


def tree_bytes(version: int, published_at: datetime | None, tree: Sequence[Entry]) -> bytes:
    """The published tree as JSON: groups by code, each with its categories by code."""
    groups = [
        {
            "code": group.code,
            "name_zh": group.name_zh,
            "name_en": group.name_en,
            "active": group.active,
            "categories": [
                shown_row(e) for e in tree if not e.is_group and e.code[:2] == group.code
            ],
        }
        for group in tree
        if group.is_group
    ]
    return msgspec.json.encode({"version": version, "published_at": published_at, "groups": groups})
