"""people: home area of accounts, lineage of refresh tokens, own events

Revision ID: 0020
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"
branch_labels = None
depends_on = None

# Everybody reads the history of the own account; that is also what chains a new event to it.
OWN_HISTORY = """
ALTER POLICY of_readable_case ON case_event USING (
  CASE case_kind
    WHEN 'incident' THEN EXISTS (SELECT FROM incident i WHERE i.id = case_id)
    ELSE (SELECT gw_oversees()) OR actor_id = (SELECT gw_actor())
      OR (case_kind = 'account' AND case_id = (SELECT gw_actor()))
  END)
"""
HISTORY = """
ALTER POLICY of_readable_case ON case_event USING (
  CASE case_kind
    WHEN 'incident' THEN EXISTS (SELECT FROM incident i WHERE i.id = case_id)
    ELSE (SELECT gw_oversees()) OR actor_id = (SELECT gw_actor())
  END)
"""
LIVE = "used_at IS NULL AND revoked_at IS NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("account", sa.Column("area_code", sa.Text(collation="C"), nullable=True))
    op.add_column("refresh_token", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.drop_index("ix_refresh_token_account_id", table_name="refresh_token")
    op.create_index(
        "ix_refresh_token_live",
        "refresh_token",
        ["account_id", "family_id"],
        postgresql_where=sa.text(LIVE),
    )
    op.drop_constraint(op.f("ck_assignment_period"), "assignment", type_="check")
    op.create_check_constraint("period", "assignment", "valid_to IS NULL OR valid_to >= valid_from")
    op.execute(OWN_HISTORY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(HISTORY)
    op.execute(
        "UPDATE assignment SET valid_to = valid_from + interval '1 microsecond'"
        " WHERE valid_to = valid_from"
    )
    op.drop_constraint(op.f("ck_assignment_period"), "assignment", type_="check")
    op.create_check_constraint("period", "assignment", "valid_to IS NULL OR valid_to > valid_from")
    op.drop_index("ix_refresh_token_live", table_name="refresh_token")
    op.create_index("ix_refresh_token_account_id", "refresh_token", ["account_id"])
    op.drop_column("refresh_token", "parent_id")
    op.drop_column("account", "area_code")
