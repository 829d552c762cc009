"""The lists in force in memory: a dispatch is judged by them without a round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from service.db import Database
from service.duties.lists.rules import Entry, covering
from service.duties.lists.store import EPOCH, PUBLISHED, entry_of

NEVER_LOADED = -1


@dataclass(frozen=True, slots=True)
class PublishedList:
    """One list as published; `kind` is township or community."""

    kind: str
    version: int
    published_at: datetime | None
    entries: tuple[Entry, ...]
    _by_code: Mapping[str, tuple[Entry, ...]] = field(repr=False)

    def covering(self, category: str, area: str) -> Entry | None:
        """The item that answers for `category` (4 digits) at `area`; None when there is none."""
        near = (self._by_code.get(category, ()), self._by_code.get(category[:2], ()))
        return next((e for some in near if (e := covering(some, category, area))), None)


@dataclass(frozen=True, slots=True)
class DutySnapshot:
    """The lists in force by kind; `epoch` counts publications. No list: none was published."""

    epoch: int
    by_kind: Mapping[str, PublishedList]


class DutyCache:
    """The process's memory of duty lists."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loading = asyncio.Lock()
        self._current = DutySnapshot(NEVER_LOADED, {})

    def peek(self) -> DutySnapshot:
        """The lists as last seen, without a round trip; nothing before the first load."""
        return self._current

    async def current(self) -> DutySnapshot:
        """The lists in force now: one short look at the epoch, reloaded when it has moved."""
        epoch = await self._db.reads.fetchval(EPOCH)
        return self._current if epoch == self._current.epoch else await self.refresh()

    async def refresh(self) -> DutySnapshot:
        """Load the lists in force, in one statement and so from one moment."""
        seen = self._current
        async with self._loading:
            if self._current is seen:
                self._current = _snapshot(await self._db.reads.fetch(PUBLISHED))
            return self._current


def published_list(
    kind: str, version: int, published_at: datetime | None, entries: Sequence[Entry]
) -> PublishedList:
    """A list as published, with its items by the categories that they name."""
    by_code: dict[str, tuple[Entry, ...]] = {}
    for entry in entries:
        for code in entry.categories:
            by_code[code] = (*by_code.get(code, ()), entry)
    return PublishedList(kind, version, published_at, tuple(entries), MappingProxyType(by_code))


def _snapshot(rows: Sequence[Mapping[str, Any]]) -> DutySnapshot:
    lists: dict[str, PublishedList] = {}
    for head in rows:
        kind = head["kind"]
        if kind is not None and kind not in lists:
            own = [entry_of(r) for r in rows if r["kind"] == kind and r["code"] is not None]
            lists[kind] = published_list(kind, head["list_version"], head["published_at"], own)
    return DutySnapshot(rows[0]["epoch"], MappingProxyType(lists))
