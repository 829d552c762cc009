"""The hot write path: reports and actions, gathered into set-based statements.

One code path for a single request and for a batch: a single request is a batch of one, gathered
with whatever arrived while the previous batch was committing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import length_hint
from uuid import UUID

import asyncpg

from service.areas.grid_cache import GridCache
from service.config import Settings
from service.db import Database, connection_lost
from service.errors import AppError, Busy
from service.incidents import dispatching, store
from service.incidents.basis import Situation
from service.incidents.case import INCIDENTS, IncidentCase
from service.incidents.categories.cache import CategoryCache, CategorySnapshot
from service.incidents.deciding import decide_act, decide_report
from service.incidents.emergencies import EmergencyCommand
from service.incidents.errors import HeldAbove, IdTaken
from service.incidents.items import ActItem, ReportItem, act_keys, report_keys
from service.incidents.memory import CaseMemory
from service.incidents.opening import places
from service.incidents.policies.cache import ResponseCache
from service.incidents.rules import Command
from service.kit import clock
from service.kit.advance import Moved, StaleReferenceData, first_answers
from service.kit.bell import Bell
from service.kit.case_rows import Answered, Write
from service.kit.gather import Gather

NUMBER_BLOCK = 1_000
LANES = 2
MAX_ROUNDS = 5


class Desk:
    """Takes reports and actions; answers after their commit."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        grids: GridCache,
        categories: CategoryCache,
        response: ResponseCache,
    ) -> None:
        self._db = db
        self._bell = Bell(db)
        self._county = settings.county
        self._grids = grids
        self._categories = categories
        self._response = response
        self.command = EmergencyCommand(db)
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
                on = self._situation()
                await self._refill(connection, len(batch))
                try:
                    return await self._insert(connection, batch, on)
                except StaleReferenceData:
                    await self._renew(on)
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
        if len(writes) < len(batch) and await self._renew(on):
            raise StaleReferenceData
        if writes:
            epochs = {"grids": on.grids.epoch, **on.rules}
            stored = await INCIDENTS.insert(connection, writes, now=on.now, epochs=epochs)
            for position, result in zip(positions, stored, strict=True):
                results[position] = result
        asked = [(i.subject.account_id, i.key, i.request_hash) for i in batch]
        await _replace_refusals(connection, asked, results)
        return [r for r in results if r is not None]

    async def _store_acts(self, batch: Sequence[ActItem]) -> list[Answered | Exception]:
        results: list[Answered | Exception | None] = [None] * len(batch)
        known = self._memory.take([i for item in batch for i in item.case_ids])
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
        unread = [i for p in pending for i in batch[p].case_ids if i not in known]
        cases = {**known, **(await store.cases(connection, unread) if unread else {})}
        on = await self._situation_of(cases.values())
        writes, positions, again = [], [], []
        for position in pending:
            item = batch[position]
            try:
                case, master = cases.get(item.case_id), _case(cases, item.master_id)
                writes.append(decide_act(item, case, on, master))
                positions.append(position)
            except AppError as refused:
                results[position] = refused
                if not known.keys().isdisjoint(item.case_ids):
                    again.append(position)
        if len(writes) < len(pending) and await self._renew(on):
            # What is refused by rules of yesterday is asked again under those of today.
            again += [p for p in pending if p not in positions]
        commanding = await self._commanding(batch, pending, cases, results)
        commands = [batch[p].command for p in positions]
        stored = await self._store(connection, writes, commands, on)
        for position, write, result in zip(positions, writes, stored, strict=True):
            results[position] = result
            if isinstance(result, Moved):
                again.append(position)
            elif isinstance(result, Answered) and not result.replayed:
                self._memory.keep(write.case)
                if write.partner is not None:
                    self._memory.keep(write.partner.case)
        return sorted({*again, *commanding})

    async def _store(
        self,
        connection: asyncpg.Connection,
        writes: Sequence[Write],
        commands: Sequence[Command],
        on: Situation,
    ) -> list[Answered | Exception]:
        """Store all in one statement; what uses up an approval, with it in a transaction."""
        results: dict[int, Answered | Exception] = {}
        plain = [n for n, command in enumerate(commands) if not command.approvals]
        if plain:
            stored = await self._written(connection, [writes[n] for n in plain], on)
            results |= dict(zip(plain, stored, strict=True))
        for n in range(len(writes)):
            if n not in results:
                results[n] = await self._store_approved(connection, writes[n], commands[n], on)
        return [results[n] for n in range(len(writes))]

    async def _store_approved(
        self, connection: asyncpg.Connection, write: Write, command: Command, on: Situation
    ) -> Answered | Exception:
        try:
            async with connection.transaction():
                [result] = await self._written(connection, [write], on)
                if isinstance(result, Answered) and not result.replayed:
                    await dispatching.use(connection, write, command)
                return result
        except AppError as refused:
            return refused

    async def _written(
        self, connection: asyncpg.Connection, writes: Sequence[Write], on: Situation
    ) -> list[Answered | Exception]:
        """Store all; where rules were published meanwhile none is, and each has Moved."""
        try:
            return await INCIDENTS.update(connection, writes, now=on.now, epochs=on.rules)
        except StaleReferenceData:
            await self._renew(on)
            return [Moved() for _ in writes]

    async def _commanding(
        self,
        batch: Sequence[ActItem],
        pending: Sequence[int],
        cases: Mapping[UUID, IncidentCase],
        results: Sequence[Answered | Exception | None],
    ) -> list[int]:
        """Those refused because a higher tier holds the case, whom an emergency gives command."""
        found = []
        for position in pending:
            item = batch[position]
            if isinstance(results[position], HeldAbove) and item.activation_id is None:
                grid = cases[item.case_id].grid_code
                item.activation_id = await self.command.over(item.subject, grid)
                if item.activation_id is not None:
                    found.append(position)
        return found

    def _situation(self) -> Situation:
        return Situation(
            grids=self._grids.peek(),
            categories=self._categories.peek(),
            response=self._response.peek(),
            now=clock.now(),
        )

    async def _renew(self, on: Situation) -> bool:
        """Look at what is published now; whether that is other than what `on` rests on."""
        caches = (self._grids, self._categories, self._response)
        rests_on = [on.grids.epoch, on.categories.epoch, on.response.epoch]
        return rests_on != [(await cache.current()).epoch for cache in caches]

    async def _situation_of(self, cases: Collection[IncidentCase]) -> Situation:
        """With the rules that the cases began under, which may be newer or older than ours."""
        if not self._response.peek().has({case.policy_version for case in cases}):
            await self._response.refresh()
        on = self._situation()
        return replace(on, older=await older_categories(self._categories, cases))

    async def _refill(self, connection: asyncpg.Connection, wanted: int) -> None:
        if length_hint(self._numbers) < wanted:
            first = await connection.fetchval(store.NUMBER_BLOCK)
            self._numbers = iter(range(first, first + NUMBER_BLOCK))


async def older_categories(
    cache: CategoryCache, cases: Iterable[IncidentCase]
) -> dict[int, CategorySnapshot]:
    """The versions of categories, other than the present one, under which `cases` began."""
    began = {case.category_version for case in cases} - {cache.peek().version}
    found = {version: await cache.version(version) for version in began}
    return {version: categories for version, categories in found.items() if categories}


def _case(cases: Mapping[UUID, IncidentCase], case_id: UUID | None) -> IncidentCase | None:
    return cases.get(case_id) if case_id is not None else None


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
