"""event horizon: what readers in commit order may read is held back by this database alone

A snapshot's xmin is that of the whole cluster: a long transaction in another database, a dump or a
load, held back every follower of events. Such transactions are known by their backends and are
passed over; one whose database cannot be told (a prepared one, a subtransaction, a backend of
another role's) still counts as ours. The function reads with its owner's rights what other
sessions do, and gives away one number.

Revision ID: 0070
Revises: 0069
"""

from __future__ import annotations

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

HORIZON = """
CREATE FUNCTION gw_event_horizon() RETURNS xid8 LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
DECLARE
  seen CONSTANT pg_snapshot := pg_current_snapshot();
BEGIN
  RETURN coalesce((
    SELECT x.running FROM pg_snapshot_xip(seen) AS x(running)
    WHERE NOT EXISTS (
      SELECT FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
      WHERE d.datname <> current_database()
        AND a.backend_xid::text = (x.running::text::numeric % 4294967296)::text)
    ORDER BY x.running LIMIT 1), pg_snapshot_xmax(seen));
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(HORIZON)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION gw_event_horizon()")
