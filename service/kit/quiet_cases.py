"""The quiet side of the gate: one case at a time, in the transaction of one action.

Incidents are decided in batches (see service.kit.advance). What moves a few times a day is read
under a row lock, judged by its room's rules, and stored here with its chained event in one
statement. Like the hot side it writes a state only as the workflow's table allows, and only over
the version that was decided on. Row-level security judges as whom the caller's transaction runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import Busy
from service.kit.advance import record
from service.kit.case_rows import Column, as_json
from service.kit.case_sql import EVENT
from service.kit.events import GENESIS
from service.kit.workflow import Step, Workflow

BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
# What the gate itself reads and writes of a case.
GATE_COLUMNS = (
    Column("id", "uuid"),
    Column("state", "text", mutable=True),
    Column("version", "int", mutable=True),
    Column("head_hash", "text", mutable=True, expression="decode(c.head_hash, 'base64')"),
    Column("last_event_at", "timestamptz", mutable=True),
)


class QuietCase(msgspec.Struct, kw_only=True):
    """What every quiet case has; a new one has no state and no history until it is opened."""

    id: UUID
    state: str = ""
    version: int = 0
    head_hash: bytes = GENESIS
    last_event_at: datetime = BEFORE_ALL


C = TypeVar("C", bound=QuietCase)
Connection: TypeAlias = asyncpg.Connection | AsyncSession


@dataclass(frozen=True, slots=True)
class Deed:
    """Who takes a step, in which role, when, and what its event tells beside that.

    `clauses` replace those of the step, where the case itself decides them.
    """

    actor_id: UUID
    role: str | None
    now: datetime
    payload: dict[str, Any] | None = None
    clauses: tuple[str, ...] | None = None


class QuietCases(Generic[C]):
    """The cases of one workflow: a table with id, state, version, head_hash and last_event_at.

    `columns` are those of its room; with the gate's own they are read into a `case_type` of the
    same names.
    """

    def __init__(
        self, workflow: Workflow, table: str, case_type: type[C], columns: Sequence[Column]
    ) -> None:
        columns = (*GATE_COLUMNS, *columns)
        self.workflow = workflow
        self.names = ", ".join(c.name for c in columns)
        self._type = case_type
        # What only refers to a case, as a foreign key does, need not wait for its change.
        self._hold = f"SELECT {self.names} FROM {table} WHERE id = $1 FOR NO KEY UPDATE"
        self._insert = _insert_statement(table, columns)
        self._update = _update_statement(table, [c for c in columns if c.mutable])

    def read(self, row: Mapping[str, Any]) -> C:
        """The case in a row that has the columns of `names`."""
        return self._type(**{name: row[name] for name in self._type.__struct_fields__})

    async def hold(self, connection: Connection, case_id: UUID) -> C | None:
        """The case, locked until the transaction ends; None when the caller may not see it."""
        row = await (await driver(connection)).fetchrow(self._hold, case_id)
        return None if row is None else self.read(row)

    async def open(self, connection: Connection, case: C, deed: Deed) -> None:
        """Store a new case by the workflow's first step. Raises asyncpg.UniqueViolationError."""
        await self._store(connection, self._insert, case, self.workflow.creation, deed)

    async def advance(self, connection: Connection, case: C, step: Step, deed: Deed) -> None:
        """Store a held case, changed by its room, one step further; `case` is then what stands.

        Raises ActionNotAllowed, and Busy when the case was changed without being held.
        """
        self.workflow.require(step, case.state)
        await self._store(connection, self._update, case, step, deed)

    async def _store(
        self, connection: Connection, statement: str, case: C, step: Step, deed: Deed
    ) -> None:
        event = record(
            case, step, kind=self.workflow.kind, actor_id=deed.actor_id, role=deed.role,
            now=deed.now, payload=deed.payload, clauses=deed.clauses,
        )  # fmt: skip
        stored = await (await driver(connection)).fetchval(
            statement, as_json([case]), as_json([event])
        )
        if not stored:
            raise Busy


async def driver(connection: Connection) -> asyncpg.Connection:
    """The driver's connection below a session, inside the session's own transaction."""
    if not isinstance(connection, AsyncSession):
        return connection
    raw = await (await connection.connection()).get_raw_connection()
    found: asyncpg.Connection = raw.driver_connection
    return found


_LOGGED = f"""logged AS (
  INSERT INTO case_event (case_kind, case_id, seq, event, action, actor_id, actor_role, from_state,
    to_state, clauses, recorded_at, occurred_at, payload, prev_hash, hash)
  SELECT case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state,
    clauses, recorded_at, occurred_at, payload, decode(prev_hash, 'base64'), decode(hash, 'base64')
  FROM json_to_recordset($2::json) AS e({EVENT}) JOIN stored ON stored.id = e.case_id)
SELECT count(*) FROM stored"""


def _insert_statement(table: str, columns: Sequence[Column]) -> str:
    stored = [c.stored for c in columns if c.stored]
    names = ", ".join(target for target, _ in stored)
    values = ", ".join(expression for _, expression in stored)
    definition = ", ".join(f"{c.name} {c.type}" for c in columns)
    return (
        f"WITH stored AS (INSERT INTO {table} ({names}) SELECT {values} "
        f"FROM json_to_recordset($1::json) AS c({definition}) RETURNING id), {_LOGGED}"
    )


def _update_statement(table: str, columns: Sequence[Column]) -> str:
    changes = ", ".join(f"{s[0]} = {s[1]}" for c in columns if (s := c.stored))
    definition = ", ".join(["id uuid", *(f"{c.name} {c.type}" for c in columns)])
    return (
        f"WITH stored AS (UPDATE {table} AS t SET {changes} "
        f"FROM json_to_recordset($1::json) AS c({definition}) "
        f"WHERE t.id = c.id AND t.version = c.version - 1 RETURNING t.id), {_LOGGED}"
    )
