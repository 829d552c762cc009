"""The hot write path: reports and actions, gathered into set-based statements.

One code path for a single request and for a batch: a single request is a batch of one, gathered
with whatever arrived while the previous batch was committing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

import asyncpg

from service.areas.grid_cache import GridCache, GridSnapshot
from service.auth.permissions import Permission, roles_with
from service.auth.subject import Subject
from service.config import Settings
from service.db import Database, connection_lost
from service.errors import AppError, Busy, Forbidden, NotFound
from service.incidents import rules, store
from service.incidents.case import INCIDENTS, IncidentCase
from service.incidents.categories.cache import CategoryCache, CategorySnapshot
from service.incidents.errors import IdTaken
from service.incidents.facts import actor_for, category_rule
from service.incidents.opening import NewIncident, open_incident
from service.incidents.present import answer
from service.incidents.workflow import INCIDENT
from service.kit import clock
from service.kit.advance import Moved, StaleReferenceData, first_answers, record
from service.kit.case_rows import Answered, ContactRow, Element, Link, Write
from service.kit.events import Event
from service.kit.gather import Gather
from service.kit.workflow import Step

NUMBER_BLOCK = 1_000
LANES = 2
MAX_ROUNDS = 5
CREATED, OK = 201, 200


@dataclass(slots=True)
class ReportItem:
    """One report on its way to the statement."""

    subject: Subject
    new: NewIncident
    key: str | None
    request_hash: bytes
    contact: ContactRow | None = None


@dataclass(slots=True)
class ActItem:
    """One action on its way to the statement."""

    subject: Subject
    case_id: UUID
    command: rules.Command
    key: str | None
    request_hash: bytes


@cache
def _roles(permission: str) -> str:
    return ",".join(roles_with(Permission(permission)))


class Desk:
    """Takes reports and actions; answers after their commit."""

    def __init__(
        self, db: Database, settings: Settings, grids: GridCache, categories: CategoryCache
    ) -> None:
        self._db = db
        self._county = settings.county
        self._grids = grids
        self._categories = categories
        self._numbers: range = range(0)
        limits = {"limit": settings.gather_queue, "batch": settings.gather_batch, "lanes": LANES}
        self._reports: Gather[ReportItem, Answered] = Gather(
            self._store_reports, keys=_report_keys, unknown=connection_lost, **limits
        )
        self._acts: Gather[ActItem, Answered] = Gather(
            self._store_acts, keys=_act_keys, unknown=connection_lost, **limits
        )

    async def report(self, item: ReportItem) -> Answered:
        """Store one new incident, once for its key. Raises AppError."""
        return await self._reports.submit(item)

    async def act(self, item: ActItem) -> Answered:
        """Carry out one action, once for its key. Raises AppError."""
        return await self._acts.submit(item)

    async def close(self) -> None:
        """Finish what was taken."""
        await self._reports.close()
        await self._acts.close()

    async def _store_reports(self, batch: Sequence[ReportItem]) -> list[Answered | Exception]:
        async with self._db.writes.acquire() as connection:
            for _ in range(MAX_ROUNDS):
                grids, categories = self._grids.peek(), self._categories.peek()
                await self._refill(connection, len(batch))
                try:
                    return await self._insert(connection, batch, grids, categories)
                except StaleReferenceData:
                    await self._grids.refresh()
                    await self._categories.refresh()
                except asyncpg.UniqueViolationError:
                    if len(batch) > 1:
                        raise
                    return [IdTaken(id=batch[0].new.id, pointer="/id")]
            raise StaleReferenceData

    async def _insert(
        self,
        connection: asyncpg.Connection,
        batch: Sequence[ReportItem],
        grids: GridSnapshot,
        categories: CategorySnapshot,
    ) -> list[Answered | Exception]:
        now = clock.now()
        results: list[Answered | Exception | None] = [None] * len(batch)
        writes, positions = [], []
        for position, item in enumerate(batch):
            try:
                writes.append(self._open(item, grids, categories, now))
                positions.append(position)
            except AppError as refused:
                results[position] = refused
        if writes:
            epochs = {"grids": grids.epoch, "categories": categories.epoch}
            stored = await INCIDENTS.insert(connection, writes, now=now, epochs=epochs)
            for position, result in zip(positions, stored, strict=True):
                results[position] = result
        await _replace_refusals(
            connection,
            [(i.subject.account_id, i.key, i.request_hash) for i in batch],
            results,
        )
        return [r for r in results if r is not None]

    def _open(
        self,
        item: ReportItem,
        grids: GridSnapshot,
        categories: CategorySnapshot,
        now: datetime,
    ) -> Write:
        new = item.new
        category = categories.require(new.category)
        case = open_incident(
            new,
            grids=grids.index,
            level=category.level,
            category_version=categories.version,
            clauses=category.clauses,
            number=self._number(now),
            reporter_id=item.subject.account_id,
            now=now,
        )
        rule = category_rule(category)
        actor = actor_for(item.subject, case)
        payload = {"category": case.category_code, "grid": case.grid_code, "level": case.level}
        if new.attachments:
            payload["attachments"] = [str(i) for i in new.attachments]
        role = item.subject.role_in(Permission.INCIDENT_REPORT, case.grid_code)
        events = [self._log(case, INCIDENT.creation, item.subject, role, now, new, payload)]
        links = [Link(i, case.id, 1) for i in new.attachments]
        if new.self_handled_note is not None:
            # One may report anywhere, but acts only where one has a part.
            if not actor.readable:
                raise Forbidden
            step = INCIDENT.step("self-handle")
            command = rules.Command(
                step.action, note=new.self_handled_note, attachments=new.self_handled_attachments
            )
            rules.check(step, case, actor, command, rule)
            done = rules.apply(step, case, actor, command, now)
            events.append(self._log(case, step, item.subject, actor.role, now, new, done))
            links += [Link(i, case.id, 2) for i in new.self_handled_attachments]
        element = Element(
            case_id=case.id,
            base_version=0,
            actor=item.subject.account_id,
            roles=_roles(Permission.INCIDENT_REPORT),
            area=case.grid_code,
            anywhere=True,
            unit=None,
            key=item.key,
            request_hash=item.request_hash,
            status=CREATED,
            answer=answer(case, rules.available_actions(case, actor, rule)),
        )
        return Write(element, case, events, links, item.contact)

    @staticmethod
    def _log(
        case: IncidentCase,
        step: Step,
        subject: Subject,
        role: str | None,
        now: datetime,
        new: NewIncident,
        payload: dict[str, object],
    ) -> Event:
        return record(
            case,
            step,
            kind=INCIDENT.kind,
            actor_id=subject.account_id,
            role=role,
            now=now,
            occurred_at=new.occurred_at,
            payload=payload,
            clauses=tuple(case.clauses),
        )

    async def _store_acts(self, batch: Sequence[ActItem]) -> list[Answered | Exception]:
        results: list[Answered | Exception | None] = [None] * len(batch)
        pending = list(range(len(batch)))
        async with self._db.writes.acquire() as connection:
            for _ in range(MAX_ROUNDS):
                await self._update(connection, batch, pending, results)
                pending = [p for p in pending if isinstance(results[p], Moved)]
                if not pending:
                    break
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
        results: list[Answered | Exception | None],
    ) -> None:
        """Decide the pending elements on the cases as they stand now, and store what is allowed."""
        now = clock.now()
        categories = self._categories.peek()
        cases = await store.cases(connection, [batch[p].case_id for p in pending])
        writes, positions = [], []
        for position in pending:
            item = batch[position]
            try:
                writes.append(_decide(item, cases.get(item.case_id), categories, now))
                positions.append(position)
            except AppError as refused:
                results[position] = refused
        if writes:
            stored = await INCIDENTS.update(connection, writes, now=now)
            for position, result in zip(positions, stored, strict=True):
                results[position] = result

    async def _refill(self, connection: asyncpg.Connection, wanted: int) -> None:
        if len(self._numbers) < wanted:
            first = await connection.fetchval(store.NUMBER_BLOCK)
            self._numbers = range(first, first + NUMBER_BLOCK)

    def _number(self, now: datetime) -> str:
        number, self._numbers = self._numbers[0], self._numbers[1:]
        return f"{self._county}-{clock.local(now):%y%m%d}-{number:07d}"


def _decide(
    item: ActItem, case: IncidentCase | None, categories: CategorySnapshot, now: datetime
) -> Write:
    if case is None:
        raise NotFound
    step = INCIDENT.step(item.command.action)
    rule = category_rule(categories.by_code.get(case.category_code))
    actor = actor_for(item.subject, case)
    rules.check(step, case, actor, item.command, rule)
    # The wall in the statement judges the actor where the case was when it was read.
    area, unit, base_version = case.grid_code, case.unit_code, case.version
    payload = rules.apply(step, case, actor, item.command, now)
    logged = record(
        case,
        step,
        kind=INCIDENT.kind,
        actor_id=item.subject.account_id,
        role=actor.role,
        now=now,
        occurred_at=item.command.occurred_at,
        payload=payload,
        clauses=tuple(sorted({*step.clauses, *case.clauses})),
    )
    after = actor_for(item.subject, case)
    element = Element(
        case_id=case.id,
        base_version=base_version,
        actor=item.subject.account_id,
        roles=_roles(step.permission),
        area=area,
        anywhere=False,
        unit=unit,
        key=item.key,
        request_hash=item.request_hash,
        status=OK,
        answer=answer(case, rules.available_actions(case, after, rule)),
    )
    links = [Link(i, case.id, case.version) for i in item.command.attachments]
    return Write(element, case, [logged], links)


def _report_keys(item: ReportItem) -> tuple[Hashable, ...]:
    """The same key or id twice in one statement would find no first answer: keep them apart."""
    if item.key is None:
        return (item.new.id,)
    return (item.new.id, (item.subject.account_id, item.key))


def _act_keys(item: ActItem) -> tuple[Hashable, ...]:
    if item.key is None:
        return (item.case_id,)
    return (item.case_id, (item.subject.account_id, item.key))


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
