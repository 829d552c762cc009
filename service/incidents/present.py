"""An incident as JSON: once from a case in memory, once as SQL. A test holds the two together."""

from __future__ import annotations

from typing import Any

import msgspec

from service.incidents.case import IncidentCase

# Over the table alias `i`; the order of members is that of `document`. Lists leave out positions
# unless they are asked for. `to_json` of a row costs half of what naming each member does.
_HEAD = """
i.id, i.number, i.category_code AS category, i.category_version, i.level, i.state, i.version,
i.description, i.channel, i.occurred_at, i.reported_at, i.last_event_at, i.closed_at,
i.grid_code, i.micro_grid_code,
"""
_POSITION = """
(SELECT to_json(p) FROM (SELECT 'Point' AS type,
  ARRAY[ST_X(i.location), ST_Y(i.location)] AS coordinates) AS p) AS location,
(SELECT to_json(w) FROM (SELECT i.raw_x AS x, i.raw_y AS y, i.raw_crs AS crs,
  i.accuracy_m) AS w) AS raw_position,
"""
_TAIL = """
(SELECT to_json(h) FROM (SELECT i.tier, CASE i.tier WHEN 1 THEN i.grid_code
  WHEN 2 THEN i.village_code WHEN 3 THEN i.township_code ELSE i.county_code END AS area,
  i.unit_code AS unit, i.assignee_id AS account) AS h) AS holder,
i.reporter_id, i.concerns_unit, i.returns, i.verification, i.verified_by, i.satisfaction,
i.outcome, i.policy_version,
(SELECT to_json(d) FROM (SELECT i.amber_at, i.due_at, i.supervise_at, i.finish_due, i.on_site_due,
  ARRAY(SELECT c.key FROM jsonb_each(i.clocks) AS c WHERE c.value ->> 4 = '-1' ORDER BY c.key)
    AS waiting) AS d) AS deadline,
i.extension, i.suspended_at, i.supervised_at, i.drill, i.activation_id AS activation, i.clauses
"""

# What several have a part in. The master may lie outside what a reader of the merged case sees:
# its number and state are told all the same (see migration 0064).
_PARTS = """
, i.co_units, i.closing_rule, i.sub_orders, i.calls, i.merged_ids AS merged,
(SELECT to_json(m) FROM gw_master(i.master_id) AS m WHERE i.master_id IS NOT NULL) AS master
"""


def incident_json(*, geometry: bool, parts: bool = False) -> str:
    """The SQL (type text) of an incident over alias `i`, without what the caller may do.

    `parts` are its calls and sub-orders and what it is merged with; lists leave them out.
    """
    columns = f"{_HEAD}{_POSITION if geometry else ''}{_TAIL}{_PARTS if parts else ''}"
    return f"(SELECT to_json(r)::text FROM (SELECT {columns}) AS r)"


def document(case: IncidentCase, master: IncidentCase | None = None) -> dict[str, Any]:
    """The same members from a case in memory, with positions and parts."""
    return {
        "id": case.id,
        "number": case.number,
        "category": case.category_code,
        "category_version": case.category_version,
        "level": case.level,
        "state": case.state,
        "version": case.version,
        "description": case.description,
        "channel": case.channel,
        "occurred_at": case.occurred_at,
        "reported_at": case.reported_at,
        "last_event_at": case.last_event_at,
        "closed_at": case.closed_at,
        "grid_code": case.grid_code,
        "micro_grid_code": case.micro_grid_code,
        "location": {"type": "Point", "coordinates": [case.lon, case.lat]},
        "raw_position": _raw(case),
        "holder": _holder(case),
        "reporter_id": case.reporter_id,
        "concerns_unit": case.concerns_unit,
        "returns": case.returns,
        "verification": case.verification,
        "verified_by": case.verified_by,
        "satisfaction": case.satisfaction,
        "outcome": case.outcome,
        "policy_version": case.policy_version,
        "deadline": _deadline(case),
        "extension": case.extension,
        "suspended_at": case.suspended_at,
        "supervised_at": case.supervised_at,
        "drill": case.drill,
        "activation": case.activation_id,
        "clauses": case.clauses,
        **_parts(case, master),
    }


def _raw(case: IncidentCase) -> dict[str, Any]:
    return {
        "x": case.raw_x,
        "y": case.raw_y,
        "crs": case.raw_crs,
        "accuracy_m": case.accuracy_m,
    }


def _holder(case: IncidentCase) -> dict[str, Any]:
    return {
        "tier": case.tier,
        "area": case.holder_area,
        "unit": case.unit_code,
        "account": case.assignee_id,
    }


def _deadline(case: IncidentCase) -> dict[str, Any]:
    return {
        "amber_at": case.amber_at,
        "due_at": case.due_at,
        "supervise_at": case.supervise_at,
        "finish_due": case.finish_due,
        "on_site_due": case.on_site_due,
        "waiting": case.waiting,
    }


def _parts(case: IncidentCase, master: IncidentCase | None) -> dict[str, Any]:
    return {
        "co_units": case.co_units,
        "closing_rule": case.closing_rule,
        "sub_orders": case.sub_orders,
        "calls": case.calls,
        "merged": case.merged_ids,
        "master": {"id": master.id, "number": master.number, "state": master.state}
        if master is not None
        else None,
    }


def answer(case: IncidentCase, actions: list[str], master: IncidentCase | None = None) -> str:
    """The case as JSON text for a caller who may take `actions`; `master` is what it is merged
    into."""
    return msgspec.json.encode({**document(case, master), "available_actions": actions}).decode()


def with_actions(incident: str, actions: str, more: str = "") -> str:
    """`incident` (a JSON object's text) with `available_actions` (a JSON array's text) added."""
    return f'{incident[:-1]},"available_actions":{actions}{more}}}'
