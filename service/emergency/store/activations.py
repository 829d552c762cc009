"""SQL of activations, drills and who commands."""

from __future__ import annotations

from sqlalchemy import text

from service.emergency.case import ACTIVATIONS

# What concerns the caller: policies of the table say the same (see the migration).
_CONCERNS = """EXISTS (SELECT FROM unnest(CAST(:areas AS text[])) AS mine(code)
  WHERE x.area_code ^@ mine.code OR mine.code ^@ x.area_code)"""
_COLUMNS = """
x.id, x.area_code AS area, x.level, x.plan_code AS plan, x.plan_version,
p.name_zh AS plan_name_zh, p.name_en AS plan_name_en, p.hazard, x.reason, x.drill, x.state, x.tier,
x.version, x.activated_at, x.activated_by, x.ended_at, x.ended_by, x.end_note,
(SELECT count(*) FROM allocation l WHERE l.activation_id = x.id AND l.released_at IS NULL)
  AS allocations,
(SELECT to_jsonb(s) FROM (SELECT e.participants, e.units, e.findings, e.next_on, e.evaluated_at,
  e.evaluated_by FROM drill_evaluation e WHERE e.activation_id = x.id) AS s) AS evaluation
"""
_FROM = (
    "FROM activation x JOIN emergency_plan p ON (p.code, p.version) = (x.plan_code, x.plan_version)"
)
ONE = text(f"SELECT {_COLUMNS} {_FROM} WHERE x.id = :id AND {_CONCERNS}")
PAGE = text(f"""
SELECT {_COLUMNS} {_FROM}
WHERE {_CONCERNS}
  AND (CAST(:since AS timestamptz) IS NULL
    OR (x.activated_at, x.id) < (CAST(:since AS timestamptz), CAST(:after AS uuid)))
  AND (CAST(:area AS text) IS NULL OR x.area_code ^@ CAST(:area AS text)
    OR CAST(:area AS text) ^@ x.area_code)
  AND (CAST(:state AS text) IS NULL OR x.state = CAST(:state AS text))
  AND (CAST(:drill AS boolean) IS NULL OR x.drill = CAST(:drill AS boolean))
  AND (CAST(:plan AS text) IS NULL OR x.plan_code = CAST(:plan AS text))
ORDER BY x.activated_at DESC, x.id DESC LIMIT :limit
""")
# In id order, so that two callers never wait for one another in a circle.
LOCK_SEVERAL = text(f"""
SELECT {ACTIVATIONS.names} FROM activation
WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
""")
RUNNING = text("""
SELECT x.id FROM activation x
WHERE x.area_code = :area AND x.plan_code = :plan AND x.drill = :drill AND x.state = 'in_force'
""")
EVALUATE = text("""
INSERT INTO drill_evaluation (activation_id, participants, units, findings, next_on, evaluated_at,
  evaluated_by)
VALUES (:id, :participants, :units, :findings, :next_on, :now, :actor)
""")
IN_FORCE = (
    "SELECT id, area_code, level, plan_code, drill, activated_at FROM gw_activations_in_force"
)
IN_FORCE_SESSION = text(f"{IN_FORCE}(:area, :at)")
IN_FORCE_ASYNCPG = f"{IN_FORCE}($1, $2)"
# The two committees: dispatchers of the village, and handlers of the units of its own tier.
COMMANDERS = text("""
SELECT a.id AS assignment, c.id AS account, c.name, a.role, u.code AS unit,
  coalesce(u.area_code, a.area_code) AS village
FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
LEFT JOIN unit u ON u.code = a.unit_code AND a.role = 'unit_handler'
WHERE a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at)
  AND (a.role = 'village_dispatcher' OR (a.role = 'unit_handler' AND u.tier = 2 AND u.active))
  AND (coalesce(u.area_code, a.area_code) ^@ CAST(:area AS text)
    OR CAST(:area AS text) ^@ coalesce(u.area_code, a.area_code))
  AND (CAST(:after AS uuid) IS NULL OR a.id > CAST(:after AS uuid))
ORDER BY a.id LIMIT :limit
""")
COMMITTEE_OF = text("SELECT gw_committee_of()")
