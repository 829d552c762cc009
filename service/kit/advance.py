"""The one gate through which a case changes its state, for many cases at a time.

A room describes its case kind once (`CaseTable`: table, columns). Its rules decide on rows in
Python; `record` applies a decision to the row and chains its event; `CaseTable.insert` and
`.update` write all rows, events, evidence links and first answers of a batch in one statement.
That statement itself locks each row and takes it only in the version that was decided on; it
checks, element by element and from the tables at that moment, that the actor holds a role with
the permission where the case is; and it lets a keyed request count once: idempotency is a unique
key, never a look-up before. What has moved on meanwhile is decided again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.errors import Forbidden
from service.kit import case_sql
from service.kit.case_rows import Answered, Case, Column, Write, as_json
from service.kit.events import Event
from service.kit.idempotency import KeyReused
from service.kit.workflow import Step


class Moved(Exception):
    """The case was changed by somebody else since it was read: decide it again."""


class StaleReferenceData(Exception):
    """Grids or categories were published since the batch was decided: decide it again."""


def record(
    case: Case,
    step: Step,
    *,
    kind: str,
    actor_id: UUID,
    role: str | None,
    now: datetime,
    occurred_at: datetime | None = None,
    payload: dict[str, Any] | None = None,
    clauses: tuple[str, ...] | None = None,
) -> Event:
    """Apply `step` to `case` (state, version, chain head) and return the chained event.

    The time of an event is never before that of the event before it.
    """
    at = max(now, case.last_event_at)
    target = step.target or case.state
    event = Event(
        case_kind=kind,
        case_id=case.id,
        seq=case.version + 1,
        event=step.event,
        action=step.action,
        actor_id=actor_id,
        actor_role=role,
        from_state=case.state or None,
        to_state=target,
        clauses=clauses or step.clauses,
        recorded_at=at,
        occurred_at=occurred_at or at,
        payload=payload or {},
    ).chained(case.head_hash)
    case.state = target
    case.version += 1
    case.head_hash = event.hash
    case.last_event_at = at
    return event


class CaseTable:
    """Builds and runs the two set-based statements of one case kind.

    `table` has `columns`, and `derived` columns whose SQL reads others of `c`. `contact_table`
    holds encrypted contacts and `open_table` repeats `open_columns` of the cases that are open,
    so that what asks for open work never meets the history; both by `key`.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[Column],
        *,
        derived: Mapping[str, str],
        contact_table: str,
        open_table: str,
        open_columns: Mapping[str, str],
        key: str,
    ) -> None:
        opened = case_sql.opened(open_table, open_columns, key)
        contacted = case_sql.contacted(contact_table, key)
        first = [c for c in columns if not c.later]
        self.insert_sql = case_sql.insert_statement(table, first, derived, (opened, contacted))
        changing = [c for c in columns if c.mutable]
        more = (opened, case_sql.settled(open_table, key))
        self.update_sql = case_sql.update_statement(table, changing, case_sql.ALLOWED, more)
        self.automatic_sql = case_sql.update_statement(table, changing, case_sql.AUTOMATIC, more)
        self.later_sql = case_sql.later_statement(table, open_table, key)

    async def insert(
        self,
        connection: asyncpg.Connection,
        writes: Sequence[Write],
        *,
        now: datetime,
        epochs: Mapping[str, int],
    ) -> list[Answered | Exception]:
        """Store new cases; one answer or failure for each element, in order.

        `epochs` are the publications of reference data that the batch was decided on. Raises
        StaleReferenceData when one has moved, and then nothing is stored.
        """
        contacts = as_json([w.contact for w in writes if w.contact])
        rows = await connection.fetch(
            self.insert_sql, now, *_rows(writes), contacts, list(epochs), list(epochs.values())
        )
        if rows and not rows[0]["current"]:
            raise StaleReferenceData
        return await _answers(connection, writes, rows)

    async def update(
        self,
        connection: asyncpg.Connection,
        writes: Sequence[Write],
        *,
        now: datetime,
        epochs: Mapping[str, int],
    ) -> list[Answered | Exception]:
        """Store changed cases; one answer or failure for each, in order.

        Moved stands where the case is no longer in the version that was decided on; of that
        element nothing is stored. Raises StaleReferenceData as `insert` does.
        """
        published = list(epochs), list(epochs.values())
        rows = await connection.fetch(self.update_sql, now, *_rows(writes), *published)
        if rows and not rows[0]["current"]:
            raise StaleReferenceData
        return await _answers(connection, writes, rows)

    async def update_automatically(
        self, connection: asyncpg.Connection, writes: Sequence[Write], *, now: datetime
    ) -> list[bool]:
        """Store what the service decided by itself; for each, whether it was stored.

        It was not where the case is no longer in the version that was decided on.
        """
        rows = await connection.fetch(self.automatic_sql, now, *_rows(writes), [], [])
        stored = {row["case_id"] for row in rows if row["fresh"]}
        return [write.element.case_id in stored for write in writes]

    async def look_later(
        self, connection: asyncpg.Connection, cases: Sequence[tuple[UUID, datetime | None, int]]
    ) -> None:
        """Note when to look again at cases (id, when, version): no change of theirs, no event."""
        ids, moments, versions = zip(*cases, strict=True)
        await connection.execute(self.later_sql, list(ids), list(moments), list(versions))


def _rows(wanted: Sequence[Write]) -> tuple[str, str, str, str]:
    writes = [*wanted, *(w.partner for w in wanted if w.partner is not None)]
    return (
        as_json([w.element for w in writes]),
        as_json([w.case for w in writes]),
        as_json([event for w in writes for event in w.events]),
        as_json([link for w in writes for link in w.links]),
    )


FIRST_ANSWERS = """
SELECT w.position, r.request_hash, r.status, r.body
FROM unnest($1::int[], $2::uuid[], $3::text[]) AS w(position, actor_id, key)
JOIN idempotency_record r USING (actor_id, key)
"""


async def _answers(
    connection: asyncpg.Connection, writes: Sequence[Write], rows: Sequence[asyncpg.Record]
) -> list[Answered | Exception]:
    outcome = {row["case_id"]: row for row in rows}
    answers: list[Answered | Exception] = []
    repeated: list[tuple[int, UUID, str, bytes]] = []
    for position, write in enumerate(writes):
        element, row = write.element, outcome[write.element.case_id]
        other = row if element.pair is None else outcome[element.pair]
        if not (row["locked"] and other["locked"]):
            answers.append(Moved())
        elif row["fresh"]:
            answers.append(Answered(element.status, element.answer))
        elif row["allowed"] and other["allowed"]:
            key = element.key or ""
            repeated.append((position, element.actor, key, element.request_hash))
            answers.append(KeyReused(key=key))
        else:
            answers.append(Forbidden())
    if repeated:
        for position, answer in (await first_answers(connection, repeated)).items():
            answers[position] = answer
    return answers


async def first_answers(
    connection: asyncpg.Connection, asked: Sequence[tuple[int, UUID, str, bytes]]
) -> dict[int, Answered | KeyReused]:
    """What was answered first to (position, actor, key, request hash); absent when never asked."""
    rows = await connection.fetch(
        FIRST_ANSWERS, [a[0] for a in asked], [a[1] for a in asked], [a[2] for a in asked]
    )
    hashes = {a[0]: a[3] for a in asked}
    keys = {a[0]: a[2] for a in asked}
    return {
        row["position"]: Answered(row["status"], row["body"], replayed=True)
        if row["request_hash"] == hashes[row["position"]]
        else KeyReused(key=keys[row["position"]])
        for row in rows
    }
