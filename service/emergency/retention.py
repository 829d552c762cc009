"""Deletes tracks when they have served: 30 days after their activation's end (PIPL art. 19)."""

from __future__ import annotations

from datetime import datetime

from service.db import Session
from service.emergency.actions.tracks import CLAUSES
from service.emergency.room import named_case
from service.emergency.rules import TRACKS_KEPT
from service.emergency.store import plans, tracks
from service.kit import event_log
from service.kit.actors import SERVICE


async def purge_tracks(session: Session, now: datetime, *, most: int) -> int:
    """Delete at most `most` points that are over at `now`; how many. The caller commits."""
    gone = await plans.rows(session, tracks.PURGE, before=now - TRACKS_KEPT, most=most)
    for row in gone:
        await event_log.append(
            session, "track", named_case("track", str(row["activation_id"])),
            event="track.deleted", action="purge", actor_id=SERVICE, clauses=CLAUSES, now=now,
            payload={"activation": str(row["activation_id"]), "points": row["points"]},
        )  # fmt: skip
    return sum(row["points"] for row in gone)
