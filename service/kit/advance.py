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
from service.kit.case_rows import Answered, Case, Column, Write, as_json
from service.kit.events import Event
from service.kit.idempotency import KeyReused
from service.kit.workflow import Step

ELEMENT = (
    "case_id uuid, base_version int, actor uuid, roles text, area text, anywhere bool, unit text, "
    "key text, request_hash text, status smallint, answer text, pair uuid"
)
EVENT = (
    "case_kind text, case_id uuid, seq int, event text, action text, actor_id uuid, "
    "actor_role text, from_state text, to_state text, clauses text[], recorded_at timestamptz, "
    "occurred_at timestamptz, payload jsonb, prev_hash text, hash text"
)
LINK = "attachment_id uuid, case_id uuid, seq int"
CONTACT = "case_id uuid, name text, phone text, phone_hash text"


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
        opened = _opened(open_table, open_columns, key)
        contacted = _contacted(contact_table, key)
        first = [c for c in columns if not c.later]
        self.insert_sql = _insert_statement(table, first, derived, (opened, contacted))
        self.update_sql = _update_statement(
            table, [c for c in columns if c.mutable], (opened, _settled(open_table, key))
        )

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
        self, connection: asyncpg.Connection, writes: Sequence[Write], *, now: datetime
    ) -> list[Answered | Exception]:
        """Store changed cases; one answer or failure for each, in order.

        Moved stands where the case is no longer in the version that was decided on; of that
        element nothing is stored.
        """
        rows = await connection.fetch(self.update_sql, now, *_rows(writes))
        return await _answers(connection, writes, rows)


def _rows(wanted: Sequence[Write]) -> tuple[str, str, str, str]:
    writes = [*wanted, *(w.partner for w in wanted if w.partner is not None)]
    return (
        as_json([w.element for w in writes]),
        as_json([w.case for w in writes]),
        as_json([event for w in writes for event in w.events]),
        as_json([link for w in writes for link in w.links]),
    )


def _records(parameter: int, definition: str, alias: str) -> str:
    return f"json_to_recordset(${parameter}::json) AS {alias}({definition})"


def _elements() -> str:
    return f"WITH u AS MATERIALIZED (SELECT * FROM {_records(2, ELEMENT, 'u')})"


def _insert_statement(
    table: str, columns: Sequence[Column], derived: Mapping[str, str], more: Sequence[str]
) -> str:
    stored = [*(c.stored for c in columns if c.stored), *derived.items()]
    names = ", ".join(target for target, _ in stored)
    values = ", ".join(expression for _, expression in stored)
    definition = ", ".join(f"{c.name} {c.type}" for c in columns)
    cases = (
        f"stored AS (INSERT INTO {table} AS t ({names}) SELECT {values} "
        f"FROM {_records(3, definition, 'c')} JOIN fresh ON fresh.case_id = c.id RETURNING t.*)"
    )
    parts = [_elements(), _EPOCH, _UNTOUCHED, _ALLOWED, _FIRST, cases, *_LOGGED, *more]
    return ", ".join(parts) + _RESULT.format(current="(SELECT current FROM epoch)")


def _update_statement(table: str, columns: Sequence[Column], more: Sequence[str]) -> str:
    stored = [c.stored for c in columns if c.stored]
    changes = ", ".join(f"{target} = {expression}" for target, expression in stored)
    definition = ", ".join(["id uuid", *(f"{c.name} {c.type}" for c in columns)])
    cases = (
        f"stored AS (UPDATE {table} AS t SET {changes} "
        f"FROM {_records(3, definition, 'c')} JOIN fresh ON fresh.case_id = c.id "
        "WHERE t.id = c.id RETURNING t.*)"
    )
    parts = [_elements(), _LOCKED.format(table=table), _ALLOWED, _FIRST, cases, *_LOGGED, *more]
    return ", ".join(parts) + _RESULT.format(current="true")


def _contacted(table: str, key: str) -> str:
    return (
        f"contacted AS (INSERT INTO {table} ({key}, name, phone, phone_hash) "
        "SELECT case_id, decode(name, 'base64'), decode(phone, 'base64'), "
        f"decode(phone_hash, 'base64') FROM {_records(6, CONTACT, 'k')} "
        "JOIN fresh USING (case_id))"
    )


