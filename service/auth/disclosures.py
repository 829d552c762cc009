"""Showing personal data in clear: stored who, when and what for, and only so often an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from service.auth.errors import TooManyReveals
from service.auth.models import PersonalDataAccess
from service.db import Session
from service.kit.ids import uuid7

WINDOW = timedelta(hours=1)
# One reveal at a time for one person, so that the hourly limit holds under concurrency.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('reveal ' || :actor, 0))")
# Where people were, as a commander follows it: noted once an hour, and not counted as a reveal.
TRACKS = "tracks"


async def disclose(
    session: Session,
    actor: UUID,
    kind: str,
    subject: UUID,
    *,
    fields: str,
    purpose: str,
    limit: int,
    now: datetime,
) -> None:
    """Store that `actor` sees `fields` of a `kind` in clear; the caller commits before it answers.

    Raises TooManyReveals when this hour's reveals are used up.
    """
    await session.execute(ONE_AT_A_TIME, {"actor": str(actor)})
    recent = select(func.count(), func.min(PersonalDataAccess.accessed_at)).where(
        PersonalDataAccess.actor_id == actor,  # type: ignore[arg-type]
        PersonalDataAccess.accessed_at > now - WINDOW,  # type: ignore[arg-type]
        PersonalDataAccess.fields != TRACKS,  # type: ignore[arg-type]
    )
    many, oldest = (await session.execute(recent)).one()
    if many >= limit:
        raise TooManyReveals(limit=limit, wait=oldest + WINDOW - now if oldest else WINDOW)
    _note(session, actor, kind, subject, fields, purpose, now)


async def note_tracks(
    session: Session, actor: UUID, kind: str, subject: UUID, *, purpose: str, now: datetime
) -> None:
    """Store that `actor` follows the tracks of a `kind`, once an hour; the caller commits."""
    known = select(func.count()).where(
        PersonalDataAccess.actor_id == actor,  # type: ignore[arg-type]
        PersonalDataAccess.accessed_at > now - WINDOW,  # type: ignore[arg-type]
        PersonalDataAccess.subject_id == subject,  # type: ignore[arg-type]
        PersonalDataAccess.fields == TRACKS,  # type: ignore[arg-type]
    )
    if (await session.execute(known)).scalar_one() == 0:
        _note(session, actor, kind, subject, TRACKS, purpose, now)


def _note(
    session: Session,
    actor: UUID,
    kind: str,
    subject: UUID,
    fields: str,
    purpose: str,
    now: datetime,
) -> None:
    session.add(
        PersonalDataAccess(
            id=uuid7(),
            actor_id=actor,
            subject_kind=kind,
            subject_id=subject,
            fields=fields,
            purpose=purpose,
            accessed_at=now,
        )
    )
