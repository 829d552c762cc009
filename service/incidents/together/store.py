"""All reading SQL of calls, sub-orders and duplicates, under row-level security.

Array operators are not leakproof: under row-level security no index on an array would serve them.
So `gw_co_cases` finds, by the index, the open cases in which the caller's own units have a part;
the rows themselves are then read by their keys, and judged.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from geo.cells import cells_of
from service.auth.subject import Subject
from service.db import as_actor
from service.incidents.store import Sql, readable_by

CASE = as_actor(
    "SELECT i.id, i.number, i.grid_code, i.concerns_unit, i.category_code, i.level, "
    "i.policy_version, i.reported_at, i.master_id, i.declined_ids, "
    "ST_X(i.location) AS lon, ST_Y(i.location) AS lat "
    "FROM incident i WHERE i.id = $2"
)

_PARTS = """
SELECT (p.part || jsonb_build_object('incident', jsonb_build_object(
    'id', i.id, 'number', i.number, 'category', i.category_code, 'level', i.level,
    'state', i.state, 'version', i.version, 'grid_code', i.grid_code,
    'description', i.description)))::text AS body,
  (p.part ->> 'id')::uuid AS id
FROM gw_co_cases($2::text[]) AS found(id)
JOIN incident i ON i.id = found.id
CROSS JOIN LATERAL jsonb_array_elements(i.{parts}) AS p(part)
WHERE p.part ->> 'unit' = ANY ($2::text[])
  AND ($3::text[] IS NULL OR p.part ->> 'state' = ANY ($3::text[]))
  AND ($4::uuid IS NULL OR (p.part ->> 'id')::uuid < $4::uuid)
ORDER BY (p.part ->> 'id')::uuid DESC LIMIT $5
"""
# Parts have version 7 ids: their order is that in which they were made.
SUB_ORDERS = as_actor(_PARTS.format(parts="sub_orders"))
CALLS = as_actor(_PARTS.format(parts="calls"))

METRES_PER_DEGREE = 110_574.0
MOST_PROPOSED = 20
# Rejected and void cases are no matter to be merged into; merged ones follow another already.
NO_MATTER = ["rejected", "void", "merged"]

# A CASE is no condition for an index: the few cells around answer, not the history of a scope.
_DUPLICATES = """
SELECT json_build_object('id', n.id, 'number', n.number, 'category', n.category_code,
  'level', n.level, 'state', n.state, 'version', n.version, 'description', n.description,
  'reported_at', n.reported_at, 'grid_code', n.grid_code,
  'distance_m', round(n.metres::numeric, 1),
  'mergeable', n.is_open AND n.concerns_unit IS NOT DISTINCT FROM {concerns}::text)::text AS body
FROM (
  SELECT i.*, ST_Distance(i.location::geography,
    ST_SetSRID(ST_MakePoint({lon}::float8, {lat}::float8), 4490)::geography) AS metres
  FROM unnest({cells}::int[]) AS c(cell) JOIN incident i ON i.cell = c.cell
  WHERE i.reported_at >= {since}::timestamptz AND i.reported_at <= {until}::timestamptz
    AND i.category_code = {category} AND CASE WHEN {scope} THEN true ELSE false END
    AND i.id <> {case}::uuid AND i.state <> ALL ({no_matter}::text[])
    AND i.id <> ALL ({declined}::uuid[]) AND {case}::uuid <> ALL (i.declined_ids)
) AS n
WHERE n.metres <= {radius}::float8 ORDER BY n.metres, n.id LIMIT {most}
"""


def duplicates_query(
    subject: Subject, case: Any, *, radius_m: float, since: datetime, until: datetime
) -> tuple[str, list[Any]] | None:
    """The statement that proposes duplicates of `case` (a row of CASE) and its arguments.

    Cases of its category, reported between the two times, within `radius_m` metres along the
    ellipsoid, that the subject may read; nearest first. None when the subject reads nothing.
    """
    sql = Sql()
    branches = readable_by(subject, None, sql)
    if not branches:
        return None
    values = {
        "lon": case["lon"],
        "lat": case["lat"],
        "cells": _around(case["lon"], case["lat"], radius_m),
        "since": since,
        "until": until,
        "category": case["category_code"],
        "case": case["id"],
        "no_matter": NO_MATTER,
        "declined": case["declined_ids"],
        "concerns": case["concerns_unit"],
        "radius": radius_m,
        "most": MOST_PROPOSED,
    }
    places = {name: sql.use(value) for name, value in values.items()}
    return as_actor(_DUPLICATES.format(scope=" OR ".join(branches), **places)), sql.arguments


def _around(lon: float, lat: float, radius_m: float) -> list[int]:
    """The cells that a circle touches; its box is taken a little larger than it is."""
    high = radius_m / METRES_PER_DEGREE * 1.01
    wide = high / math.cos(math.radians(min(abs(lat), 80.0)))
    return cells_of(lon - wide, lat - high, lon + wide, lat + high)
