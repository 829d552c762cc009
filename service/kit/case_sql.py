"""The set-based statements that store cases: built once for each kind of case.

Only `service.kit.advance` runs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.kit.case_rows import Column

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


def _records(parameter: int, definition: str, alias: str) -> str:
    return f"json_to_recordset(${parameter}::json) AS {alias}({definition})"


def _elements() -> str:
    return f"WITH u AS MATERIALIZED (SELECT * FROM {_records(2, ELEMENT, 'u')})"


def insert_statement(
    table: str, columns: Sequence[Column], derived: Mapping[str, str], more: Sequence[str]
) -> str:
    """Stores new cases: $1 now, $2 elements, $3 cases, $4 events, $5 links, $6 contacts, $7 and $8
    the publications that they were decided on."""
    stored = [*(c.stored for c in columns if c.stored), *derived.items()]
    names = ", ".join(target for target, _ in stored)
    values = ", ".join(expression for _, expression in stored)
    definition = ", ".join(f"{c.name} {c.type}" for c in columns)
    cases = (
        f"stored AS (INSERT INTO {table} AS t ({names}) SELECT {values} "
        f"FROM {_records(3, definition, 'c')} JOIN fresh ON fresh.case_id = c.id RETURNING t.*)"
    )
    parts = [_elements(), _epoch(7), _UNTOUCHED, ALLOWED, _FIRST, cases, *_LOGGED, *more]
    return ", ".join(parts) + _RESULT


def update_statement(
    table: str, columns: Sequence[Column], allowed: str, more: Sequence[str]
) -> str:
    """Stores changed cases: $1 now, $2 elements, $3 cases, $4 events, $5 links, $6 and $7 the
    publications that they were decided on; `allowed` is the part that says whose they are."""
    stored = [c.stored for c in columns if c.stored]
    changes = ", ".join(f"{target} = {expression}" for target, expression in stored)
    definition = ", ".join(["id uuid", *(f"{c.name} {c.type}" for c in columns)])
    cases = (
        f"stored AS (UPDATE {table} AS t SET {changes} "
        f"FROM {_records(3, definition, 'c')} JOIN fresh ON fresh.case_id = c.id "
        "WHERE t.id = c.id RETURNING t.*)"
    )
    locked = _LOCKED.format(table=table)
    parts = [_elements(), _epoch(6), locked, allowed, _FIRST, cases, *_LOGGED, *more]
    return ", ".join(parts) + _RESULT


def contacted(table: str, key: str) -> str:
    """The part that stores contacts."""
    return (
        f"contacted AS (INSERT INTO {table} ({key}, name, phone, phone_hash) "
        "SELECT case_id, decode(name, 'base64'), decode(phone, 'base64'), "
        f"decode(phone_hash, 'base64') FROM {_records(6, CONTACT, 'k')} "
        "JOIN fresh USING (case_id))"
    )


def opened(table: str, columns: Mapping[str, str], key: str) -> str:
    """The part that keeps the projection of open cases."""
    names = ", ".join(columns)
    old, new = (", ".join(f"{side}.{c}" for c in columns) for side in ("o", "excluded"))
    return (
        f"opened AS (INSERT INTO {table} AS o ({key}, {names}) "
        f"SELECT s.id, {', '.join(columns.values())} FROM stored s WHERE s.is_open "
        f"ON CONFLICT ({key}) DO UPDATE SET ({names}) = ROW ({new}) "
        f"WHERE ({old}) IS DISTINCT FROM ({new}))"
    )


def settled(table: str, key: str) -> str:
    """The part that takes closed cases out of the projection."""
    return (
        f"settled AS (DELETE FROM {table} o USING stored s WHERE o.{key} = s.id AND NOT s.is_open)"
    )


def _epoch(first: int) -> str:
    """The part that says whether the publications in two parameters are the present ones.

    Without the right publications nothing at all goes on.
    """
    return (
        "epoch AS MATERIALIZED (SELECT NOT EXISTS ("
        f"SELECT FROM unnest(${first}::text[], ${first + 1}::bigint[]) AS wanted(name, value) "
        "LEFT JOIN data_epoch e USING (name) WHERE e.value IS DISTINCT FROM wanted.value"
        ") AS current)"
    )


# A new case has nothing to lock.
_UNTOUCHED = """locked AS MATERIALIZED (SELECT u.* FROM u WHERE (SELECT current FROM epoch))"""

# In id order, so that two batches never wait for one another in a circle. A row that was changed
# while this waited for it drops out: its version is looked at again.
_LOCKED = """locked AS MATERIALIZED (
  SELECT u.* FROM {table} t JOIN u ON u.case_id = t.id AND u.base_version = t.version
  WHERE (SELECT current FROM epoch) ORDER BY t.id FOR UPDATE OF t)"""

# A scalar subquery with a limit is looked up once an element; as a join it would become a scan of
# all assignments.
ALLOWED = """allowed AS MATERIALIZED (
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

# What the service does by itself is nobody's to be allowed: no request reaches it.
AUTOMATIC = """allowed AS MATERIALIZED (
  SELECT u.case_id, u.actor, u.key, u.request_hash, u.status, u.answer FROM locked u)"""

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
  fresh.case_id IS NOT NULL AS fresh, (SELECT current FROM epoch) AS current
FROM u LEFT JOIN locked USING (case_id) LEFT JOIN allowed USING (case_id)
LEFT JOIN fresh USING (case_id)"""


def later_statement(table: str, open_table: str, key: str) -> str:
    """Sets `next_alarm_at` of cases ($1 ids, $2 moments) that are still in their version ($3)."""
    return (
        "WITH later AS (SELECT l.id, l.at"
        " FROM unnest($1::uuid[], $2::timestamptz[], $3::int[]) AS l(id, at, version)"
        f" JOIN {table} t ON t.id = l.id AND t.version = l.version), "
        f"kept AS (UPDATE {table} t SET next_alarm_at = l.at FROM later l WHERE t.id = l.id) "
        f"UPDATE {open_table} o SET next_alarm_at = l.at FROM later l WHERE o.{key} = l.id"
    )
