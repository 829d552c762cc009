"""The one gate through which a case changes its state, for many cases at a time.

A room describes its case kind once (`CaseTable`: table, columns). Its rules decide on locked rows
in Python; `record` applies a decision to the row and chains its event; `CaseTable.insert` and
`.update` write all rows, events, evidence links and first answers of a batch in one statement.
That statement itself checks, element by element and from the tables at that moment, that the
actor holds a role with the permission where the case is, and lets a keyed request count
once: idempotency is a unique key, never a look-up before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.errors import Forbidden
from service.kit.case_arrays import (
    CONTACT,
    ELEMENT,
    EVENT,
    LINK,
    Answered,
    Arrays,
    Case,
    Column,
    Logged,
    Write,
    contact_arrays,
    element_arrays,
    event_arrays,
    link_arrays,
)
from service.kit.events import Event
from service.kit.idempotency import KeyReused
from service.kit.workflow import Step


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
) -> Logged:
    """Apply `step` to `case` (state, version, chain head) and return the chained event.

    The time of an event is never before that of the event before it.
    """
    at = max(now, case.last_event_at)
    previous = case.head_hash
    event = Event(
        case_kind=kind,
        case_id=case.id,
        seq=case.version + 1,
        event=step.event,
        action=step.action,
        actor_id=actor_id,
        actor_role=role,
        from_state=case.state or None,
        to_state=step.target,
        clauses=clauses or step.clauses,
        recorded_at=at,
        occurred_at=occurred_at or at,
        payload=payload or {},
    )
    digest = event.digest(previous)
    case.state = step.target
    case.version += 1
    case.head_hash = digest
    case.last_event_at = at
    return Logged(event, previous, digest)


class CaseTable:
    """Builds and runs the two set-based statements of one case kind.

    `table` has `columns`; `contact_table`, when given, holds encrypted contacts by `contact_key`.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[Column],
        *,
        contact_table: str | None = None,
        contact_key: str = "",
    ) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._mutable = tuple(c for c in columns if c.mutable)
        self._contact = (contact_table, contact_key)
        self.insert_sql = self._insert_statement()
        self.update_sql = self._update_statement()

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
        arguments = [now, list(epochs), list(epochs.values())]
        arguments += element_arrays(writes)
        arguments += [c.values(writes) for c in self._columns]
        arguments += event_arrays(writes) + link_arrays(writes)
        if self._contact[0]:
            arguments += contact_arrays(writes)
        rows = await connection.fetch(self.insert_sql, *arguments)
        if rows and not rows[0]["current"]:
            raise StaleReferenceData
        return await _answers(connection, writes, rows)

    async def update(
        self, connection: asyncpg.Connection, writes: Sequence[Write], *, now: datetime
    ) -> list[Answered | Exception]:
        """Store changed cases that this transaction has locked; one answer for each, in order."""
        arguments = [now, *element_arrays(writes)]
        arguments.append([w.case.id for w in writes])
        arguments += [c.values(writes) for c in self._mutable]
        arguments += event_arrays(writes) + link_arrays(writes)
        return await _answers(
            connection, writes, await connection.fetch(self.update_sql, *arguments)
        )

    def _insert_statement(self) -> str:
        arrays = Arrays(4)
        columns = [(c.name, c.type) for c in self._columns]
        element = arrays.unnest("u", [*ELEMENT, *columns])
        stored = [c.stored for c in self._columns if c.stored]
        names = ", ".join(target for target, _ in stored)
        values = ", ".join(expression for _, expression in stored)
        parts = [
            f"WITH u AS (SELECT * FROM {element})",
            _CURRENT,
            _allowed("AND (SELECT current FROM epoch)"),
            _FIRST,
            (
                f"stored AS (INSERT INTO {self._table} ({names}) "
                f"SELECT {values} FROM u JOIN fresh USING (ord) ORDER BY ord)"
            ),
            *_log_parts(arrays),
        ]
        table, key = self._contact
        if table:
            parts.append(
                f"contacted AS (INSERT INTO {table} ({key}, name, phone, phone_hash) "
                f"SELECT k.case_id, k.name, k.phone, k.phone_hash "
                f"FROM {arrays.unnest('k', CONTACT)} JOIN fresh USING (ord))"
            )
        return ", ".join(parts) + _RESULT.format(current="(SELECT current FROM epoch)")

    def _update_statement(self) -> str:
        arrays = Arrays(2)
        columns = [("id", "uuid"), *((c.name, c.type) for c in self._mutable)]
        element = arrays.unnest("u", [*ELEMENT, *columns])
        stored = [c.stored for c in self._mutable if c.stored]
        changes = ", ".join(f"{target} = {expression}" for target, expression in stored)
        parts = [
            f"WITH u AS (SELECT * FROM {element})",
            _allowed(""),
            _FIRST,
            (
                f"stored AS (UPDATE {self._table} AS c SET {changes} "
                "FROM u JOIN fresh USING (ord) WHERE c.id = u.id)"
            ),
            *_log_parts(arrays),
        ]
        return ", ".join(parts) + _RESULT.format(current="true")


