"""histories for simulation: who has a case in person, and what an extension granted

Clocks depend on both, so a simulation that is to tell what running cases would tell needs them.
Still no person is named.

Revision ID: 0067
Revises: 0066
"""

from __future__ import annotations

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

# Earlier acceptances did not name whom they gave the case to: a grid worker took it in hand.
HISTORIES = """
CREATE FUNCTION gw_incident_histories(area text, category text, last int, reach int)
RETURNS TABLE (id uuid, number text, category_code text, category_version int, level smallint,
  grid_code text, reported_at timestamptz, is_open boolean, actions text[], times bigint[],
  tiers int[], in_person boolean[], durations text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
DECLARE
  scope text := CASE length(area) WHEN 6 THEN 'county_code' WHEN 9 THEN 'township_code'
    WHEN 12 THEN 'village_code' WHEN 15 THEN 'grid_code' END;
BEGIN
  IF scope IS NULL OR NOT EXISTS (
    SELECT FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = gw_actor() AND a.role = 'administrator' AND length(a.area_code) = 6
      AND starts_with(area, a.area_code)
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now()))
  THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format($q$
    SELECT i.id, i.number, i.category_code, i.category_version, i.level, i.grid_code,
      i.reported_at, i.is_open, e.actions, e.times, e.tiers,
      e.in_person, e.durations
    FROM (
      SELECT n.* FROM (
        SELECT r.id, r.number, r.category_code, r.category_version, r.level, r.grid_code,
          r.reported_at, r.is_open, r.state, r.concerns_unit, r.drill
        FROM incident r WHERE r.%I = $1 ORDER BY r.reported_at DESC, r.id DESC LIMIT $4) AS n
      WHERE ($2 IS NULL OR starts_with(n.category_code, $2))
        AND n.state NOT IN ('void', 'merged') AND NOT n.drill
        AND (n.concerns_unit IS NULL OR n.concerns_unit <> ALL ($5))
      ORDER BY n.reported_at DESC, n.id DESC LIMIT $3) AS i
    CROSS JOIN LATERAL (
      SELECT array_agg(v.action ORDER BY v.seq) AS actions,
        array_agg(floor(extract(epoch FROM v.recorded_at))::bigint ORDER BY v.seq) AS times,
        array_agg((v.payload ->> 'to_tier')::int ORDER BY v.seq) AS tiers,
        array_agg(v.payload ->> 'assignee' IS NOT NULL
          OR (v.action = 'accept' AND v.actor_role = 'grid_worker') ORDER BY v.seq) AS in_person,
        array_agg(v.payload ->> 'duration' ORDER BY v.seq) AS durations
      FROM case_event v WHERE v.case_id = i.id AND v.case_kind = 'incident') AS e
    $q$, scope) USING area, category, last, reach, gw_own_units();
END
$$
"""
SIGNATURE = "gw_incident_histories(text, text, int, int)"

BEFORE = """
CREATE FUNCTION gw_incident_histories(area text, category text, last int, reach int)
RETURNS TABLE (id uuid, number text, category_code text, category_version int, level smallint,
  grid_code text, reported_at timestamptz, is_open boolean, actions text[], times bigint[],
  tiers int[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
DECLARE
  scope text := CASE length(area) WHEN 6 THEN 'county_code' WHEN 9 THEN 'township_code'
    WHEN 12 THEN 'village_code' WHEN 15 THEN 'grid_code' END;
BEGIN
  IF scope IS NULL OR NOT EXISTS (
    SELECT FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = gw_actor() AND a.role = 'administrator' AND length(a.area_code) = 6
      AND starts_with(area, a.area_code)
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now()))
  THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format($q$
    SELECT i.id, i.number, i.category_code, i.category_version, i.level, i.grid_code,
      i.reported_at, i.is_open, e.actions, e.times, e.tiers
    FROM (
      SELECT n.* FROM (
        SELECT r.id, r.number, r.category_code, r.category_version, r.level, r.grid_code,
          r.reported_at, r.is_open, r.state, r.concerns_unit, r.drill
        FROM incident r WHERE r.%I = $1 ORDER BY r.reported_at DESC, r.id DESC LIMIT $4) AS n
      WHERE ($2 IS NULL OR starts_with(n.category_code, $2))
        AND n.state NOT IN ('void', 'merged') AND NOT n.drill
        AND (n.concerns_unit IS NULL OR n.concerns_unit <> ALL ($5))
      ORDER BY n.reported_at DESC, n.id DESC LIMIT $3) AS i
    CROSS JOIN LATERAL (
      SELECT array_agg(v.action ORDER BY v.seq) AS actions,
        array_agg(floor(extract(epoch FROM v.recorded_at))::bigint ORDER BY v.seq) AS times,
        array_agg((v.payload ->> 'to_tier')::int ORDER BY v.seq) AS tiers
      FROM case_event v WHERE v.case_id = i.id AND v.case_kind = 'incident') AS e
    $q$, scope) USING area, category, last, reach, gw_own_units();
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace(HISTORIES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace(BEFORE)


def _replace(definition: str) -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute(definition)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO gridward_app")
