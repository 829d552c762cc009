"""Use cases of categories: draft, edit, validate, publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from service.db import Database, Session
from service.errors import NotFound
from service.incidents.categories import schemas, store
from service.incidents.categories.errors import (
    CategorySetInvalid,
    CategorySetNotDraft,
    DuplicateCategory,
)
from service.incidents.categories.events import record
from service.incidents.categories.rules import Entry, findings
from service.incidents.categories.tree import shown_row
from service.kit import clock
from service.kit.drafts import errors_of, refuse_errors, require_draft, shown_finding
from service.kit.idempotency import Answer


async def draft(session: Session, actor: UUID, body: schemas.CategorySetDraft) -> Answer:
    """201 with the new draft. Raises DuplicateCategory, NotFound for a version to copy."""
    tree = [_entry(row.code, row) for row in body.categories or ()]
    for code, count in Counter(e.code for e in tree).items():
        if count > 1:
            raise DuplicateCategory(pointer="/categories", category=code)
    await session.execute(store.ONE_AT_A_TIME)
    version = (await session.execute(store.NEXT_VERSION)).scalar_one()
    source = None if tree else await _source(session, body.copy_of)
    now = clock.now()
    await store.insert_set(session, version, "draft", note=body.note or "", now=now)
    if source is None:
        await store.put_all(session, version, tree)
    else:
        await session.execute(store.COPY_ROWS, {"version": version, "source": source})
    await record(
        session, version, "draft", "drafted", actor=actor, now=now, payload={"copy_of": source}
    )
    made = await _whole(session, version)
    return Answer(201, made, {"Location": f"/v1/category-sets/{version}"})


async def put_category(
    session: Session, actor: UUID, version: int, code: str, body: schemas.CategoryFields
) -> Answer:
    """200 with the row as it stands in the draft. Raises NotFound, CategorySetNotDraft."""
    await _locked_draft(session, version)
    entry = _entry(code, body)
    await store.put(session, version, entry)
    await record(
        session,
        version,
        "put-category",
        "category_put",
        actor=actor,
        now=clock.now(),
        payload=shown_row(entry),
    )
    return Answer(200, shown_row(entry))


async def delete_category(session: Session, actor: UUID, version: int, code: str) -> Answer:
    """204 once the draft has no such row. Raises NotFound, CategorySetNotDraft."""
    await _locked_draft(session, version)
    gone = await session.execute(store.DELETE_ROW, {"version": version, "code": code})
    if gone.first() is None:
        raise NotFound
    await record(
        session,
        version,
        "delete-category",
        "category_deleted",
        actor=actor,
        now=clock.now(),
        payload={"code": code},
    )
    return Answer(204, None)


async def publish(session: Session, actor: UUID, version: int) -> Answer:
    """200: the draft is in force, the version before it is retired, caches are told.

    Raises NotFound, CategorySetNotDraft, CategorySetInvalid (with every error's place).
    """
    await session.execute(store.ONE_AT_A_TIME)
    await _locked_draft(session, version)
    found = findings(await store.entries_of(session, version), await store.history_of(session))
    refuse_errors(found, CategorySetInvalid, version=version)
    now = clock.now()
    before = (await session.execute(store.PUBLISHED_VERSION)).scalar_one_or_none()
    await session.execute(store.RETIRE)
    await session.execute(store.PUBLISH, {"version": version, "now": now, "actor": actor})
    await session.execute(store.ADVANCE_EPOCH)
    await record(
        session, version, "publish", "published", actor=actor, now=now, payload={"replaces": before}
    )
    head = await store.set_of(session, version)
    return Answer(
        200, {**(head or {}), "findings": [shown_finding(f, category=f.category) for f in found]}
    )


async def validate(db: Database, version: int) -> dict[str, Any]:
    """Everything to be said about a version as it stands; nothing changes. Raises NotFound."""
    await read_head(db, version)
    found = findings(await store.read_entries(db, version), await store.read_history(db))
    return {
        "valid": not errors_of(found),
        "findings": [shown_finding(f, category=f.category) for f in found],
    }


async def read_set(db: Database, version: int) -> dict[str, Any]:
    """A version with all its rows. Raises NotFound."""
    head = await read_head(db, version)
    rows = await store.read_entries(db, version)
    return {**head, "categories": [shown_row(e) for e in rows]}


async def read_head(db: Database, version: int) -> dict[str, Any]:
    """A version's own row. Raises NotFound."""
    head = await db.reads.fetchrow(store.SET_OF, version)
    if head is None:
        raise NotFound
    return dict(head)


async def _whole(session: Session, version: int) -> dict[str, Any]:
    head = await store.set_of(session, version)
    rows: Sequence[Entry] = await store.entries_of(session, version)
    return {**(head or {}), "categories": [shown_row(e) for e in rows]}


async def _source(session: Session, wanted: int | None) -> int:
    if wanted is None:
        wanted = (await session.execute(store.PUBLISHED_VERSION)).scalar_one_or_none()
    if wanted is None or await store.set_of(session, wanted) is None:
        raise NotFound(pointer="/copy_of")
    return wanted


async def _locked_draft(session: Session, version: int) -> None:
    status = (await session.execute(store.LOCK_SET, {"version": version})).scalar_one_or_none()
    if status is None:
        raise NotFound
    require_draft(status, CategorySetNotDraft, version)


def _entry(code: str, fields: schemas.CategoryFields) -> Entry:
    given = fields.model_dump(exclude={"code", "clauses"})
    entry = Entry(code=code, clauses=tuple(fields.clauses), **given)
    return replace(entry, name_zh=entry.name_zh or "", name_en=entry.name_en or "")
