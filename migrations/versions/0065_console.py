"""console: events in commit order, and the open cases that a unit helps with

Revision ID: 0065
Revises: 0064
"""

from __future__ import annotations

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

# SECURITY DEFINER: the operators of arrays are not leakproof, so under row-level security their
# index would be passed over. It gives ids of the caller's own units alone; the rows themselves are
# read under the policies again.
HELPED = """
CREATE FUNCTION gw_helped() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN QUERY SELECT o.incident_id FROM open_incident o
  WHERE o.co_units <> '{}' AND o.co_units && (SELECT gw_units());
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_case_event_commit", "case_event", ["xact", "id"])
    op.execute(HELPED)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION gw_helped()")
    op.drop_index("ix_case_event_commit", table_name="case_event")
