"""All reading SQL of incidents: row-level security, and the index that answers the question.

`readable_by` is the one door to rows. It turns a caller's scope into branches of which each has
its own index; row-level security judges every row again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from geo.cells import cells_in, cells_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import as_actor
from service.incidents.case import LATER, IncidentCase
from service.incidents.offered import RULE_COLUMNS
from service.incidents.present import incident_json
from service.incidents.rows import case_of
from service.incidents.workflow import CLOSED_STATES

MAX_CELLS = 64
WIDE = ("i.county_code", "i.township_code")
SCOPE_COLUMNS = {6: "county_code", 9: "township_code", 12: "village_code", 15: "grid_code"}

CASE_COLUMNS = (
    "i.id, i.number, i.category_code, i.category_version, i.level, i.channel, i.description, "
    "i.occurred_at, i.reported_at, i.reporter_id, i.state, i.tier, i.version, i.head_hash, "
    "i.last_event_at, i.grid_code, i.micro_grid_code, ST_X(i.location) AS lon, "
    "ST_Y(i.location) AS lat, i.raw_x, i.raw_y, i.raw_crs, i.accuracy_m, i.cell, i.unit_code, "
    "i.assignee_id, i.handler_ids, i.concerns_unit, i.returns, i.verified_by, i.verification, "
    "i.closed_at, i.satisfaction, i.clauses, i.policy_version, i.clocks, i.amber_at, i.due_at, "
    "i.supervise_at, i.next_alarm_at, i.accepted_at, i.arrived_at, i.on_site_due, i.finish_due, "
    "i.drill, i.activation_id, " + ", ".join(f"i.{name}" for name, _, _ in LATER)
)


CASES = f"SELECT {CASE_COLUMNS} FROM incident i WHERE i.id = ANY ($1::uuid[])"
ONE = as_actor(f"""
SELECT {incident_json(geometry=True, parts=True)} AS body, i.version, i.clauses, {RULE_COLUMNS},
  k.name AS contact_name, k.phone AS contact_phone
FROM incident i LEFT JOIN incident_contact k ON k.incident_id = i.id WHERE i.id = $2
""")
ASSIGNEE = """
SELECT c.id, c.status, a.role, a.area_code, a.unit_code
FROM account c LEFT JOIN assignment a ON a.account_id = c.id
  AND a.valid_from <= $2 AND (a.valid_to IS NULL OR a.valid_to > $2)
WHERE c.id::text = $1 OR c.login = $1
"""
# Cases with a mark that is reached, oldest first; what another worker has in hand is passed over.
ALARMED = f"""
SELECT {CASE_COLUMNS} FROM open_incident o JOIN incident i ON i.id = o.incident_id
WHERE o.next_alarm_at <= $1 ORDER BY o.next_alarm_at LIMIT $2 FOR UPDATE OF i SKIP LOCKED
"""
UNIT = "SELECT code, area_code, active FROM unit WHERE code = $1"
NUMBER_BLOCK = "SELECT nextval('incident_number')"


@dataclass(slots=True)
class Filters:
    """What a list is narrowed to; every value is validated before it comes here."""

    area: str | None = None
    states: list[str] = field(default_factory=list)
    open_only: bool = False
    category: str | None = None
    tiers: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    text: str | None = None
    number: str | None = None
    geometry: bool = False


@dataclass(slots=True)
class Sql:
    """The arguments of a statement that is being put together."""

    arguments: list[Any] = field(default_factory=list)

    def use(self, value: Any) -> str:
        """The parameter that stands for `value`; $1 is the actor."""
        self.arguments.append(value)
        return f"${len(self.arguments) + 1}"


def readable_by(subject: Subject, area: str | None, sql: Sql) -> list[str]:
    """The branches of WHERE clauses that together hold what `subject` may read inside `area`.

    Each branch has its own index. No branch at all means that nothing is readable.
    """
    by_level: dict[int, set[str]] = {}
    for prefix in subject.area_prefixes(Permission.INCIDENT_READ):
        if area is None or prefix.startswith(area):
            by_level.setdefault(len(prefix), set()).add(prefix)
        elif area.startswith(prefix):
            by_level.setdefault(len(area), set()).add(area)
    branches: list[str] = []
    for level, prefixes in sorted(by_level.items()):
        column = SCOPE_COLUMNS[level]
        branches += [f"i.{column} = {sql.use(prefix)}" for prefix in sorted(prefixes)]
    if subject.units:
        inside = f" AND starts_with(i.grid_code, {sql.use(area)})" if area else ""
        branches += [f"i.unit_code = {sql.use(unit)}{inside}" for unit in sorted(subject.units)]
    return branches


def list_query(
    subject: Subject, filters: Filters, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[str, list[Any]] | None:
    """The list's statement and its arguments ($2 and up), newest first; None when nothing can."""
    sql = Sql()
    branches = readable_by(subject, filters.area, sql)
    if not branches:
        return None
    where = _conditions(filters, after, sql)
    size = sql.use(limit)
    order = "ORDER BY i.reported_at DESC, i.id DESC"
    columns = f"{incident_json(geometry=filters.geometry)} AS body, {RULE_COLUMNS}"
    cells = _cells(filters, branches)
    if len(branches) == 1 and cells is None:
        query = f"SELECT {columns} FROM incident i WHERE {branches[0]}{where} {order} LIMIT {size}"
        return as_actor(query), sql.arguments
    each = f"unnest({sql.use(cells)}::int[]) AS c(cell)" if cells is not None else None
    last = f"{order} LIMIT {size}"
    parts = " UNION ".join(f"({_newest(branch, where, last, each)})" for branch in branches)
    query = (
        f"SELECT {columns} FROM incident i JOIN (SELECT id FROM ({parts}) AS i {order} "
        f"LIMIT {size}) AS page ON page.id = i.id {order}"
    )
    return as_actor(query), sql.arguments


