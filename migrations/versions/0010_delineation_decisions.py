"""delineations: what a check decided, who may draw where, history that nobody deletes

Revision ID: 0010
Revises: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")

# The areas that the caller draws or oversees, read from the tables at each statement.
DRAWS = """
CREATE FUNCTION gw_draws(changes boolean) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
  SELECT coalesce(array_agg(DISTINCT a.area_code), '{}')
  FROM assignment a JOIN account c ON c.id = a.account_id
  WHERE a.account_id = gw_actor() AND c.status = 'active'
    AND (a.role = 'administrator' OR (a.role = 'auditor' AND NOT changes))
    AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now())
$$
"""
INSIDE = """
CREATE FUNCTION gw_inside(code text, areas text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
PARALLEL SAFE AS
$$ SELECT EXISTS (SELECT FROM unnest(areas) AS area WHERE starts_with(code, area)) $$
"""

# A draft is for those who draw or oversee there. What is published is for everybody who logs in;
# only who administers an area may add to it or end it.
POLICIES = (
    ("drawn", "delineation", "FOR INSERT", "area_code"),
    ("decided", "delineation", "FOR UPDATE", "area_code"),
    ("made", "grid", "FOR INSERT", "code"),
    ("ended", "grid", "FOR UPDATE", "code"),
    ("made", "grid_version", "FOR INSERT", "code"),
    ("ended", "grid_version", "FOR UPDATE", "code"),
    ("made", "grid_change", "FOR INSERT", "village_code"),
    ("made", "grid_lineage", "FOR INSERT", "child_code"),
)
PUBLISHED = ("grid", "grid_version", "grid_change", "grid_lineage")
OF_DELINEATION = ("delineation_feature", "delineation_finding")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _add_columns()
    op.execute(DRAWS)
    op.execute(INSIDE)
    for name, table, command, column in POLICIES:
        inside = f"gw_inside({column}, (SELECT gw_draws(true)))"
        clause = f"WITH CHECK ({inside})" if command == "FOR INSERT" else f"USING ({inside})"
        op.execute(f"CREATE POLICY {name} ON {table} {command} TO gridward_app {clause}")
    published = "status IN ('published', 'superseded')"
    readable = f"{published} OR gw_inside(area_code, (SELECT gw_draws(false)))"
    op.execute(
        f"CREATE POLICY readable ON delineation FOR SELECT TO gridward_app USING ({readable})"
    )
    of_it = "EXISTS (SELECT FROM delineation d WHERE d.id = delineation_id"
    drawn = f"{of_it} AND gw_inside(d.area_code, (SELECT gw_draws(true))))"
    for table in OF_DELINEATION:
        op.execute(f"CREATE POLICY readable ON {table} FOR SELECT TO gridward_app USING ({of_it}))")
        op.execute(f"CREATE POLICY drawn ON {table} TO gridward_app USING ({drawn})")
    for table in PUBLISHED:
        op.execute(f"CREATE POLICY readable ON {table} FOR SELECT TO gridward_app USING (true)")
        op.execute(f"REVOKE DELETE ON {table} FROM gridward_app")
    for table in ("delineation", *OF_DELINEATION, *PUBLISHED):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def _add_columns() -> None:
    op.alter_column("grid_change", "approval_document", nullable=True)
    op.create_check_constraint(
        "approval_document",
        "grid_change",
        "operation = 'delineate' OR approval_document IS NOT NULL",
    )
    _add_filled("delineation", "village_codes", sa.ARRAY(CODE), "'{}'")
    _add_filled("delineation", "base_digest", sa.Text(), "''")
    _add_filled("delineation_feature", "takes_over", postgresql.JSONB(), "'{}'")
    for column in (
        sa.Column("area_m2", sa.Float()),
        sa.Column("decision", sa.Text()),
        sa.Column("matched_code", CODE),
        sa.Column("number_order", sa.Integer()),
        sa.Column("assigned_code", CODE),
    ):
        op.add_column("delineation_feature", column)
    op.create_check_constraint(
        "decision", "delineation_feature", "decision IN ('keep', 'adjust', 'new')"
    )
    op.create_check_constraint(
        "numbered",
        "delineation_feature",
        "decision IS DISTINCT FROM 'new' OR number_order IS NOT NULL",
    )


def _add_filled(table: str, name: str, kind: sa.types.TypeEngine[Any], value: str) -> None:
    """A column without NULLs: old rows get `value`, new ones must say theirs."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=sa.text(value)))
    op.alter_column(table, name, server_default=None)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table, *_ in POLICIES:
        op.execute(f"DROP POLICY {name} ON {table}")
    op.execute("DROP POLICY readable ON delineation")
    for table in OF_DELINEATION:
        op.execute(f"DROP POLICY readable ON {table}")
        op.execute(f"DROP POLICY drawn ON {table}")
    for table in PUBLISHED:
        op.execute(f"DROP POLICY readable ON {table}")
        op.execute(f"GRANT DELETE ON {table} TO gridward_app")
    for table in ("delineation", *OF_DELINEATION, *PUBLISHED):
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION gw_inside(text, text[])")
    op.execute("DROP FUNCTION gw_draws(boolean)")
    for name in ("decision", "numbered"):
        op.drop_constraint(name, "delineation_feature", type_="check")
    for name in (
        "assigned_code", "takes_over", "number_order", "matched_code", "decision", "area_m2",
    ):  # fmt: skip
        op.drop_column("delineation_feature", name)
    op.drop_column("delineation", "base_digest")
    op.drop_column("delineation", "village_codes")
    op.drop_constraint("approval_document", "grid_change", type_="check")
    op.execute("UPDATE grid_change SET approval_document = '' WHERE approval_document IS NULL")
    op.alter_column("grid_change", "approval_document", nullable=False)
