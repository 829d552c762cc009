"""The hot write path: reports and actions, gathered into set-based statements.

One code path for a single request and for a batch: a single request is a batch of one, gathered
with whatever arrived while the previous batch was committing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import length_hint
from uuid import UUID

import asyncpg

from service.areas.grid_cache import GridCache
from service.config import Settings
from service.db import Database, connection_lost
from service.errors import AppError, Busy
from service.incidents import store
from service.incidents.case import INCIDENTS, IncidentCase
from service.incidents.categories.cache import CategoryCache
from service.incidents.deciding import (
    ActItem,
    ReportItem,
    Situation,
    act_keys,
    decide_act,
    decide_report,
    report_keys,
)
from service.incidents.errors import IdTaken
from service.incidents.memory import CaseMemory
from service.incidents.opening import places
from service.kit import clock
from service.kit.advance import Moved, StaleReferenceData, first_answers
from service.kit.bell import Bell
from service.kit.case_rows import Answered
from service.kit.gather import Gather

NUMBER_BLOCK = 1_000
LANES = 2
MAX_ROUNDS = 5


class Desk:
    """Takes reports and actions; answers after their commit."""

    def __init__(
        self, db: Database, settings: Settings, grids: GridCache, categories: CategoryCache
    ) -> None:
        self._db = db
        self._bell = Bell(db)
        self._county = settings.county
        self._grids = grids
        self._categories = categories
        self._memory = CaseMemory()
        self._numbers: Iterator[int] = iter(())
        limits = {"limit": settings.gather_queue, "batch": settings.gather_batch, "lanes": LANES}
        self._reports: Gather[ReportItem, Answered] = Gather(
            self._store_reports, keys=report_keys, unknown=connection_lost, **limits
        )
        self._acts: Gather[ActItem, Answered] = Gather(
            self._store_acts, keys=act_keys, unknown=connection_lost, **limits
        )

    async def report(self, item: ReportItem) -> Answered:
        """Store one new incident, once for its key. Raises AppError."""
        answered = await self._reports.submit(item)
        self._bell.ring()
        return answered

    async def act(self, item: ActItem) -> Answered:
        """Carry out one action, once for its key. Raises AppError."""
        answered = await self._acts.submit(item)
        self._bell.ring()
        return answered

    async def close(self) -> None:
        """Finish what was taken."""
        await self._reports.close()
        await self._acts.close()
        await self._bell.close()

    async def _store_reports(self, batch: Sequence[ReportItem]) -> list[Answered | Exception]:
        async with self._db.writing() as connection:
            for _ in range(MAX_ROUNDS):
                on = Situation(self._grids.peek(), self._categories.peek(), clock.now())
                await self._refill(connection, len(batch))
                try:
                    return await self._insert(connection, batch, on)
                except StaleReferenceData:
                    await self._grids.refresh()
                    await self._categories.refresh()
                except asyncpg.UniqueViolationError:
                    if len(batch) > 1:
                        raise
                    return [IdTaken(id=batch[0].new.id, pointer="/id")]
            raise StaleReferenceData

    async def _insert(
        self, connection: asyncpg.Connection, batch: Sequence[ReportItem], on: Situation
    ) -> list[Answered | Exception]:
        results: list[Answered | Exception | None] = [None] * len(batch)
        writes, positions = [], []
        day = f"{self._county}-{clock.local(on.now):%y%m%d}"
        where = places([item.new for item in batch], on.grids.index)
        for position, (item, place) in enumerate(zip(batch, where, strict=True)):
            try:
                number = f"{day}-{next(self._numbers):07d}"
                writes.append(decide_report(item, place, number, on))
                positions.append(position)
            except AppError as refused:
                results[position] = refused
        if writes:
            epochs = {"grids": on.grids.epoch, "categories": on.categories.epoch}
            stored = await INCIDENTS.insert(connection, writes, now=on.now, epochs=epochs)
            for position, write, result in zip(positions, writes, stored, strict=True):
                results[position] = result
                if isinstance(result, Answered) and not result.replayed:
                    self._memory.keep(write.case)
        asked = [(i.subject.account_id, i.key, i.request_hash) for i in batch]
        await _replace_refusals(connection, asked, results)
        return [r for r in results if r is not None]

    async def _store_acts(self, batch: Sequence[ActItem]) -> list[Answered | Exception]:
        results: list[Answered | Exception | None] = [None] * len(batch)
        known = self._memory.take([item.case_id for item in batch])
        async with self._db.writing() as connection:
            pending = await self._update(connection, batch, range(len(batch)), known, results)
            for _ in range(MAX_ROUNDS):
                if not pending:
                    break
                pending = await self._update(connection, batch, pending, {}, results)
            for position in pending:
                results[position] = Busy()
            asked = [(i.subject.account_id, i.key, i.request_hash) for i in batch]
            await _replace_refusals(connection, asked, results)
        return [r for r in results if r is not None]

    async def _update(
        self,
        connection: asyncpg.Connection,
        batch: Sequence[ActItem],
        pending: Sequence[int],
        known: Mapping[UUID, IncidentCase],
        results: list[Answered | Exception | None],
    ) -> list[int]:
        """Decide the pending elements on the cases, remembered or as they stand now, and store
        what is allowed; which have to be decided again."""
        now = clock.now()
        categories = self._categories.peek()
        unread = [i for p in pending if (i := batch[p].case_id) not in known]
        cases = await store.cases(connection, unread) if unread else {}
        writes, positions, again = [], [], []
        for position in pending:
            item = batch[position]
            remembered = known.get(item.case_id)
            try:
                case = remembered or cases.get(item.case_id)
                writes.append(decide_act(item, case, categories, now))
                positions.append(position)
            except AppError as refused:
                results[position] = refused
                if remembered is not None:
                    again.append(position)
        stored = await INCIDENTS.update(connection, writes, now=now) if writes else []
        for position, write, result in zip(positions, writes, stored, strict=True):
            results[position] = result
            if isinstance(result, Moved):
                again.append(position)
            elif isinstance(result, Answered) and not result.replayed:
                self._memory.keep(write.case)
        return again

    async def _refill(self, connection: asyncpg.Connection, wanted: int) -> None:
        if length_hint(self._numbers) < wanted:
            first = await connection.fetchval(store.NUMBER_BLOCK)
            self._numbers = iter(range(first, first + NUMBER_BLOCK))


async def _replace_refusals(
    connection: asyncpg.Connection,
    asked: Sequence[tuple[UUID, str | None, bytes]],
    results: list[Answered | Exception | None],
) -> None:
    """A refused replay of something done before gets the first answer instead of the refusal."""
    refused = [
        (position, actor, key, request_hash)
        for position, (actor, key, request_hash) in enumerate(asked)
        if key is not None and isinstance(results[position], AppError)
    ]
    if refused:
        for position, first in (await first_answers(connection, refused)).items():
            results[position] = first
