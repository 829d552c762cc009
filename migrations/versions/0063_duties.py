"""duties: lists of what townships and communities do, approvals of dispatches outside them

An approval is read by who asked for it or by that unit, by the township and village concerned,
and by the county; it is changed by the same under the application's role, and by the writer when
a dispatch uses it.

Revision ID: 0063
Revises: 0061
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0063"
down_revision = "0061"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")
MOMENT = sa.DateTime(timezone=True)
STATES = "'requested', 'opinion_given', 'approved', 'denied', 'used', 'withdrawn', 'expired'"
OPEN = "state IN ('approved', 'opinion_given', 'requested')"

IN_SCOPE = """
  ARRAY[left(target_area, 6), left(target_area, 9), target_area] && (SELECT gw_areas())
  OR requested_by = (SELECT gw_actor())
  OR ARRAY[requesting_unit, target_unit] && (SELECT gw_units())
"""
POLICIES = (
    f"CREATE POLICY in_scope ON dispatch_approval FOR SELECT TO gridward_app USING ({IN_SCOPE})",
    f"CREATE POLICY step ON dispatch_approval FOR UPDATE TO gridward_app USING ({IN_SCOPE})",
    """
CREATE POLICY own_request ON dispatch_approval FOR INSERT TO gridward_app
WITH CHECK (requested_by = (SELECT gw_actor()))
""",
    "CREATE POLICY gathered ON dispatch_approval TO gridward_writer USING (true)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _lists()
    _approvals()
    op.execute("ALTER TABLE dispatch_approval ENABLE ROW LEVEL SECURITY")
    for statement in POLICIES:
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON duty_list, duty_item TO gridward_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON dispatch_approval TO gridward_app")
    op.execute("GRANT SELECT, UPDATE ON dispatch_approval TO gridward_writer")
    op.execute("INSERT INTO data_epoch (name, value) VALUES ('duties', 0)")


def _lists() -> None:
    op.create_table(
        "duty_list",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('township', 'community')", name="kind"),
        sa.CheckConstraint("status IN ('draft', 'published', 'retired')", name="status"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_duty_list")),
    )
    op.create_index(
        "uq_duty_list_published",
        "duty_list",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_table(
        "duty_item",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("categories", postgresql.ARRAY(CODE), nullable=False),
        sa.Column("lead_unit", CODE, nullable=True),
        sa.Column("cooperating_units", postgresql.ARRAY(CODE), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("exceptions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("clauses", postgresql.ARRAY(CODE), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("section IN ('basic', 'cooperate', 'recovered')", name="section"),
        sa.ForeignKeyConstraint(
            ["version"], ["duty_list.version"], name=op.f("fk_duty_item_version_duty_list")
        ),
        sa.PrimaryKeyConstraint("version", "code", name=op.f("pk_duty_item")),
    )


def _approvals() -> None:
    op.create_table(
        "dispatch_approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_event_at", MOMENT, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("category_code", CODE, nullable=False),
        sa.Column("grid_code", CODE, nullable=False),
        sa.Column("target_area", CODE, nullable=False),
        sa.Column("target_unit", CODE, nullable=True),
        sa.Column("list_version", sa.Integer(), nullable=False),
        sa.Column("item_code", CODE, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("support", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requesting_unit", CODE, nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("opinion_agrees", sa.Boolean(), nullable=True),
        sa.Column("opinion_text", sa.Text(), nullable=True),
        sa.Column("opinion_by", sa.Uuid(), nullable=True),
        sa.Column("opinion_at", MOMENT, nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_by", sa.Uuid(), nullable=True),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("clauses", postgresql.ARRAY(CODE), nullable=False),
        sa.CheckConstraint(f"state IN ({STATES})", name="state"),
        sa.CheckConstraint("target_area ~ '^(\\d{9}|\\d{12})$'", name="target_area"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_approval")),
    )
    op.create_index(
        "ix_dispatch_approval_requested_at_id", "dispatch_approval", ["requested_at", "id"]
    )
    op.create_index("ix_dispatch_approval_case_id", "dispatch_approval", ["case_id"])
    op.create_index(
        "ix_dispatch_approval_expires_at",
        "dispatch_approval",
        ["expires_at"],
        postgresql_where=sa.text(OPEN),
    )
    op.create_index(
        "uq_dispatch_approval_open",
        "dispatch_approval",
        ["case_id", "target_area"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM data_epoch WHERE name = 'duties'")
    op.drop_table("dispatch_approval")
    op.drop_table("duty_item")
    op.drop_table("duty_list")
