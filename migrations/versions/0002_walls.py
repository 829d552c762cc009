"""walls: application roles, row-level security, sequences and storage settings

Two roles that own nothing and bypass nothing. `gridward_app` reads and administers under
row-level security by the caller's assignments. `gridward_writer` runs the gathered writes, whose
statements check each element's actor themselves, and may do nothing else. Roles belong to the
whole cluster, so a downgrade takes their rights in this database and leaves them.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['gridward_app', 'gridward_writer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', name, current_user);
      EXCEPTION WHEN unique_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
END $$
"""

# SECURITY DEFINER: a caller's grants are read from the tables at each statement, never from what
# the service remembers. PL/pgSQL, because it keeps its plans for the session, where a function in
# plain SQL would be planned again at each statement.
FUNCTIONS = (
    """
CREATE FUNCTION gw_actor() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('gridward.actor', true), '')::uuid $$
""",
    """
CREATE FUNCTION gw_areas() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN coalesce((
    SELECT array_agg(DISTINCT a.area_code)
    FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = gw_actor()
      AND a.role IN ('grid_worker', 'village_dispatcher', 'township_dispatcher',
                     'county_dispatcher', 'auditor', 'integration_client')
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now())), '{}');
END
$$
""",
    """
CREATE FUNCTION gw_units() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN coalesce((
    SELECT array_agg(DISTINCT a.unit_code)
    FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = gw_actor() AND a.role = 'unit_handler'
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now())), '{}');
END
$$
""",
    """
CREATE FUNCTION gw_own_units() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN coalesce((
    SELECT array_agg(DISTINCT a.unit_code) FROM assignment a
    WHERE a.account_id = gw_actor() AND a.unit_code IS NOT NULL
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now())), '{}');
END
$$
""",
    """
CREATE FUNCTION gw_oversees() RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
BEGIN
  RETURN EXISTS (
    SELECT FROM assignment a JOIN account c ON c.id = a.account_id AND c.status = 'active'
    WHERE a.account_id = gw_actor() AND a.role IN ('auditor', 'administrator')
      AND length(a.area_code) = 6
      AND a.valid_from <= now() AND (a.valid_to IS NULL OR a.valid_to > now()));
END
$$
""",
)

HEAD = """
CREATE FUNCTION gw_chain_head(asked uuid) RETURNS TABLE (seq int, hash bytea) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS
$$
  SELECT e.seq, e.hash FROM case_event e WHERE e.case_id = asked AND e.case_kind <> 'incident'
  ORDER BY e.seq DESC LIMIT 1
$$
"""

SECURED = (
    "incident",
    "incident_contact",
    "case_event",
    "attachment",
    "attachment_link",
    "idempotency_record",
    "personal_data_access",
)

# The scalar subqueries make the grants a value that is read once a statement, not once a row.
POLICIES = (
    """
CREATE POLICY in_scope ON incident FOR SELECT TO gridward_app USING (
  (ARRAY[county_code, township_code, village_code, grid_code] && (SELECT gw_areas())
   OR unit_code = ANY ((SELECT gw_units())::text[]))
  AND (concerns_unit IS NULL OR concerns_unit <> ALL ((SELECT gw_own_units())::text[])))
""",
    """
CREATE POLICY of_readable_case ON incident_contact FOR SELECT TO gridward_app
USING (EXISTS (SELECT FROM incident i WHERE i.id = incident_id))
""",
    """
CREATE POLICY of_readable_case ON case_event FOR SELECT TO gridward_app USING (
  CASE case_kind
    WHEN 'incident' THEN EXISTS (SELECT FROM incident i WHERE i.id = case_id)
    ELSE (SELECT gw_oversees()) OR actor_id = (SELECT gw_actor())
  END)
""",
    """
CREATE POLICY of_quiet_rooms ON case_event FOR INSERT TO gridward_app
WITH CHECK (case_kind <> 'incident')
""",
    """
CREATE POLICY own_or_evidence ON attachment FOR SELECT TO gridward_app USING (
  uploaded_by = (SELECT gw_actor())
  OR EXISTS (SELECT FROM attachment_link l JOIN incident i ON i.id = l.case_id
             WHERE l.attachment_id = attachment.id))
""",
    """
CREATE POLICY own_upload ON attachment FOR INSERT TO gridward_app
WITH CHECK (uploaded_by = (SELECT gw_actor()))
""",
    """
CREATE POLICY of_readable_case ON attachment_link FOR SELECT TO gridward_app
USING (EXISTS (SELECT FROM incident i WHERE i.id = case_id))
""",
    """
CREATE POLICY own ON idempotency_record TO gridward_app
USING (actor_id = (SELECT gw_actor())) WITH CHECK (actor_id = (SELECT gw_actor()))
""",
    """
CREATE POLICY own_or_overseen ON personal_data_access FOR SELECT TO gridward_app
USING (actor_id = (SELECT gw_actor()) OR (SELECT gw_oversees()))
""",
    """
CREATE POLICY own_access ON personal_data_access FOR INSERT TO gridward_app
WITH CHECK (actor_id = (SELECT gw_actor()))
""",
)

