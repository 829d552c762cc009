"""open incidents: what clocks, collaboration and emergencies add to a case, and the open ones apart

`open_incident` repeats what the queue, the clocks and the figures ask of open cases, so that their
cost follows the open work. It is written by the same statements as the incident. Events carry
their transaction, so that a reader can follow them in commit order.

Revision ID: 0060
Revises: 0050
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None

CODES = sa.ARRAY(sa.Text(collation="C"))
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)


class Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "xid8"


def _kept(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=sa.text(default), nullable=False)


def _added() -> list[sa.Column[Any]]:
    return [
        sa.Column("policy_version", sa.Integer(), nullable=True),
        _kept("clocks", JSON, "'{}'"),
        *(
            sa.Column(name, MOMENT, nullable=True)
            for name in (
                "amber_at", "due_at", "supervise_at", "next_alarm_at", "accepted_at", "arrived_at",
                "on_site_due", "finish_due", "suspended_at",
            )
        ),
        _kept("suspended_seconds", sa.Integer(), "0"),
        sa.Column("extension", JSON, nullable=True),
        *(
            _kept(name, sa.SmallInteger(), "0")
            for name in ("extensions", "assignments", "verifications", "failed_verifications")
        ),
        sa.Column("supervised_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        _kept("drill", sa.Boolean(), "false"),
        sa.Column("activation_id", sa.Uuid(), nullable=True),
        sa.Column("master_id", sa.Uuid(), nullable=True),
        _kept("closing_rule", sa.Text(), "'all'"),
        _kept("co_units", CODES, "'{}'"),
        _kept("sub_orders", JSON, "'[]'"),
        _kept("calls", JSON, "'[]'"),
    ]  # fmt: skip


PROJECTED = (
    "county_code, township_code, village_code, grid_code, unit_code, co_units, concerns_unit, "
    "category_code, level, tier, state, reported_at, amber_at, supervise_at, next_alarm_at, drill"
)

INCIDENT_POLICY = """
CREATE POLICY in_scope ON incident FOR SELECT TO gridward_app USING (
  (ARRAY[county_code, township_code, village_code, grid_code] && (SELECT gw_areas())
   OR unit_code = ANY ((SELECT gw_units())::text[]) {more})
  AND (concerns_unit IS NULL OR concerns_unit <> ALL ((SELECT gw_own_units())::text[])))
"""
WITH_CO_UNITS = "OR co_units && (SELECT gw_units())"
OPEN_POLICY = INCIDENT_POLICY.replace("ON incident", "ON open_incident")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in _added():
        op.add_column("incident", column)
    op.add_column(
        "case_event",
        sa.Column("xact", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
    )
    op.create_table(
        "open_incident",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("county_code", sa.Text(collation="C"), nullable=False),
        sa.Column("township_code", sa.Text(collation="C"), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("co_units", CODES, nullable=False),
        sa.Column("concerns_unit", sa.Text(collation="C"), nullable=True),
        sa.Column("category_code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.Column("amber_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("supervise_at", MOMENT, nullable=True),
        sa.Column("next_alarm_at", MOMENT, nullable=True),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_index("ix_open_incident_due", "open_incident", ["due_at", "incident_id"])
    op.create_index(
        "ix_open_incident_township", "open_incident", ["township_code", "due_at", "incident_id"]
    )
    op.create_index(
        "ix_open_incident_unit",
        "open_incident",
        ["unit_code", "due_at", "incident_id"],
        postgresql_where="unit_code IS NOT NULL",
    )
    op.create_index(
        "ix_open_incident_co_units",
        "open_incident",
        ["co_units"],
        postgresql_using="gin",
        postgresql_where="co_units <> '{}'",
    )
    op.create_index(
        "ix_open_incident_alarm",
        "open_incident",
        ["next_alarm_at"],
        postgresql_where="next_alarm_at IS NOT NULL",
    )
    op.execute(
        f"INSERT INTO open_incident (incident_id, due_at, {PROJECTED})"
        f" SELECT id, 'infinity', {PROJECTED} FROM incident WHERE is_open"
    )
    op.execute("ALTER TABLE open_incident SET (fillfactor = 70)")
    op.execute("ALTER TABLE open_incident ENABLE ROW LEVEL SECURITY")
    op.execute("DROP POLICY in_scope ON incident")
    op.execute(INCIDENT_POLICY.format(more=WITH_CO_UNITS))
    op.execute(OPEN_POLICY.format(more=WITH_CO_UNITS))
    op.execute("CREATE POLICY gathered ON open_incident TO gridward_writer USING (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON open_incident TO gridward_writer")
    op.execute("GRANT SELECT ON open_incident TO gridward_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP POLICY in_scope ON incident")
    op.execute(INCIDENT_POLICY.format(more=""))
    op.drop_table("open_incident")
    op.drop_column("case_event", "xact")
    for column in reversed(_added()):
        op.drop_column("incident", column.name)