_CURRENT = """epoch AS MATERIALIZED (
  SELECT NOT EXISTS (
    SELECT FROM unnest($2::text[], $3::bigint[]) AS wanted(name, value)
    LEFT JOIN data_epoch e USING (name) WHERE e.value IS DISTINCT FROM wanted.value) AS current)"""

_FIRST = """first AS (
  INSERT INTO idempotency_record (actor_id, key, request_hash, status, body, created_at)
  SELECT u.actor, u.key, u.request_hash, u.status, u.answer, $1::timestamptz
  FROM u JOIN allowed USING (ord) WHERE u.key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING actor_id, key),
fresh AS MATERIALIZED (
  SELECT u.ord FROM u JOIN allowed USING (ord)
  LEFT JOIN first f ON f.actor_id = u.actor AND f.key = u.key
  WHERE u.key IS NULL OR f.key IS NOT NULL)"""

_RESULT = """
SELECT u.ord, allowed.ord IS NOT NULL AS allowed, fresh.ord IS NOT NULL AS fresh,
  {current} AS current
FROM u LEFT JOIN allowed USING (ord) LEFT JOIN fresh USING (ord) ORDER BY u.ord"""


def _allowed(more: str) -> str:
    return f"""allowed AS MATERIALIZED (
  SELECT u.ord FROM u WHERE EXISTS (
    SELECT FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = u.actor AND a.role = ANY (string_to_array(u.roles, ','))
      AND a.valid_from <= $1::timestamptz
      AND (a.valid_to IS NULL OR a.valid_to > $1::timestamptz)
      AND CASE
        WHEN u.anywhere THEN left(a.area_code, 6) = left(u.area, 6)
        WHEN a.role = 'unit_handler' THEN a.unit_code = u.unit
        ELSE starts_with(u.area, a.area_code) END) {more})"""


def _log_parts(arrays: Arrays) -> list[str]:
    return [
        (
            "logged AS (INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, "
            "actor_role, from_state, to_state, clauses, recorded_at, occurred_at, payload, prev_hash, "
            "hash) SELECT case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, "
            "to_state, string_to_array(clauses, ','), recorded_at, occurred_at, payload::jsonb, "
            f"prev_hash, hash FROM {arrays.unnest('e', EVENT)} JOIN fresh USING (ord) "
            "ORDER BY ord, seq)"
        ),
        (
            "linked AS (INSERT INTO attachment_link (attachment_id, case_id, seq) "
            f"SELECT attachment_id, case_id, seq FROM {arrays.unnest('l', LINK)} "
            "JOIN fresh USING (ord))"
        ),
    ]


FIRST_ANSWERS = """
SELECT w.ord, r.request_hash, r.status, r.body
FROM unnest($1::int[], $2::uuid[], $3::text[]) AS w(ord, actor_id, key)
JOIN idempotency_record r USING (actor_id, key)
"""


async def _answers(
    connection: asyncpg.Connection, writes: Sequence[Write], rows: Sequence[asyncpg.Record]
) -> list[Answered | Exception]:
    answers: list[Answered | Exception] = []
    repeated: list[int] = []
    for write, row in zip(writes, rows, strict=True):
        if row["fresh"]:
            answers.append(Answered(write.status, write.answer))
        elif row["allowed"]:
            repeated.append(row["ord"])
            answers.append(KeyReused(key=write.key))
        else:
            answers.append(Forbidden())
    if repeated:
        keys = [(o, writes[o].actor_id, writes[o].key or "", writes[o].request_hash)
                for o in repeated]  # fmt: skip
        for ord_, answer in (await first_answers(connection, keys)).items():
            answers[ord_] = answer
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
        row["ord"]: Answered(row["status"], row["body"], replayed=True)
        if row["request_hash"] == hashes[row["ord"]]
        else KeyReused(key=keys[row["ord"]])
        for row in rows
    }
