"""attachment retention: the one way in which a file's row may be deleted

The application role may not delete files. These functions, which run as the owner, delete only
what no case links and what is older than a day, so that no fault of ours can delete evidence.

Revision ID: 0030
Revises: 0040
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0040"
branch_labels = None
depends_on = None

ORPHANS = """
CREATE FUNCTION gw_orphan_attachments(before timestamptz, after uuid, most integer)
RETURNS TABLE (id uuid, sha256 text, uploaded_by uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
  SELECT a.id, a.sha256, a.uploaded_by FROM attachment a
  WHERE a.uploaded_at < before AND a.id > after
    AND NOT EXISTS (SELECT FROM attachment_link l WHERE l.attachment_id = a.id)
  ORDER BY a.id LIMIT most
$$
"""

# True: gone, and no other row has the same content. False: gone. NULL: not deleted.
PURGE = """
CREATE FUNCTION gw_purge_attachment(orphan uuid, before timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$
DECLARE content text;
BEGIN
  DELETE FROM attachment a
  WHERE a.id = orphan AND a.uploaded_at < least(before, now() - interval '1 day')
    AND NOT EXISTS (SELECT FROM attachment_link l WHERE l.attachment_id = a.id)
  RETURNING a.sha256 INTO content;
  IF content IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN NOT EXISTS (SELECT FROM attachment a WHERE a.sha256 = content);
END
$$
"""
SIGNATURES = (
    "gw_orphan_attachments(timestamptz, uuid, integer)",
    "gw_purge_attachment(uuid, timestamptz)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(ORPHANS)
    op.execute(PURGE)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO gridward_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
