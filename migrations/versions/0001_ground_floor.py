"""ground floor

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A no-op where an administrator has created them, which a plain owner may not do.
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("oidc_subject", sa.Text(), nullable=True),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'system')", name="kind"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
        sa.UniqueConstraint("oidc_subject"),
    )
    op.create_geospatial_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "position",
            Geometry(
                geometry_type="POINT",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'audio', 'video', 'document')", name="kind"),
        sa.CheckConstraint("size > 0", name="size"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_attachment_sha256", "attachment", ["sha256"], unique=False)
    op.create_index("ix_attachment_uploaded_by", "attachment", ["uploaded_by"], unique=False)
    op.create_table(
        "audit_checkpoint",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("up_to_event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("prev_digest", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoint")),
        sa.UniqueConstraint("up_to_event_id", name=op.f("uq_audit_checkpoint_up_to_event_id")),
    )
    op.create_table(
        "case_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_kind", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("clauses", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_case_event_case_id_seq")),
    )
    op.create_index(
        "ix_case_event_recorded_at_brin",
        "case_event",
        ["recorded_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_table(
        "category_set",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("status IN ('draft', 'published', 'retired')", name="status"),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index(
        "uq_category_set_published",
        "category_set",
        ["status"],
        unique=True,
        postgresql_where="status = 'published'",
    )
    op.create_table(
        "data_epoch",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_data_epoch")),
    )
    op.create_table(
        "delineation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("base_map", sa.Text(), nullable=False),
        sa.Column("scale", sa.Integer(), nullable=False),
        sa.Column("surveyed_on", sa.Date(), nullable=False),
        sa.Column("map_review_number", sa.Text(), nullable=False),
        sa.Column("approval_document", sa.Text(), nullable=True),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("feature_count", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("base_map IN ('topographic', 'orthophoto')", name="base_map"),
        sa.CheckConstraint(
            "status IN ('checked', 'refused', 'published', 'superseded')", name="status"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_delineation_area_code_submitted_at",
        "delineation",
        ["area_code", "submitted_at"],
        unique=False,
    )
    op.create_geospatial_table(
        "division",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("level IN ('county', 'township', 'village')", name="level"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_geospatial_index(
        "ix_division_geom",
        "division",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_table(
        "grid_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=False),
        sa.Column("approval_document", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "operation IN ('delineate', 'split', 'merge', 'adjust')", name="operation"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "idempotency_record",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_idempotency_record")),
    )
    op.create_index(
        "ix_idempotency_record_created_at_brin",
        "idempotency_record",
        ["created_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_geospatial_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("category_code", sa.Text(collation="C"), nullable=False),
        sa.Column("category_version", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "is_open",
            sa.Boolean(),
            sa.Computed(
                "state NOT IN ('closed', 'followed_up', 'merged', 'rejected', 'void')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_code", sa.Text(collation="C"), nullable=False),
        sa.Column("township_code", sa.Text(collation="C"), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=False),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=False),
        sa.Column("micro_grid_code", sa.Text(collation="C"), nullable=True),
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
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("handler_ids", sa.ARRAY(sa.UUID()), nullable=False),
        sa.Column("concerns_unit", sa.Text(collation="C"), nullable=True),
        sa.Column("returns", sa.SmallInteger(), nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("satisfaction", sa.Text(), nullable=True),
        sa.Column("clauses", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.CheckConstraint(
            "state IN ('reported', 'accepted', 'assigned', 'on_site', 'handling', 'submitted', 'verifying', 'closed', 'followed_up', 'returned', 'suspended', 'rejected', 'merged', 'void')",
            name="state",
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name="level"),
        sa.CheckConstraint("tier BETWEEN 1 AND 5", name="tier"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("ix_incident_cell", "incident", ["cell", "reported_at", "id"], unique=False)
    op.create_index(
        "ix_incident_grid", "incident", ["grid_code", "reported_at", "id"], unique=False
    )
    op.create_index(
        "ix_incident_open",
        "incident",
        ["reported_at", "id"],
        unique=False,
        postgresql_where="is_open",
    )
    op.create_index("ix_incident_reported", "incident", ["reported_at", "id"], unique=False)
    op.create_index(
        "ix_incident_township", "incident", ["township_code", "reported_at", "id"], unique=False
    )
    op.create_index(
        "ix_incident_township_open",
        "incident",
        ["township_code", "reported_at", "id"],
        unique=False,
        postgresql_where="is_open",
    )
    op.create_index(
        "ix_incident_unit_open",
        "incident",
        ["unit_code", "reported_at", "id"],
        unique=False,
        postgresql_where="is_open",
    )
    op.create_index(
        "ix_incident_village", "incident", ["village_code", "reported_at", "id"], unique=False
    )
    op.create_index(
        "ix_incident_grid_open",
        "incident",
        ["grid_code", "reported_at", "id"],
        unique=False,
        postgresql_where="is_open",
    )
    op.create_index(
        "ix_incident_unit",
        "incident",
        ["unit_code", "reported_at", "id"],
        unique=False,
        postgresql_where="unit_code IS NOT NULL",
    )
    op.create_index(
        "ix_incident_village_open",
        "incident",
        ["village_code", "reported_at", "id"],
        unique=False,
        postgresql_where="is_open",
    )
    op.create_table(
        "personal_data_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("accessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_personal_data_access_actor_id_accessed_at",
        "personal_data_access",
        ["actor_id", "accessed_at"],
        unique=False,
    )
    op.create_index(
        "ix_personal_data_access_subject_id", "personal_data_access", ["subject_id"], unique=False
    )
    op.create_table(
        "plan_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("measures", sa.Integer(), nullable=False),
        sa.Column("irregularities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_import")),
    )
    op.create_index("ix_plan_import_imported_at", "plan_import", ["imported_at"], unique=False)
    op.create_table(
        "unit",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("tier BETWEEN 2 AND 4", name="tier"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(collation="C"), nullable=False),
        sa.Column("unit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area_code ~ '^(\\d{6}|\\d{9}|\\d{12}|\\d{15})$'", name="area_code"),
        sa.CheckConstraint("role <> 'unit_handler' OR unit_code IS NOT NULL", name="unit"),
        sa.CheckConstraint(
            "role IN ('grid_worker', 'proxy_agent', 'village_dispatcher', 'township_dispatcher', 'county_dispatcher', 'unit_handler', 'auditor', 'administrator', 'integration_client')",
            name="role",
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"],
            ["unit.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_assignment_account_id", "assignment", ["account_id"], unique=False)
    op.create_index("ix_assignment_area_code", "assignment", ["area_code"], unique=False)
    op.create_table(
        "attachment_link",
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.id"],
        ),
        sa.PrimaryKeyConstraint("attachment_id", "case_id", "seq"),
    )
    op.create_table(
        "category",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("self_handle", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("conduct", sa.Boolean(), nullable=False),
        sa.Column("clauses", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("evidence IN ('none', 'after', 'before_and_after')", name="evidence"),
        sa.CheckConstraint("level IS NULL OR level BETWEEN 1 AND 4", name="level"),
        sa.ForeignKeyConstraint(
            ["version"],
            ["category_set.version"],
        ),
        sa.PrimaryKeyConstraint("version", "code"),
    )
    op.create_geospatial_table(
        "delineation_feature",
        sa.Column("delineation_id", sa.Uuid(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_ord", sa.Integer(), nullable=True),
        sa.Column("grid_code", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["delineation_id"], ["delineation.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delineation_id", "ord"),
    )
    op.create_geospatial_table(
        "delineation_finding",
        sa.Column("delineation_id", sa.Uuid(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("message_en", sa.Text(), nullable=False),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=True),
        sa.Column("area_m2", sa.Float(), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.CheckConstraint("severity IN ('error', 'warning', 'info')", name="severity"),
        sa.ForeignKeyConstraint(["delineation_id"], ["delineation.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delineation_id", "ord"),
    )
    op.create_table(
        "division_alias",
        sa.Column("old_code", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code"],
            ["division.code"],
        ),
        sa.PrimaryKeyConstraint("old_code"),
    )
    op.create_table(
        "grid",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("village_code", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('basic', 'dedicated', 'temporary', 'micro')", name="kind"),
        sa.CheckConstraint("retired_at IS NULL OR retired_at >= created_at", name="life"),
        sa.ForeignKeyConstraint(
            ["parent_code"],
            ["grid.code"],
        ),
        sa.ForeignKeyConstraint(
            ["village_code"],
            ["division.code"],
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_grid_village_code", "grid", ["village_code"], unique=False)
    op.create_table(
        "incident_contact",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_table(
        "plan_text",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("clause", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("leads", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cooperating", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deadline_kind", sa.Text(), nullable=False),
        sa.Column("deadline_text", sa.Text(), nullable=False),
        sa.Column("deadline_year", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["plan_import.id"],
            name=op.f("fk_plan_text_import_id_plan_import"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "clause", name=op.f("pk_plan_text")),
    )
    op.create_table(
        "refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_refresh_token_account_id", "refresh_token", ["account_id"], unique=False)
    op.create_index("ix_refresh_token_expires_at", "refresh_token", ["expires_at"], unique=False)
    op.create_index("ix_refresh_token_family_id", "refresh_token", ["family_id"], unique=False)
    op.create_table(
        "grid_lineage",
        sa.Column("parent_code", sa.Text(collation="C"), nullable=False),
        sa.Column("child_code", sa.Text(collation="C"), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("overlap_m2", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["grid_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["child_code"],
            ["grid.code"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_code"],
            ["grid.code"],
        ),
        sa.PrimaryKeyConstraint("parent_code", "child_code"),
    )
    op.create_index("ix_grid_lineage_child_code", "grid_lineage", ["child_code"], unique=False)
    op.create_geospatial_table(
        "grid_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POLYGON",
                srid=4490,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delineation_id", sa.Uuid(), nullable=True),
        sa.Column("change_id", sa.Uuid(), nullable=True),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["grid_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["code"],
            ["grid.code"],
        ),
        sa.ForeignKeyConstraint(
            ["delineation_id"],
            ["delineation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", "version"),
    )
    op.create_geospatial_index(
        "ix_grid_version_geom",
        "grid_version",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={},
    )
    op.create_geospatial_index(
        "ix_grid_version_geom_current",
        "grid_version",
        ["geom"],
        unique=False,
        postgresql_using="gist",
        postgresql_where="valid_to IS NULL",
        postgresql_ops={},
    )
    op.create_index(
        "uq_grid_version_code_current",
        "grid_version",
        ["code"],
        unique=True,
        postgresql_where="valid_to IS NULL",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        "uq_grid_version_code_current",
        table_name="grid_version",
        postgresql_where="valid_to IS NULL",
    )
    op.drop_geospatial_index(
        "ix_grid_version_geom_current",
        table_name="grid_version",
        postgresql_using="gist",
        postgresql_where="valid_to IS NULL",
        column_name="geom",
    )
    op.drop_geospatial_index(
        "ix_grid_version_geom",
        table_name="grid_version",
        postgresql_using="gist",
        column_name="geom",
    )
    op.drop_geospatial_table("grid_version")
    op.drop_index("ix_grid_lineage_child_code", table_name="grid_lineage")
    op.drop_table("grid_lineage")
    op.drop_index("ix_refresh_token_family_id", table_name="refresh_token")
    op.drop_index("ix_refresh_token_expires_at", table_name="refresh_token")
    op.drop_index("ix_refresh_token_account_id", table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_table("plan_text")
    op.drop_table("incident_contact")
    op.drop_index("ix_grid_village_code", table_name="grid")
    op.drop_table("grid")
    op.drop_table("division_alias")
    op.drop_geospatial_table("delineation_finding")
    op.drop_geospatial_table("delineation_feature")
    op.drop_table("category")
    op.drop_table("attachment_link")
    op.drop_index("ix_assignment_area_code", table_name="assignment")
    op.drop_index("ix_assignment_account_id", table_name="assignment")
    op.drop_table("assignment")
    op.drop_table("unit")
    op.drop_index("ix_plan_import_imported_at", table_name="plan_import")
    op.drop_table("plan_import")
    op.drop_index("ix_personal_data_access_subject_id", table_name="personal_data_access")
    op.drop_index("ix_personal_data_access_actor_id_accessed_at", table_name="personal_data_access")
    op.drop_table("personal_data_access")
    op.drop_index("ix_incident_village_open", table_name="incident", postgresql_where="is_open")
    op.drop_index("ix_incident_village", table_name="incident")
    op.drop_index("ix_incident_unit_open", table_name="incident", postgresql_where="is_open")
    op.drop_index("ix_incident_township_open", table_name="incident", postgresql_where="is_open")
    op.drop_index("ix_incident_township", table_name="incident")
    op.drop_index("ix_incident_reported", table_name="incident")
    op.drop_index("ix_incident_open", table_name="incident", postgresql_where="is_open")
    op.drop_index("ix_incident_grid", table_name="incident")
    op.drop_index("ix_incident_cell", table_name="incident")
    op.drop_geospatial_table("incident")
    op.drop_index(
        "ix_idempotency_record_created_at_brin",
        table_name="idempotency_record",
        postgresql_using="brin",
    )
    op.drop_table("idempotency_record")
    op.drop_table("grid_change")
    op.drop_geospatial_index(
        "ix_division_geom", table_name="division", postgresql_using="gist", column_name="geom"
    )
    op.drop_geospatial_table("division")
    op.drop_index("ix_delineation_area_code_submitted_at", table_name="delineation")
    op.drop_table("delineation")
    op.drop_table("data_epoch")
    op.drop_index(
        "uq_category_set_published",
        table_name="category_set",
        postgresql_where="status = 'published'",
    )
    op.drop_table("category_set")
    op.drop_index(
        "ix_case_event_recorded_at_brin", table_name="case_event", postgresql_using="brin"
    )
    op.drop_table("case_event")
    op.drop_table("audit_checkpoint")
    op.drop_index("ix_attachment_uploaded_by", table_name="attachment")
    op.drop_index("ix_attachment_sha256", table_name="attachment")
    op.drop_geospatial_table("attachment")
    op.drop_table("account")
