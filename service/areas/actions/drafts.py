"""Reading delineations: published ones, and drafts where the caller draws or oversees."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from service.areas import present
from service.areas.store import delineations as store
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import NotFound
from service.kit.paging import Cursors

SEES_DRAFTS = (Permission.DELINEATION_WRITE, Permission.DELINEATION_PUBLISH, Permission.AUDIT_READ)


def areas_of(subject: Subject) -> list[str]:
    """The areas whose drafts the caller may read."""
    return sorted({area for held in SEES_DRAFTS for area in subject.area_prefixes(held)})


async def read(reads: asyncpg.Pool, subject: Subject, id_: UUID) -> dict[str, Any]:
    """One delineation. Raises NotFound."""
    row = await store.one(reads, id_, actor=subject.account_id, areas=areas_of(subject))
    if row is None:
        raise NotFound
    return present.delineation(row)


async def page(
    reads: asyncpg.Pool,
    cursors: Cursors,
    subject: Subject,
    *,
    area: str | None,
    status: str | None,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """A page of delineations, the newest first. Raises BadCursor."""
    scope = f"delineations:{subject.account_id}:{area}:{status}"
    after: Any = cursors.read(cursor, scope, datetime, UUID) if cursor else None
    rows = await store.page(
        reads,
        actor=subject.account_id,
        areas=areas_of(subject),
        area=area,
        status=status,
        after=after,
        rows=limit + 1,
    )
    items = [present.delineation(row) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "items": items,
        "next": cursors.make(scope, last["submitted_at"], last["id"]) if last else None,
    }


async def findings(reads: asyncpg.Pool, subject: Subject, id_: UUID) -> str:
    """The findings of a delineation as GeoJSON text. Raises NotFound."""
    crs = msgspec.json.encode(present.GEOJSON_CRS).decode()
    found = await store.findings(
        reads, id_, actor=subject.account_id, areas=areas_of(subject), crs=crs
    )
    if found is None:
        raise NotFound
    return found
