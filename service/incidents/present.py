"""An incident as JSON: once from a case in memory, once as SQL. A test holds the two together."""

from __future__ import annotations

from typing import Any

import msgspec

from service.incidents.case import IncidentCase
from service.kit.clock import iso

# Over the table alias `i`; the order of members is that of `document`. Lists leave out positions
# unless they are asked for.
_HEAD = """
'id', i.id, 'number', i.number, 'category', i.category_code,
'category_version', i.category_version, 'level', i.level, 'state', i.state, 'version', i.version,
'description', i.description, 'channel', i.channel, 'occurred_at', i.occurred_at,
'reported_at', i.reported_at, 'last_event_at', i.last_event_at, 'closed_at', i.closed_at,
'grid_code', i.grid_code, 'micro_grid_code', i.micro_grid_code,
"""
_POSITION = """
'location', json_build_object('type', 'Point',
  'coordinates', json_build_array(ST_X(i.location), ST_Y(i.location))),
'raw_position', json_build_object('x', i.raw_x, 'y', i.raw_y, 'crs', i.raw_crs,
  'accuracy_m', i.accuracy_m),
"""
_TAIL = """
'holder', json_build_object('tier', i.tier, 'area', CASE i.tier WHEN 1 THEN i.grid_code
  WHEN 2 THEN i.village_code WHEN 3 THEN i.township_code ELSE i.county_code END,
  'unit', i.unit_code, 'account', i.assignee_id),
'reporter_id', i.reporter_id, 'concerns_unit', i.concerns_unit, 'returns', i.returns,
'verification', i.verification, 'verified_by', i.verified_by, 'satisfaction', i.satisfaction,
'clauses', i.clauses
"""


def incident_json(*, geometry: bool) -> str:
    """The SQL (type json) of an incident over alias `i`, without what the caller may do."""
    return f"json_build_object({_HEAD}{_POSITION if geometry else ''}{_TAIL})"


def document(case: IncidentCase) -> dict[str, Any]:
    """The same members from a case in memory, with positions."""
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
        "occurred_at": iso(case.occurred_at),
        "reported_at": iso(case.reported_at),
        "last_event_at": iso(case.last_event_at),
        "closed_at": iso(case.closed_at) if case.closed_at else None,
        "grid_code": case.grid_code,
        "micro_grid_code": case.micro_grid_code,
        "location": {"type": "Point", "coordinates": [case.lon, case.lat]},
        "raw_position": {
            "x": case.raw_x,
            "y": case.raw_y,
            "crs": case.raw_crs,
            "accuracy_m": case.accuracy_m,
        },
        "holder": {
            "tier": case.tier,
            "area": case.holder_area,
            "unit": case.unit_code,
            "account": case.assignee_id,
        },
        "reporter_id": case.reporter_id,
        "concerns_unit": case.concerns_unit,
        "returns": case.returns,
        "verification": case.verification,
        "verified_by": case.verified_by,
        "satisfaction": case.satisfaction,
        "clauses": case.clauses,
    }


def answer(case: IncidentCase, actions: list[str]) -> str:
    """The case as JSON text for a caller who may take `actions`."""
    return msgspec.json.encode({**document(case), "available_actions": actions}).decode()


def with_actions(incident: str, actions: str, more: str = "") -> str:
    """`incident` (a JSON object's text) with `available_actions` (a JSON array's text) added."""
    return f'{incident[:-1]},"available_actions":{actions}{more}}}'
