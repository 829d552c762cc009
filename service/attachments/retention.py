"""Deletes what was sent and never became evidence (PIPL art. 19: the shortest time that serves)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.attachments import store
from service.attachments.actions import CASE_KIND, CLAUSES
from service.attachments.files import Files
from service.db import Database
from service.kit import event_log
from service.kit.actors import SERVICE

KEPT_UNLINKED = timedelta(days=7)
BATCH = 200
ORPHANS = "SELECT id, sha256, uploaded_by FROM gw_orphan_attachments($1, $2, $3)"
PURGE = text("SELECT gw_purge_attachment(:id, :before)")
UNUSED = """
SELECT s.sha256 FROM unnest($1::text[]) AS s (sha256)
WHERE NOT EXISTS (SELECT FROM attachment a WHERE a.sha256 = s.sha256)
"""

log = structlog.get_logger()


@dataclass(slots=True)
class Purged:
    """How many rows and how many objects are gone."""

    rows: int = 0
    objects: int = 0


async def purge_orphans(
    db: Database, files: Files, now: datetime, older_than: timedelta = KEPT_UNLINKED
) -> Purged:
    """Delete files that no case links and objects that no row names, both older than that.

    The database refuses to delete what is linked or younger than a day, whatever is asked. What
    somebody else holds at the moment is left for the next run.
    """
    purged = Purged()
    before = now - older_than
    after = UUID(int=0)
    while rows := await db.reads.fetch(ORPHANS, before, after, BATCH):
        for row in rows:
            await _purge(db, files, row, now, before, purged)
        after = rows[-1]["id"]
    async for batch in files.older_than(before):
        for row in await db.writes.fetch(UNUSED, batch):
            await _sweep(db, files, row["sha256"], purged)
    return purged


async def _purge(
    db: Database, files: Files, row: Any, now: datetime, before: datetime, purged: Purged
) -> None:
    """One file: row, event and object in one transaction. The object goes before the commit."""
    orphan, sha256 = row["id"], row["sha256"]
    # As its uploader, who may see the file's chain of events.
    async with db.session(row["uploaded_by"]) as session:
        try:
            await session.execute(store.OWN_OBJECT, {"sha256": sha256})
            asked = {"id": orphan, "before": before}
            unused = (await session.execute(PURGE, asked)).scalar_one()
        except DBAPIError as failure:
            log.info("orphan_left", id=str(orphan), error=type(failure.orig).__name__)
            return
        if unused is None:
            return
        await event_log.append(
            session,
            CASE_KIND,
            orphan,
            event="attachment.purged",
            action="purge",
            actor_id=SERVICE,
            clauses=CLAUSES,
            now=now,
            payload={"sha256": sha256},
        )
        if unused:
            await files.delete(sha256)
        await session.commit()
    purged.rows += 1
    purged.objects += int(unused)


async def _sweep(db: Database, files: Files, sha256: str, purged: Purged) -> None:
    """An object without a row: an upload that was refused or cut off after it was stored."""
    async with db.session(None) as session:
        try:
            await session.execute(store.OWN_OBJECT, {"sha256": sha256})
        except DBAPIError:
            return
        if not await db.writes.fetch(UNUSED, [sha256]):
            return
        await files.delete(sha256)
    purged.objects += 1