def _opened(table: str, columns: Mapping[str, str], key: str) -> str:
    names = ", ".join(columns)
    old, new = (", ".join(f"{side}.{c}" for c in columns) for side in ("o", "excluded"))
    return (
        f"opened AS (INSERT INTO {table} AS o ({key}, {names}) "
        f"SELECT s.id, {', '.join(columns.values())} FROM stored s WHERE s.is_open "
        f"ON CONFLICT ({key}) DO UPDATE SET ({names}) = ROW ({new}) "
        f"WHERE ({old}) IS DISTINCT FROM ({new}))"
    )


def _settled(table: str, key: str) -> str:
    return (
        f"settled AS (DELETE FROM {table} o USING stored s WHERE o.{key} = s.id AND NOT s.is_open)"
    )


_EPOCH = """epoch AS MATERIALIZED (
  SELECT NOT EXISTS (
    SELECT FROM unnest($7::text[], $8::bigint[]) AS wanted(name, value)
    LEFT JOIN data_epoch e USING (name) WHERE e.value IS DISTINCT FROM wanted.value) AS current)"""

# A new case has nothing to lock; without the right publications nothing at all goes on.
_UNTOUCHED = """locked AS MATERIALIZED (SELECT u.* FROM u WHERE (SELECT current FROM epoch))"""

# In id order, so that two batches never wait for one another in a circle. A row that was changed
# while this waited for it drops out: its version is looked at again.
_LOCKED = """locked AS MATERIALIZED (
  SELECT u.* FROM {table} t JOIN u ON u.case_id = t.id AND u.base_version = t.version
  ORDER BY t.id FOR UPDATE OF t)"""

# A scalar subquery with a limit is looked up once an element; as a join it would become a scan of
# all assignments.
_ALLOWED = """allowed AS MATERIALIZED (
  SELECT u.case_id, u.actor, u.key, u.request_hash, u.status, u.answer FROM locked u WHERE (
    SELECT true FROM assignment a JOIN account o ON o.id = a.account_id AND o.status = 'active'
    WHERE a.account_id = u.actor AND a.role = ANY (string_to_array(u.roles, ','))
      AND a.valid_from <= $1::timestamptz
      AND (a.valid_to IS NULL OR a.valid_to > $1::timestamptz)
      AND CASE
        WHEN u.anywhere THEN left(a.area_code, 6) = left(u.area, 6)
        WHEN a.role = 'unit_handler' THEN a.unit_code = u.unit
        ELSE starts_with(u.area, a.area_code) END
    LIMIT 1))"""

# Two cases that change together do so both or not at all.
_FIRST = """paired AS MATERIALIZED (
  SELECT a.* FROM allowed a JOIN u USING (case_id)
  WHERE u.pair IS NULL OR u.pair IN (SELECT case_id FROM allowed)),
first AS (
  INSERT INTO idempotency_record (actor_id, key, request_hash, status, body, created_at)
  SELECT actor, key, decode(request_hash, 'base64'), status, answer, $1::timestamptz
  FROM paired WHERE key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING actor_id, key),
fresh AS MATERIALIZED (
  SELECT a.case_id FROM paired a
  LEFT JOIN first f ON f.actor_id = a.actor AND f.key = a.key
  WHERE a.key IS NULL OR f.key IS NOT NULL)"""

_LOGGED = (
    f"""logged AS (
  INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, actor_role, from_state,
    to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)
  SELECT case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state,
    clauses, recorded_at, occurred_at, payload, decode(prev_hash, 'base64'), decode(hash, 'base64')
  FROM {_records(4, EVENT, "e")} JOIN fresh USING (case_id) ORDER BY case_id, seq)""",
    f"""linked AS (
  INSERT INTO attachment_link (attachment_id, case_id, seq)
  SELECT attachment_id, case_id, seq FROM {_records(5, LINK, "l")} JOIN fresh USING (case_id))""",
)

_RESULT = """
SELECT u.case_id, locked.case_id IS NOT NULL AS locked, allowed.case_id IS NOT NULL AS allowed,
  fresh.case_id IS NOT NULL AS fresh, {current} AS current
FROM u LEFT JOIN locked USING (case_id) LEFT JOIN allowed USING (case_id)
LEFT JOIN fresh USING (case_id)"""

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
