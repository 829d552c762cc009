"""response policies, work calendars, service hours; histories for simulation

A simulation replays when things happened to many cases. Administrators, who read no cases, run
it: the function shows them times, levels and codes, no texts and no persons, and only inside the
county that they administer.

Revision ID: 0061
Revises: 0060
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

# The newest `reach` cases of the area come by the index of its level (ix_incident_reported,
# _township, _village or _grid), those of the category among them are kept up to `last`, and their
# events come by uq_case_event_case_id_seq: the cost is bounded however long the history is.
HISTORIES = """
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
SIGNATURE = "gw_incident_histories(text, text, int, int)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _policies()
    _work_time()
    op.execute("GRANT SELECT, INSERT, UPDATE ON response_policy, work_calendar TO gridward_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON service_hours TO gridward_app")
    op.execute("INSERT INTO data_epoch (name, value) VALUES ('response', 0)")
    op.execute(HISTORIES)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO gridward_app")


def _policies() -> None:
    op.create_table(
        "response_policy",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("status IN ('draft', 'published', 'withdrawn')", name="status"),
        sa.CheckConstraint("status = 'draft' OR valid_from IS NOT NULL", name="valid_from"),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index(
        "uq_response_policy_valid_from",
        "response_policy",
        ["valid_from"],
        unique=True,
        postgresql_where="status = 'published'",
    )


def _work_time() -> None:
    op.create_table(
        "work_calendar",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("year BETWEEN 2000 AND 2199", name="year"),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "service_hours",
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("spans", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(area_code) IN (6, 9, 12, 15)", name="area_code"),
        sa.PrimaryKeyConstraint("area_code"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute("DELETE FROM data_epoch WHERE name = 'response'")
    op.drop_table("service_hours")
    op.drop_table("work_calendar")
    op.drop_table("response_policy")
