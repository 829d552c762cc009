"""jobs: the job queue's schema, and the door through which rooms enqueue

Everything of the queue lives in the schema `jobs`, so nothing of it mixes with the service's
tables. What is created is the schema that the locked version of procrastinate brings. When a newer
version brings changes of its own, they become a migration here; a test compares the two.

Revision ID: 0040
Revises: 0020
"""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection

revision = "0040"
down_revision = "0020"
branch_labels = None
depends_on = None

# SHA-256 of the script that this migration was written for.
QUEUE_SCRIPT = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"

# Rooms enqueue in their own transaction under roles that see nothing of the queue's tables.
# A job whose `unique_key` already waits is not queued again, and the answer is NULL.
ENQUEUE = """
CREATE FUNCTION jobs.gridward_enqueue(
  task text, payload jsonb, queue text, run_at timestamptz, unique_key text
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_temp AS
$$
DECLARE
  wanted procrastinate_job_to_defer_v1 :=
    (queue, task, 0, NULL, unique_key, payload, run_at)::procrastinate_job_to_defer_v1;
BEGIN
  IF unique_key IS NULL THEN
    RETURN (procrastinate_defer_jobs_v1(ARRAY[wanted]))[1];
  END IF;
  BEGIN
    RETURN (procrastinate_defer_jobs_v1(ARRAY[wanted]))[1];
  EXCEPTION WHEN unique_violation THEN
    RETURN NULL;
  END;
END
$$
"""
SIGNATURE = "jobs.gridward_enqueue(text, jsonb, text, timestamptz, text)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE SCHEMA jobs")
    _install_queue(op.get_bind())
    op.execute(ENQUEUE)
    op.execute("GRANT USAGE ON SCHEMA jobs TO gridward_app, gridward_writer")
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO gridward_app, gridward_writer")


def _install_queue(bind: Connection) -> None:
    """Run the package's own script, unparsed, with `jobs` as the place where things are made."""
    before = bind.exec_driver_sql("SHOW search_path").scalar_one()
    op.execute("SET LOCAL search_path = jobs")
    driver = bind.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.execute(SchemaManager.get_schema())
    bind.exec_driver_sql("SELECT set_config('search_path', %s, true)", (before,))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP SCHEMA jobs CASCADE")
