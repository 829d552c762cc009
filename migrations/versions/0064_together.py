"""together: what cases merged into one another remember, and what finds a unit's part in others

`gw_co_cases` lets a unit's handler find the open cases in which its own units have a part, by the
index that row-level security would keep out of use; `gw_master` tells number and state of a case
that others are merged into, wherever it lies.

Revision ID: 0064
Revises: 0062
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0062"
branch_labels = None
depends_on = None

COLUMNS = ("merged_ids", "declined_ids")

# Both names of the caller's own units are asked for at once: nobody learns of another's.
FUNCTIONS = (
    """
CREATE FUNCTION gw_co_cases(asked text[]) RETURNS SETOF uuid LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = public, pg_temp ROWS 50 AS
$$
DECLARE own text[] := ARRAY(SELECT unnest(asked) INTERSECT SELECT unnest(gw_units()));
BEGIN
  RETURN QUERY SELECT o.incident_id FROM open_incident o
    WHERE o.co_units <> '{}' AND o.co_units && own;
END
$$
""",
    """
CREATE FUNCTION gw_master(asked uuid) RETURNS TABLE (id uuid, number text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT i.id, i.number, i.state FROM incident i WHERE i.id = asked $$
""",
)
SIGNATURES = ("gw_master(uuid)", "gw_co_cases(text[])")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in COLUMNS:
        op.add_column(
            "incident",
            sa.Column(name, sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        )
    for statement in FUNCTIONS:
        op.execute(statement)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO gridward_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
    for name in reversed(COLUMNS):
        op.drop_column("incident", name)
