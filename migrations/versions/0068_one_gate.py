"""activations and drills under the one gate of states; resources found by a map's box

An activation becomes a case like any other: state, version, the head of its chain. What is given
to it and taken back are steps of it, taken by owners and committees too: these may move the chain
on, but what was declared - state, level, tier, end - stays with who dispatches there. The history
of a case is read by who reads the case.

Revision ID: 0068
Revises: 0067
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

# These name a column of `activation` in their text.
COMMANDED = """
CREATE OR REPLACE FUNCTION gw_commanded() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN coalesce((SELECT array_agg(DISTINCT
      CASE WHEN starts_with(x.area_code, v.code) THEN x.area_code ELSE v.code END)
    FROM unnest(gw_committee_of()) AS v(code)
    JOIN activation x ON x.{state} = 'in_force'
      AND (starts_with(v.code, x.area_code) OR starts_with(x.area_code, v.code))), '{{}}');
END
$$
"""
TRACK_ALLOWED = """
CREATE OR REPLACE FUNCTION gw_track_allowed(asked uuid, area text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN EXISTS (SELECT FROM activation x WHERE x.id = asked AND x.{state} = 'in_force'
      AND NOT x.drill AND x.activated_at <= at AND starts_with(area, x.area_code))
    AND EXISTS (SELECT FROM assignment a
      JOIN account c ON c.id = a.account_id AND c.status = 'active'
      WHERE a.account_id = gw_actor() AND a.valid_from <= now()
        AND (a.valid_to IS NULL OR a.valid_to > now())
        AND a.role = 'grid_worker' AND a.area_code = area);
END
$$
"""
# What was declared, before the statement that asks: a policy may not read its own table.
DECLARED = """
CREATE FUNCTION gw_declared_so(asked uuid, area text, declared_state text, declared_level smallint,
  declared_tier smallint, ended timestamptz, ender uuid, note text)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN EXISTS (SELECT FROM activation x WHERE x.id = asked
    AND (x.area_code, x.state, x.level, x.tier) = (area, declared_state, declared_level,
      declared_tier)
    AND (x.ended_at, x.ended_by, x.end_note) IS NOT DISTINCT FROM (ended, ender, note));
END
$$
"""
DECLARED_SIGNATURE = "gw_declared_so(uuid, text, text, smallint, smallint, timestamptz, uuid, text)"
DISPATCHED = """EXISTS (
    SELECT FROM unnest((SELECT gw_dispatches())) AS mine(code) WHERE starts_with(area_code, mine.code))"""
SERVED = """EXISTS (
    SELECT FROM unnest((SELECT gw_emergency_areas())) AS mine(code)
    WHERE starts_with(area_code, mine.code) OR starts_with(mine.code, area_code))
  AND gw_declared_so(id, area_code, state, level, tier, ended_at, ended_by, end_note)"""
HISTORY = """
ALTER POLICY of_readable_case ON case_event USING (
  CASE case_kind
    WHEN 'incident' THEN EXISTS (SELECT FROM incident i WHERE i.id = case_id)
    {more}ELSE (SELECT gw_oversees()) OR actor_id = (SELECT gw_actor())
      OR (case_kind = 'account' AND case_id = (SELECT gw_actor()))
  END)
"""
# An approval has a `case_id` of its own: the incident's.
QUIET_CASES = """WHEN 'dispatch_approval'
      THEN EXISTS (SELECT FROM dispatch_approval d WHERE d.id = case_event.case_id)
    WHEN 'activation' THEN EXISTS (SELECT FROM activation x WHERE x.id = case_event.case_id)
    WHEN 'drill' THEN EXISTS (SELECT FROM activation x WHERE x.id = case_event.case_id)
    """
# The chains that are there go on from their last event.
CHAINED = """
UPDATE activation x SET version = e.seq, head_hash = e.hash, last_event_at = e.recorded_at
FROM (SELECT DISTINCT ON (case_id) case_id, seq, hash, recorded_at FROM case_event
      WHERE case_kind IN ('activation', 'drill') ORDER BY case_id, seq DESC) AS e
WHERE e.case_id = x.id
"""
UNCHAINED = """
UPDATE activation SET version = 0, head_hash = decode(repeat('00', 32), 'hex'),
  last_event_at = activated_at
WHERE head_hash IS NULL
"""
# As geo.cells has it: cells of 0.02 degrees.
CELLS = """
UPDATE resource SET cell = floor((ST_Y(location) + 90) * 50)::int * 18000
  + floor((ST_X(location) + 180) * 50)::int
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("activation", "status", new_column_name="state")
    op.execute(
        "ALTER TABLE activation RENAME CONSTRAINT ck_activation_status TO ck_activation_state"
    )
    op.add_column("activation", sa.Column("head_hash", sa.LargeBinary(), nullable=True))
    op.add_column(
        "activation", sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.execute(CHAINED)
    op.execute(UNCHAINED)
    op.alter_column("activation", "head_hash", nullable=False)
    op.alter_column("activation", "last_event_at", nullable=False)
    op.add_column("resource", sa.Column("cell", sa.Integer(), nullable=True))
    op.execute(CELLS)
    op.alter_column("resource", "cell", nullable=False)
    op.create_index("ix_resource_cell", "resource", ["cell", "id"], unique=False)
    for statement in (COMMANDED, TRACK_ALLOWED):
        op.execute(statement.format(state="state"))
    op.execute(DECLARED)
    op.execute(f"REVOKE ALL ON FUNCTION {DECLARED_SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {DECLARED_SIGNATURE} TO gridward_app")
    op.execute(f"ALTER POLICY may_update ON activation WITH CHECK ({DISPATCHED} OR {SERVED})")
    op.execute(HISTORY.format(more=QUIET_CASES))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(HISTORY.format(more=""))
    op.execute(f"ALTER POLICY may_update ON activation WITH CHECK ({DISPATCHED})")
    op.execute(f"DROP FUNCTION {DECLARED_SIGNATURE}")
    op.drop_index("ix_resource_cell", table_name="resource")
    op.drop_column("resource", "cell")
    op.drop_column("activation", "last_event_at")
    op.drop_column("activation", "head_hash")
    op.execute(
        "ALTER TABLE activation RENAME CONSTRAINT ck_activation_state TO ck_activation_status"
    )
    op.alter_column("activation", "state", new_column_name="status")
    for statement in (COMMANDED, TRACK_ALLOWED):
        op.execute(statement.format(state="status"))
