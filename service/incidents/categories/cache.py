"""The published tree in memory: hot paths read it without a round trip and verify its epoch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from service.db import Database
from service.incidents.categories.errors import RetiredCategory, UnknownCategory
from service.incidents.categories.rules import Entry
from service.incidents.categories.store import EPOCH, PUBLISHED, SET_OF, entry_of, read_entries
from service.incidents.categories.tree import tree_bytes

NEVER_LOADED = -1


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category as published. `limits` maps a step to a duration (see service.kit.durations)."""

    code: str
    group: str
    name_zh: str
    name_en: str
    level: int
    limits: Mapping[str, str]
    self_handle: bool
    evidence: str
    conduct: bool
    clauses: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class CategorySnapshot:
    """One version of the tree; `epoch` counts publications, so that a statement can verify it.

    `document` is the tree as `GET /v1/categories` answers it. Version 0 is the empty tree.
    """

    epoch: int
    version: int
    by_code: Mapping[str, CategoryRow]
    document: bytes = field(repr=False)

    def require(self, code: str) -> CategoryRow:
        """The active category `code`. Raises UnknownCategory or RetiredCategory (both 422)."""
        row = self.by_code.get(code)
        if row is None:
            raise UnknownCategory(pointer="/category", category=code)
        if not row.active:
            raise RetiredCategory(
                pointer="/category", category=code, name_zh=row.name_zh, name_en=row.name_en
            )
        return row


class CategoryCache:
    """The process's memory of categories: the tree in force, and the older ones that were asked."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loading = asyncio.Lock()
        self._current = _snapshot(NEVER_LOADED, 0, None, ())
        self._older: dict[int, CategorySnapshot] = {}

    def peek(self) -> CategorySnapshot:
        """The tree as last seen, without a round trip; the caller verifies `epoch` itself.

        Before the first load it is an empty tree with an epoch that the database never has.
        """
        return self._current

    async def current(self) -> CategorySnapshot:
        """The tree in force now: one short look at the epoch, reloaded when it has moved."""
        epoch = await self._db.reads.fetchval(EPOCH)
        return self._current if epoch == self._current.epoch else await self.refresh()

    async def refresh(self) -> CategorySnapshot:
        """Load the tree in force, in one statement and so from one moment.

        Whoever comes while another loads takes that result: the epoch shows if it is old again.
        """
        seen = self._current
        async with self._loading:
            if self._current is not seen:
                return self._current
            rows = await self._db.reads.fetch(PUBLISHED)
            head = rows[0]
            tree = tuple(entry_of(row) for row in rows if row["code"] is not None)
            self._current = _snapshot(
                head["epoch"], head["set_version"] or 0, head["published_at"], tree
            )
            return self._current

    async def version(self, version: int) -> CategorySnapshot | None:
        """A version that is or was in force, under which cases may still run; else None."""
        current = await self.current()
        if version == current.version:
            return current
        known = self._older.get(version)
        if known is None:
            head = await self._db.reads.fetchrow(SET_OF, version)
            if head is None or head["status"] == "draft":
                return None
            tree = await read_entries(self._db, version)
            known = _snapshot(NEVER_LOADED, version, head["published_at"], tree)
            self._older[version] = known
        return known


def _snapshot(
    epoch: int, version: int, published_at: datetime | None, tree: tuple[Entry, ...]
) -> CategorySnapshot:
    by_code = {e.code: _row(e, e.level) for e in tree if e.level is not None}
    document = tree_bytes(version, published_at, tree)
    return CategorySnapshot(epoch, version, MappingProxyType(by_code), document)


def _row(entry: Entry, level: int) -> CategoryRow:
    return CategoryRow(
        code=entry.code,
        group=entry.code[:2],
        name_zh=entry.name_zh,
        name_en=entry.name_en,
        level=level,
        limits=MappingProxyType(dict(entry.limits)),
        self_handle=entry.self_handle,
        evidence=entry.evidence,
        conduct=entry.conduct,
        clauses=entry.clauses,
        active=entry.active,
    )
