"""All SQL of the console: the queue over `open_incident`, and the events in commit order.

The queue never meets the history: it walks the open cases by their due time. Row-level security
judges every row again. The events are read by the process's one follower, past the policies; what
of them a console gets is decided in `service.dispatch.stream.consoles`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from service.auth.permissions import ROLE_TIER, Permission, Role
from service.auth.subject import Subject
from service.db import as_actor
from service.incidents.offered import RULE_COLUMNS
from service.incidents.present import incident_json

TOWNSHIP = 9
COLUMNS = {6: "county_code", 9: "township_code", 12: "village_code", 15: "grid_code"}
ORDER = "ORDER BY o.due_at, o.incident_id"
# $2 is the moment. `service.dispatch.rules.colour_of` says the same; a test holds them together.
COLOUR = (
    "CASE WHEN o.due_at = 'infinity' THEN 'none' WHEN o.supervise_at <= $2 THEN 'supervised' "
    "WHEN o.due_at <= $2 THEN 'red' WHEN o.amber_at <= $2 THEN 'amber' ELSE 'green' END"
)
# These follow from the colour, and the index can use them.
BOUNDS = (
    ({"none"}, "o.due_at = 'infinity'"),
    ({"amber", "green"}, "o.due_at > $2 AND o.due_at < 'infinity'"),
    ({"red"}, "o.due_at <= $2"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the queue is narrowed to; every value is validated before it comes here."""

    area: str | None = None
    tiers: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    category: str | None = None
    colours: tuple[str, ...] = ()
    unit: str | None = None
    mine: bool = False
    drill: bool | None = None
    geometry: bool = False


@dataclass(slots=True)
class _Sql:
    arguments: list[Any] = field(default_factory=list)

    def use(self, value: Any) -> str:
        """The parameter that stands for `value`; $1 is the actor."""
        self.arguments.append(value)
        return f"${len(self.arguments) + 1}"


def queue_query(
    subject: Subject,
    wanted: Wanted,
    now: datetime,
    after: tuple[str, UUID] | None,
    limit: int,
) -> tuple[str, list[Any]] | None:
    """The page's statement and its arguments ($2 and up), most urgent first; None when nothing can.

    `after` is the due time as PostgreSQL writes it, and the id, of the last row seen.
    """
    sql = _Sql([now])
    branches = waiting_for(subject, wanted, sql)
    if not branches:
        return None
    found = [*_narrowed(subject, wanted, sql), *_faceted(wanted, sql)]
    if after is not None:
        due, last = sql.use(after[0]), sql.use(after[1])
        found.append(f"(o.due_at, o.incident_id) > ({due}::text::timestamptz, {last}::uuid)")
    size = sql.use(limit)
    where = "".join(f" AND {condition}" for condition in found)
    picked = "SELECT o.incident_id, o.due_at, o.amber_at, o.supervise_at FROM open_incident o WHERE"
    parts = [f"{picked} {branch}{where} {ORDER} LIMIT {size}" for branch in branches]
    page = parts[0]
    if len(parts) > 1:
        joined = " UNION ".join(f"({part})" for part in parts)
        page = f"SELECT * FROM ({joined}) AS o {ORDER} LIMIT {size}"
    due_json = "CASE WHEN isfinite(o.due_at) THEN to_json(o.due_at)::text ELSE 'null' END"
    query = (
        f"SELECT {incident_json(geometry=wanted.geometry)} AS body, {RULE_COLUMNS}, "
        f"o.due_at::text AS due_key, {due_json} AS due_json, {COLOUR} AS colour "
        f"FROM ({page}) AS o JOIN incident i ON i.id = o.incident_id {ORDER}"
    )
    return as_actor(query), sql.arguments


def counts_query(subject: Subject, wanted: Wanted, now: datetime) -> tuple[str, list[Any]] | None:
    """How many by state and colour, whatever state and colour the page is narrowed to."""
    sql = _Sql([now])
    branches = waiting_for(subject, wanted, sql)
    if not branches:
        return None
    where = "".join(f" AND {condition}" for condition in _narrowed(subject, wanted, sql))
    query = (
        f"SELECT o.state, {COLOUR} AS colour, count(*) AS many FROM open_incident o "
        f"WHERE ({' OR '.join(branches)}){where} GROUP BY 1, 2"
    )
    return as_actor(query), sql.arguments