WRITER_TABLES = {
    "incident": "SELECT, INSERT, UPDATE",
    "incident_contact": "SELECT, INSERT",
    "case_event": "SELECT, INSERT",
    "idempotency_record": "SELECT, INSERT",
    "attachment": "SELECT",
    "attachment_link": "SELECT, INSERT",
}
WRITER_READS = ("account", "assignment", "data_epoch")
APP_READS = ("incident", "incident_contact", "attachment_link", "audit_checkpoint")
APP_APPENDS = ("case_event", "personal_data_access", "attachment")
APP_WRITES = (
    "idempotency_record",
    "account",
    "assignment",
    "unit",
    "refresh_token",
    "division",
    "division_alias",
    "delineation",
    "delineation_feature",
    "delineation_finding",
    "grid",
    "grid_version",
    "grid_change",
    "grid_lineage",
    "category_set",
    "category",
    "plan_import",
    "plan_text",
    "data_epoch",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ROLES)
    for statement in (*FUNCTIONS, HEAD):
        op.execute(statement)
    for table in SECURED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for statement in POLICIES:
        op.execute(statement)
    op.execute("CREATE SEQUENCE incident_number INCREMENT BY 1000")
    op.execute("GRANT USAGE ON SCHEMA public TO gridward_app, gridward_writer")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gridward_app, gridward_writer")
    for table, rights in WRITER_TABLES.items():
        op.execute(f"CREATE POLICY gathered ON {table} TO gridward_writer USING (true)")
        op.execute(f"GRANT {rights} ON {table} TO gridward_writer")
    op.execute(f"GRANT SELECT ON {', '.join(WRITER_READS)} TO gridward_writer")
    op.execute(f"GRANT SELECT ON {', '.join(APP_READS)} TO gridward_app")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APP_APPENDS)} TO gridward_app")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(APP_WRITES)} TO gridward_app")
    op.execute("GRANT SELECT ON alembic_version TO gridward_app")
    # Most steps change no indexed column: leave room for the new version on the same page.
    op.execute("ALTER TABLE incident SET (fillfactor = 85)")
    op.execute("INSERT INTO data_epoch (name, value) VALUES ('grids', 0), ('categories', 0)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM gridward_app, gridward_writer")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM gridward_app, gridward_writer")
    op.execute("REVOKE ALL ON SCHEMA public FROM gridward_app, gridward_writer")
    op.execute("DELETE FROM data_epoch")
    op.execute("ALTER TABLE incident RESET (fillfactor)")
    op.execute("DROP SEQUENCE incident_number")
    for table in WRITER_TABLES:
        op.execute(f"DROP POLICY gathered ON {table}")
    for statement in POLICIES:
        name, table = statement.split()[2], statement.split()[4]
        op.execute(f"DROP POLICY {name} ON {table}")
    for table in SECURED:
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for signature in (
        "gw_chain_head(uuid)",
        "gw_oversees()",
        "gw_own_units()",
        "gw_units()",
        "gw_areas()",
        "gw_actor()",
    ):
        op.execute(f"DROP FUNCTION {signature}")