def _cells(filters: Filters, branches: list[str]) -> list[int] | None:
    """The cells of a small bounding box over a wide scope's history; None where they do not help.

    What is open is little, a narrow scope's own index is the better one, and a large box holds a
    large share of what its scope's index gives.
    """
    box = filters.bbox
    if box is None or filters.open_only or not any(b.startswith(WIDE) for b in branches):
        return None
    return None if cells_in(*box) > MAX_CELLS else cells_of(*box)


def _newest(branch: str, where: str, last: str, each: str | None) -> str:
    """The newest ids of a branch, in the order that an index has: history is never sorted."""
    picked = "SELECT i.id, i.reported_at FROM incident i WHERE"
    if each is None or not branch.startswith(WIDE):
        return f"{picked} {branch}{where} {last}"
    return (
        f"SELECT i.* FROM {each} CROSS JOIN LATERAL "
        f"({picked} i.cell = c.cell AND {_half(branch)}{where} {last}) AS i {last}"
    )


def _half(condition: str) -> str:
    """`condition`, which the planner takes to hold for every other row.

    By its own guess a box or a scope is rare inside a cell, and it would read and sort whole
    cells instead of walking them from their newest row.
    """
    return f"CASE WHEN {condition} THEN true ELSE false END"


def _conditions(filters: Filters, after: tuple[datetime, UUID] | None, sql: Sql) -> str:
    found = [*_what(filters, sql), *_where(filters, sql)]
    if after:
        found.append(f"(i.reported_at, i.id) < ({sql.use(after[0])}, {sql.use(after[1])}::uuid)")
    return "".join(f" AND {condition}" for condition in found)


def _what(filters: Filters, sql: Sql) -> Iterator[str]:
    if filters.open_only or (filters.states and CLOSED_STATES.isdisjoint(filters.states)):
        yield "i.is_open"
    if filters.states:
        yield f"i.state = ANY ({sql.use(filters.states)}::text[])"
    if filters.category:
        low, high = filters.category, f"{int(filters.category) + 1:0{len(filters.category)}d}"
        yield f"i.category_code >= {sql.use(low)} AND i.category_code < {sql.use(high)}"
    if filters.tiers:
        yield f"i.tier = ANY ({sql.use(filters.tiers)}::smallint[])"
    if filters.levels:
        yield f"i.level = ANY ({sql.use(filters.levels)}::smallint[])"
    if filters.number:
        yield f"i.number = {sql.use(filters.number)}"
    if filters.text:
        yield f"strpos(lower(i.description), lower({sql.use(filters.text)})) > 0"


def _where(filters: Filters, sql: Sql) -> Iterator[str]:
    if filters.since:
        yield f"i.reported_at >= {sql.use(filters.since)}"
    if filters.until:
        yield f"i.reported_at < {sql.use(filters.until)}"
    if filters.bbox:
        edges = ", ".join(f"{sql.use(edge)}::float8" for edge in filters.bbox)
        yield _half(f"i.location && ST_MakeEnvelope({edges}, 4490)")


async def cases(connection: asyncpg.Connection, ids: list[UUID]) -> dict[UUID, IncidentCase]:
    """The cases with these ids as they stand now, for the desk to decide on."""
    rows = await connection.fetch(CASES, ids)
    return {row["id"]: case_of(row) for row in rows}