def waiting_for(subject: Subject, wanted: Wanted, sql: _Sql) -> list[str]:
    """The branches of WHERE clauses that together hold what waits for `subject`.

    A dispatcher or worker sees what its own tier holds in its areas, or what the asked tiers hold;
    who has no tier sees them all. A unit's handler sees what the unit has in hand or helps with.
    """
    areas: dict[tuple[int, str, int | None], set[str]] = {}
    for grant in subject.grants_for(Permission.INCIDENT_READ):
        inside = _inside(grant.area, wanted.area)
        if grant.role is Role.UNIT_HANDLER or inside is None:
            continue
        tier = None if wanted.tiers else ROLE_TIER.get(grant.role)
        areas.setdefault((len(inside), inside[:TOWNSHIP], tier), set()).add(inside)
    branches = [
        _in_areas(level, township, sorted(codes), tier, sql)
        for (level, township, tier), codes in sorted(areas.items(), key=repr)
    ]
    if subject.units:
        near = f" AND starts_with(o.grid_code, {sql.use(wanted.area)})" if wanted.area else ""
        branches += [f"o.unit_code = {sql.use(unit)}{near}" for unit in sorted(subject.units)]
        branches.append(f"o.incident_id IN (SELECT gw_helped()){near}")
    return branches


def _inside(grant: str, asked: str | None) -> str | None:
    """The part of a grant's area that was asked for; None when there is none."""
    if asked is None or grant.startswith(asked):
        return grant
    return asked if asked.startswith(grant) else None


def _in_areas(level: int, township: str, codes: list[str], tier: int | None, sql: _Sql) -> str:
    """Areas of one level in one township: the township's index gives their order."""
    if level <= TOWNSHIP:
        found = f"o.{COLUMNS[level]} = {sql.use(codes[0])}"
    else:
        found = (
            f"o.township_code = {sql.use(township)} "
            f"AND o.{COLUMNS[level]} = ANY ({sql.use(codes)}::text[])"
        )
    return found if tier is None else f"{found} AND o.tier = {tier}"


def _narrowed(subject: Subject, wanted: Wanted, sql: _Sql) -> Iterator[str]:
    if wanted.tiers:
        yield f"o.tier = ANY ({sql.use(list(wanted.tiers))}::smallint[])"
    if wanted.levels:
        yield f"o.level = ANY ({sql.use(list(wanted.levels))}::smallint[])"
    if wanted.category:
        low = wanted.category
        high = f"{int(low) + 1:0{len(low)}d}"
        yield f"o.category_code >= {sql.use(low)} AND o.category_code < {sql.use(high)}"
    if wanted.unit:
        unit = sql.use(wanted.unit)
        yield f"(o.unit_code = {unit} OR {unit} = ANY (o.co_units))"
    if wanted.drill is not None:
        yield f"o.drill = {sql.use(wanted.drill)}"
    if wanted.mine:
        me = sql.use(subject.account_id)
        yield (
            f"EXISTS (SELECT FROM incident m WHERE m.id = o.incident_id AND m.assignee_id = {me})"
        )


def _faceted(wanted: Wanted, sql: _Sql) -> Iterator[str]:
    if wanted.states:
        yield f"o.state = ANY ({sql.use(list(wanted.states))}::text[])"
    if wanted.colours:
        yield f"({COLOUR}) = ANY ({sql.use(list(wanted.colours))}::text[])"
        yield from (bound for colours, bound in BOUNDS if colours.issuperset(wanted.colours))


_EVENT = """
SELECT e.xact::text AS xact, e.id, e.case_id, e.payload ->> 'unit' AS named_unit, i.grid_code,
  i.unit_code, i.co_units, i.concerns_unit,
  (SELECT to_json(r)::text FROM (SELECT e.case_id AS id, i.number, i.grid_code,
    i.category_code AS category, i.level, e.seq, e.event, e.action, e.to_state AS state, i.tier,
    e.recorded_at, i.amber_at, i.due_at, i.supervise_at, i.drill, e.clauses) AS r) AS body
FROM case_event e JOIN incident i ON i.id = e.case_id
WHERE e.case_kind = 'incident' AND e.xact < (SELECT gw_event_horizon())
"""
# Whatever a transaction below the horizon has written is there to be read; what is above it may
# still come, and waits.
EVENTS_AFTER = (
    _EVENT + " AND (e.xact, e.id) > ($1::text::xid8, $2::bigint) ORDER BY e.xact, e.id LIMIT $3"
)
LAST_EVENTS = _EVENT + " ORDER BY e.xact DESC, e.id DESC LIMIT $1"
HORIZON = "SELECT gw_event_horizon()::text"
