"""plan room: pieces of the official text, differences, counted evidence

Counts are aggregates over the whole county and name nobody, so every caller may read them: the
functions run with the owner's eyes and give away numbers by clause and nothing else.

Revision ID: 0050
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0030"
branch_labels = None
depends_on = None

# Events in (after, up_to] by clause. Grouped before the clauses are unnested, since most events of
# a kind are alike. A case counts for a clause when the event that began it names the clause; that
# one is looked up only where a case is opened or closed.
COUNT = """
CREATE FUNCTION gw_count_plan_evidence(after bigint, up_to bigint, kinds text[], closed text[])
RETURNS TABLE (clause text, case_kind text, event text, action text, events bigint, cases bigint,
  open_change bigint, last_event_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
  WITH alike AS (
    SELECT e.clauses, e.case_kind, e.event, e.action, m.change,
      e.seq = 1 AND m.known AS begins,
      CASE WHEN m.change <> 0 AND e.seq > 1 THEN
        (SELECT f.clauses FROM case_event f WHERE f.case_id = e.case_id AND f.seq = 1)
      END AS begun_with,
      count(*) AS events, max(e.id) AS last_event_id
    FROM case_event e
    CROSS JOIN LATERAL (
      SELECT e.case_kind = ANY (kinds) AS known,
        e.to_state IS NOT NULL
          AND (e.case_kind || ':' || e.to_state) <> ALL (closed) AS opens,
        e.from_state IS NOT NULL
          AND (e.case_kind || ':' || e.from_state) <> ALL (closed) AS was_open
      OFFSET 0) AS s
    CROSS JOIN LATERAL (
      SELECT s.known, CASE WHEN s.known THEN s.opens::int - s.was_open::int ELSE 0 END AS change
      OFFSET 0) AS m
    WHERE e.id > after AND e.id <= up_to
    GROUP BY 1, 2, 3, 4, 5, 6, 7)
  SELECT c.clause, a.case_kind, a.event, a.action, sum(a.events)::bigint,
    coalesce(sum(a.events) FILTER (WHERE a.begins), 0)::bigint,
    coalesce(sum(a.events * a.change) FILTER (
      WHERE a.begun_with IS NULL OR c.clause = ANY (a.begun_with)), 0)::bigint,
    max(a.last_event_id)
  FROM alike a CROSS JOIN LATERAL (SELECT DISTINCT unnest(a.clauses)) AS c(clause)
  GROUP BY 1, 2, 3, 4
$$
"""
# What is counted up to the mark, and the events after it: right at any moment.
READ = """
CREATE FUNCTION gw_plan_evidence(kinds text[], closed text[])
RETURNS TABLE (clause text, case_kind text, event text, action text, events bigint, cases bigint,
  open_change bigint, last_event_id bigint, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
  SELECT p.clause, p.case_kind, p.event, p.action, sum(p.events)::bigint, sum(p.cases)::bigint,
    sum(p.open_change)::bigint, max(p.last_event_id), max(p.last_at)
  FROM (
    SELECT e.clause, e.case_kind, e.event, e.action, e.events, e.cases, e.open_change,
      e.last_event_id, e.last_at
    FROM plan_evidence e
    UNION ALL
    SELECT t.clause, t.case_kind, t.event, t.action, t.events, t.cases, t.open_change,
      t.last_event_id, (SELECT l.recorded_at FROM case_event l WHERE l.id = t.last_event_id)
    FROM plan_evidence_mark m
    CROSS JOIN LATERAL gw_count_plan_evidence(m.event_id, 9223372036854775807, kinds, closed) AS t
  ) AS p
  GROUP BY 1, 2, 3, 4
$$
"""
COUNT_SIGNATURE = "gw_count_plan_evidence(bigint, bigint, text[], text[])"
READ_SIGNATURE = "gw_plan_evidence(text[], text[])"
KINDS = "'section', 'task', 'measure', 'preamble', 'chapter', 'unassigned'"
NEW_TEXT_COLUMNS = (
    ("kind", sa.Text(), "'measure'"),
    ("ordinal", sa.Integer(), "1"),
    ("line", sa.Integer(), "0"),
    ("raw_text", sa.Text(), "''"),
    ("units_text", sa.Text(), "''"),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _texts()
    _evidence()
    # An import is kept as it was made.
    op.execute("REVOKE UPDATE, DELETE ON plan_import, plan_text FROM gridward_app")


def _texts() -> None:
    json = postgresql.JSONB(astext_type=sa.Text())
    new_import_columns = (("sections", sa.Integer(), "0"), ("differences", json, "'[]'"))
    for table, columns in (("plan_import", new_import_columns), ("plan_text", NEW_TEXT_COLUMNS)):
        for name, kind, default in columns:
            column = sa.Column(name, kind, nullable=False, server_default=sa.text(default))
            op.add_column(table, column)
    op.execute("UPDATE plan_text SET kind = 'task' WHERE position('.' IN clause) = 0")
    op.execute("UPDATE plan_text SET raw_text = text")
    for table, columns in (("plan_import", new_import_columns), ("plan_text", NEW_TEXT_COLUMNS)):
        for name, _, _ in columns:
            op.alter_column(table, name, server_default=None)
    op.create_check_constraint("kind", "plan_text", f"kind IN ({KINDS})")
    op.drop_constraint(op.f("pk_plan_text"), "plan_text", type_="primary")
    op.create_primary_key(
        op.f("pk_plan_text"), "plan_text", ["import_id", "kind", "clause", "ordinal"]
    )


def _evidence() -> None:
    op.create_table(
        "plan_evidence",
        sa.Column("clause", sa.Text(collation="C"), nullable=False),
        sa.Column("case_kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("open_change", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "clause", "case_kind", "event", "action", name=op.f("pk_plan_evidence")
        ),
    )
    op.create_table(
        "plan_evidence_mark",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="single"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_evidence_mark")),
    )
    op.execute("INSERT INTO plan_evidence_mark (id, event_id) VALUES (1, 0)")
    op.execute(COUNT)
    op.execute(READ)
    for signature in (COUNT_SIGNATURE, READ_SIGNATURE):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {READ_SIGNATURE} TO gridward_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("GRANT UPDATE, DELETE ON plan_import, plan_text TO gridward_app")
    op.execute(f"DROP FUNCTION {READ_SIGNATURE}")
    op.execute(f"DROP FUNCTION {COUNT_SIGNATURE}")
    op.drop_table("plan_evidence_mark")
    op.drop_table("plan_evidence")
    op.execute("DELETE FROM plan_text WHERE kind NOT IN ('task', 'measure') OR ordinal > 1")
    op.drop_constraint(op.f("pk_plan_text"), "plan_text", type_="primary")
    op.create_primary_key(op.f("pk_plan_text"), "plan_text", ["import_id", "clause"])
    for name, _, _ in reversed(NEW_TEXT_COLUMNS):
        op.drop_column("plan_text", name)
    op.drop_column("plan_import", "differences")
    op.drop_column("plan_import", "sections")
