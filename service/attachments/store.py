"""All SQL of files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from service.db import Database, Session, as_actor

# An upload shares its object with others; a purge must be alone with it. Held to the commit, so
# that no object goes while a row that names it is on its way.
SHARE_OBJECT = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('attachment/' || :sha256, 0))"
)
OWN_OBJECT = text("SELECT pg_advisory_xact_lock(hashtextextended('attachment/' || :sha256, 0))")

INSERT = text("""
INSERT INTO attachment (id, sha256, kind, media_type, size, filename, width, height, captured_at,
  position, uploaded_by, uploaded_at)
VALUES (:id, :sha256, :kind, :media_type, :size, :filename, :width, :height, :captured_at,
  ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4490),
  :uploaded_by, :uploaded_at)
ON CONFLICT (id) DO NOTHING
RETURNING id
""")
SAME = text("""
SELECT EXISTS (SELECT FROM attachment WHERE id = :id AND sha256 = :sha256
  AND uploaded_by = :uploaded_by AND captured_at IS NOT DISTINCT FROM :captured_at)
""")
METADATA = """
SELECT json_build_object(
  'id', a.id, 'sha256', a.sha256, 'kind', a.kind, 'media_type', a.media_type, 'size', a.size,
  'filename', a.filename, 'width', a.width, 'height', a.height, 'captured_at', a.captured_at,
  'position', ST_AsGeoJSON(a.position, 9, 0)::json, 'uploaded_by', a.uploaded_by,
  'uploaded_at', a.uploaded_at,
  'cases', coalesce((SELECT json_agg(json_build_object('id', l.case_id, 'seq', l.seq)
                                     ORDER BY l.case_id, l.seq)
                     FROM attachment_link l WHERE l.attachment_id = a.id), '[]'))::text AS body
FROM attachment a WHERE a.id = $1
"""
METADATA_NOW = text(METADATA.replace("::json", "\\:\\:json").replace("::text", "\\:\\:text")
                    .replace("$1", ":id"))  # fmt: skip
METADATA_AS_ACTOR = as_actor(METADATA.replace("$1", "$2"))
CONTENT_AS_ACTOR = as_actor(
    "SELECT a.sha256, a.size, a.media_type, a.filename FROM attachment a WHERE a.id = $2"
)
USABLE = "SELECT id FROM attachment WHERE id = ANY($1::uuid[]) AND uploaded_by = $2"


async def usable(connection: Any, actor_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Which of `ids` are files that `actor_id` uploaded, and may therefore add to a case.

    `connection` is an asyncpg connection or pool whose role sees all files (`db.writes`).
    """
    rows = await connection.fetch(USABLE, list(ids), actor_id)
    return {UUID(int=row["id"].int) for row in rows}


async def insert(session: Session, row: dict[str, Any]) -> bool:
    """Insert the file's row; False when its id is taken."""
    return (await session.execute(INSERT, row)).first() is not None


async def is_same(session: Session, row: dict[str, Any]) -> bool:
    """Whether the id's row is this very upload: same sender, content and capture time."""
    return bool((await session.execute(SAME, row)).scalar_one())


async def metadata_now(session: Session, file_id: UUID) -> str:
    """The file's metadata as JSON, inside the transaction that made it."""
    return str((await session.execute(METADATA_NOW, {"id": file_id})).scalar_one())


async def metadata(db: Database, actor_id: UUID, file_id: UUID) -> str | None:
    """The file's metadata as JSON, or None when the actor may not read it."""
    body: str | None = await db.reads.fetchval(METADATA_AS_ACTOR, str(actor_id), file_id)
    return body


async def content_of(db: Database, actor_id: UUID, file_id: UUID) -> Any:
    """`sha256`, `size`, `media_type`, `filename`, or None when the actor may not read it."""
    return await db.reads.fetchrow(CONTENT_AS_ACTOR, str(actor_id), file_id)
