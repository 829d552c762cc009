"""emergency room: plans, activations, drills, resources with stock, tracks

Row-level security follows who commands. While an activation is in force the village's two
committees - its dispatchers and the handlers of its own units - see and allocate whatever stands
in the area (24.2). Tracks are written by the worker alone, while an activation covers the worker,
and read by who dispatches or commands where the worker works.

Revision ID: 0062
Revises: 0063
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0062"
down_revision = "0063"
branch_labels = None
depends_on = None

DISPATCHERS = "'village_dispatcher', 'township_dispatcher', 'county_dispatcher'"
NOW_HELD = "a.account_id = gw_actor() AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now())"
ACTIVE = "assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'"


def _function(signature: str, returns: str, body: str) -> str:
    return f"""
CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN {body};
END
$$
"""


# Like those of 0002: a caller's grants, read from the tables at each statement.
FUNCTIONS = {
    # Where anything of the caller's lies: an activation that touches it concerns the caller.
    "gw_emergency_areas()": _function(
        "gw_emergency_areas()",
        "text[]",
        f"""coalesce((SELECT array_agg(DISTINCT a.area_code) FROM {ACTIVE}
    WHERE {NOW_HELD} AND a.role <> 'integration_client'), '{{}}')""",
    ),
    "gw_dispatches()": _function(
        "gw_dispatches()",
        "text[]",
        f"""coalesce((SELECT array_agg(DISTINCT a.area_code) FROM {ACTIVE}
    WHERE {NOW_HELD} AND a.role IN ({DISPATCHERS})), '{{}}')""",
    ),
    # The villages of whose two committees the caller is.
    "gw_committee_of()": _function(
        "gw_committee_of()",
        "text[]",
        f"""coalesce((SELECT array_agg(DISTINCT coalesce(u.area_code, a.area_code)) FROM {ACTIVE}
    LEFT JOIN unit u ON u.code = a.unit_code AND a.role = 'unit_handler'
    WHERE {NOW_HELD} AND (a.role = 'village_dispatcher'
      OR (a.role = 'unit_handler' AND u.tier = 2 AND u.active))), '{{}}')""",
    ),
    # Where the caller commands at this moment: the village, or the part of it that is activated.
    "gw_commanded()": _function(
        "gw_commanded()",
        "text[]",
        """coalesce((SELECT array_agg(DISTINCT
      CASE WHEN starts_with(x.area_code, v.code) THEN x.area_code ELSE v.code END)
    FROM unnest(gw_committee_of()) AS v(code)
    JOIN activation x ON x.status = 'in_force'
      AND (starts_with(v.code, x.area_code) OR starts_with(x.area_code, v.code))), '{}')""",
    ),
    "gw_reads_resources()": _function(
        "gw_reads_resources()",
        "boolean",
        f"""EXISTS (SELECT FROM {ACTIVE}
    WHERE {NOW_HELD} AND a.role IN ({DISPATCHERS}, 'auditor', 'administrator'))""",
    ),
    "gw_keeps_resources()": _function(
        "gw_keeps_resources()",
        "text[]",
        f"""coalesce((SELECT array_agg(DISTINCT a.area_code) FROM {ACTIVE}
    WHERE {NOW_HELD} AND a.role IN ({DISPATCHERS}, 'administrator')), '{{}}')""",
    ),
    # A worker may leave a track only of that assignment, under that activation, in its time.
    "gw_track_allowed(uuid, text, timestamptz)": _function(
        "gw_track_allowed(asked uuid, area text, at timestamptz)",
        "boolean",
        f"""EXISTS (SELECT FROM activation x WHERE x.id = asked AND x.status = 'in_force'
      AND NOT x.drill AND x.activated_at <= at AND starts_with(area, x.area_code))
    AND EXISTS (SELECT FROM {ACTIVE}
      WHERE {NOW_HELD} AND a.role = 'grid_worker' AND a.area_code = area)""",
    ),
}
# What is in force where, for every room: a fact that is no secret, whoever asks.
IN_FORCE = """
CREATE FUNCTION gw_activations_in_force(area text, at timestamptz)
RETURNS TABLE (id uuid, area_code text, level smallint, plan_code text, drill boolean,
  activated_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
  SELECT x.id, x.area_code, x.level, x.plan_code, x.drill, x.activated_at FROM activation x
  WHERE x.area_code = ANY (ARRAY[left(area, 6), left(area, 9), left(area, 12), left(area, 15)])
    AND x.activated_at <= at AND (x.ended_at IS NULL OR x.ended_at > at)
  ORDER BY x.activated_at, x.id
$$
"""
IN_FORCE_SIGNATURE = "gw_activations_in_force(text, timestamptz)"
# The only way to delete a track; never that of an activation in force.
PURGE = """
CREATE FUNCTION gw_purge_tracks(before timestamptz, most integer)
RETURNS TABLE (activation_id uuid, points bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
  WITH gone AS (
    DELETE FROM track_point t WHERE t.ctid = ANY (ARRAY(
      SELECT p.ctid FROM activation x JOIN track_point p ON p.activation_id = x.id
      WHERE x.ended_at < before LIMIT most FOR UPDATE OF p SKIP LOCKED))
    RETURNING t.activation_id)
  SELECT g.activation_id, count(*) FROM gone g GROUP BY 1
$$
"""
PURGE_SIGNATURE = "gw_purge_tracks(timestamptz, integer)"

READABLE_RESOURCE = """(SELECT gw_reads_resources())
  OR owner_unit = ANY ((SELECT gw_units())::text[])
  OR ARRAY[village_code, grid_code] && (SELECT gw_commanded())"""
KEPT_RESOURCE = """ARRAY[left(grid_code, 6), left(grid_code, 9), village_code, grid_code]
    && (SELECT gw_keeps_resources())
  OR owner_unit = ANY ((SELECT gw_units())::text[])"""
CONCERNS_CALLER = """EXISTS (
    SELECT FROM unnest((SELECT gw_emergency_areas())) AS mine(code)
    WHERE starts_with(area_code, mine.code) OR starts_with(mine.code, area_code))"""
DISPATCHED = """EXISTS (
    SELECT FROM unnest((SELECT gw_dispatches())) AS mine(code) WHERE starts_with(area_code, mine.code))"""
OF_RESOURCE = "EXISTS (SELECT FROM resource r WHERE r.id = resource_id)"
OF_ACTIVATION = "EXISTS (SELECT FROM activation x WHERE x.id = activation_id)"
DIRECTED = """ARRAY[left(area_code, 6), left(area_code, 9), left(area_code, 12), area_code]
    && ((SELECT gw_dispatches()) || (SELECT gw_committee_of()))"""
# Table to policies: (command, USING, WITH CHECK). A row lock needs the USING of an update, so that
# one is as wide as reading; what may be stored is narrower.
POLICIES = {
    "activation": (
        ("SELECT", CONCERNS_CALLER, None),
        ("INSERT", None, DISPATCHED),
        ("UPDATE", CONCERNS_CALLER, DISPATCHED),
    ),
    "drill_evaluation": (("SELECT", OF_ACTIVATION, None), ("INSERT", None, OF_ACTIVATION)),
    "resource": (
        ("SELECT", READABLE_RESOURCE, None),
        ("INSERT", None, KEPT_RESOURCE),
        ("UPDATE", READABLE_RESOURCE, KEPT_RESOURCE),
    ),
    "allocation": (
        ("SELECT", OF_RESOURCE, None),
        ("INSERT", None, OF_RESOURCE),
        ("UPDATE", f"{OF_RESOURCE} OR {OF_ACTIVATION}", None),
    ),
    "stock": (
        ("SELECT", OF_RESOURCE, None),
        ("INSERT", None, OF_RESOURCE),
        ("UPDATE", OF_RESOURCE, OF_RESOURCE),
    ),
    "stock_movement": (("SELECT", OF_RESOURCE, None), ("INSERT", None, OF_RESOURCE)),
    "track_point": (
        ("SELECT", DIRECTED, None),
        (
            "INSERT",
            None,
            "account_id = (SELECT gw_actor()) AND gw_track_allowed(activation_id, area_code, recorded_at)",
        ),
    ),
}
APP_WRITES = ("emergency_plan", "activation", "resource", "allocation", "stock")
CATALOGUES = ("stock_item", "travel_mode")
APP_APPENDS = ("drill_evaluation", "stock_movement", "track_point")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "emergency_plan",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("hazard", sa.Text(collation="C"), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("levels", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lead_units", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("supporting_units", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("contacts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),
        sa.PrimaryKeyConstraint("code", "version"),
    )
    op.create_table(
        "stock_item",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("measure_zh", sa.Text(), nullable=False),
        sa.Column("measure_en", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "travel_mode",
        sa.Column("mode", sa.Text(collation="C"), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("speed_kmh", sa.Float(), nullable=False),
        sa.Column("detour_factor", sa.Float(), nullable=False),
        sa.CheckConstraint("detour_factor >= 1 AND detour_factor <= 10", name="detour_factor"),
        sa.CheckConstraint("speed_kmh > 0 AND speed_kmh <= 1000", name="speed_kmh"),
        sa.PrimaryKeyConstraint("mode"),
    )
    op.create_table(
        "activation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("plan_code", sa.Text(collation="C"), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("activated_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_note", sa.Text(), nullable=True),
        sa.CheckConstraint("(status = 'in_force') = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("drill OR status <> 'evaluated'", name="drill"),
        sa.CheckConstraint("status IN ('in_force', 'ended', 'evaluated')", name="status"),
        sa.CheckConstraint("ended_at >= activated_at", name="period"),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name="level"),
        sa.ForeignKeyConstraint(
            ["plan_code", "plan_version"],
            ["emergency_plan.code", "emergency_plan.version"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_activation_area", "activation", ["area_code", "activated_at"], unique=False)
    op.create_index("ix_activation_ended_at", "activation", ["ended_at"], unique=False)
    op.create_index(
        "uq_activation_running",
        "activation",
        ["area_code", "plan_code", "drill"],
        unique=True,
        postgresql_where="status = 'in_force'",
    )
    op.create_geospatial_table(
        "resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_unit", sa.Text(collation="C"), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "location",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "position",
            Geometry(
                geometry_type="POINT",
                srid=4545,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("raw_x", sa.Float(), nullable=False),
        sa.Column("raw_y", sa.Float(), nullable=False),
        sa.Column("raw_crs", sa.Text(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.LargeBinary(), nullable=True),
        sa.Column("contact_phone", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('team', 'vehicle', 'shelter', 'supply_point')", name="kind"),
        sa.CheckConstraint("status IN ('available', 'unavailable', 'retired')", name="status"),
        sa.CheckConstraint("capacity > 0", name="capacity"),
        sa.ForeignKeyConstraint(
            ["owner_unit"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_geospatial_index(
        "ix_resource_nearest",
        "resource",
        ["position"],
        unique=False,
        postgresql_using="gist",
        postgresql_where="status = 'available'",
        postgresql_ops={},
    )
    op.create_index("ix_resource_owner", "resource", ["owner_unit", "id"], unique=False)
    op.create_index("ix_resource_village", "resource", ["village_code", "id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allocated_by", sa.Uuid(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.ForeignKeyConstraint(
            ["activation_id"],
            ["activation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_allocation_activation_id", "allocation", ["activation_id"], unique=False)
    op.create_index(
        "uq_allocation_live",
        "allocation",
        ["resource_id"],
        unique=True,
        postgresql_where="released_at IS NULL",
    )
    op.create_table(
        "drill_evaluation",
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("units", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evaluated_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("participants > 0", name="participants"),
        sa.ForeignKeyConstraint(
            ["activation_id"],
            ["activation.id"],
        ),
        sa.PrimaryKeyConstraint("activation_id"),
    )
    op.create_table(
        "stock",
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.Text(collation="C"), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("outstanding", sa.Integer(), nullable=False),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance >= 0", name="balance"),
        sa.CheckConstraint("outstanding >= 0", name="outstanding"),
        sa.ForeignKeyConstraint(
            ["item_code"],
            ["stock_item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["resource.id"],
        ),
        sa.PrimaryKeyConstraint("resource_id", "item_code"),
    )
    op.create_geospatial_table(
        "track_point",
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "location",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("raw_x", sa.Float(), nullable=False),
        sa.Column("raw_y", sa.Float(), nullable=False),
        sa.Column("raw_crs", sa.Text(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["activation_id"],
            ["activation.id"],
        ),
        sa.PrimaryKeyConstraint("activation_id", "account_id", "recorded_at"),
    )
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.Text(collation="C"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('receive', 'issue', 'return', 'count')", name="kind"),
        sa.CheckConstraint("quantity > 0 OR kind = 'count' AND quantity = 0", name="quantity"),
        sa.CheckConstraint("balance >= 0", name="balance"),
        sa.ForeignKeyConstraint(
            ["activation_id"],
            ["activation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["resource_id", "item_code"],
            ["stock.resource_id", "stock.item_code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("resource_id", "item_code", "seq"),
    )
    op.create_index(
        "ix_stock_movement_resource",
        "stock_movement",
        ["resource_id", "moved_at", "id"],
        unique=False,
    )
    _walls()


def _walls() -> None:
    for statement in FUNCTIONS.values():
        op.execute(statement)
    op.execute(IN_FORCE)
    op.execute(PURGE)
    for signature in (*FUNCTIONS, IN_FORCE_SIGNATURE, PURGE_SIGNATURE):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO gridward_app")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for command, using, check in policies:
            op.execute(
                f"CREATE POLICY may_{command.lower()} ON {table} FOR {command} TO gridward_app"
                + (f" USING ({using})" if using else "")
                + (f" WITH CHECK ({check})" if check else "")
            )
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE ON {', '.join((*APP_WRITES, *CATALOGUES))} TO gridward_app"
    )
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APP_APPENDS)} TO gridward_app")
    # The gathered writes of other rooms ask what is in force.
    op.execute(f"GRANT EXECUTE ON FUNCTION {IN_FORCE_SIGNATURE} TO gridward_writer")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, policies in POLICIES.items():
        for command, _, _ in policies:
            op.execute(f"DROP POLICY may_{command.lower()} ON {table}")
    for signature in (PURGE_SIGNATURE, IN_FORCE_SIGNATURE, *reversed(FUNCTIONS)):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("stock_movement")
    op.drop_geospatial_table("track_point")
    op.drop_table("stock")
    op.drop_table("drill_evaluation")
    op.drop_index(
        "uq_allocation_live", table_name="allocation", postgresql_where="released_at IS NULL"
    )
    op.drop_index("ix_allocation_activation_id", table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_resource_village", table_name="resource")
    op.drop_index("ix_resource_owner", table_name="resource")
    op.drop_geospatial_index(
        "ix_resource_nearest",
        table_name="resource",
        postgresql_using="gist",
        postgresql_where="status = 'available'",
        column_name="position",
    )
    op.drop_geospatial_table("resource")
    op.drop_index(
        "uq_activation_running", table_name="activation", postgresql_where="status = 'in_force'"
    )
    op.drop_index("ix_activation_ended_at", table_name="activation")
    op.drop_index("ix_activation_area", table_name="activation")
    op.drop_table("activation")
    op.drop_table("travel_mode")
    op.drop_table("stock_item")
    op.drop_table("emergency_plan")
