"""Use cases of duty lists: draft, edit, validate, publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from service.db import Database, Session
from service.duties.lists import schemas, store
from service.duties.lists.errors import (
    DuplicateItem,
    DutyListInvalid,
    DutyListNotDraft,
    OtherKind,
)
from service.duties.lists.events import HISTORY
from service.duties.lists.present import shown_item
from service.duties.lists.rules import (
    Entry,
    Known,
    TownshipException,
    findings,
)
from service.errors import NotFound
from service.kit import clock
from service.kit.drafts import errors_of, refuse_errors, require_draft, shown_finding
from service.kit.idempotency import Answer


class Category(Protocol):
    """What counts of a published category."""

    @property
    def active(self) -> bool: ...


class Tree(Protocol):
    """The published categories by code (4 digits)."""

    @property
    def by_code(self) -> Mapping[str, Category]: ...


class Categories(Protocol):
    """Whoever knows the published categories: this room sits below the one that keeps them."""

    async def current(self) -> Tree: ...


async def draft(session: Session, actor: UUID, body: schemas.DutyListDraft) -> Answer:
    """201 with the new draft. Raises DuplicateItem, OtherKind, NotFound for what to copy."""
    entries = [_entry(item.code, item) for item in body.items or ()]
    for code, count in Counter(e.code for e in entries).items():
        if count > 1:
            raise DuplicateItem(pointer="/items", item=code)
    await session.execute(store.ONE_AT_A_TIME)
    version = (await session.execute(store.NEXT_VERSION)).scalar_one()
    source = await _source(session, body) if body.items is None else None
    now = clock.now()
    await store.insert_list(session, version, body.kind, "draft", note=body.note or "", now=now)
    if source is None:
        await store.put_all(session, version, entries)
    else:
        await session.execute(store.COPY_ITEMS, {"version": version, "source": source})
    await HISTORY[body.kind].record(
        session,
        version,
        "draft",
        "drafted",
        actor=actor,
        now=now,
        payload={"copy_of": source},
    )
    head = await store.list_of(session, version) or {}
    items = [shown_item(e) for e in await store.entries_of(session, version)]
    return Answer(201, {**head, "items": items}, {"Location": f"/v1/duty-lists/{version}"})


async def put_item(
    session: Session, actor: UUID, version: int, code: str, body: schemas.DutyItemFields
) -> Answer:
    """200 with the item as it stands in the draft. Raises NotFound, DutyListNotDraft."""
    kind = await _locked_draft(session, version)
    shown = shown_item(entry := _entry(code, body))
    await store.put(session, version, entry)
    await HISTORY[kind].record(
        session,
        version,
        "put-item",
        "item_put",
        actor=actor,
        now=clock.now(),
        payload=shown,
    )
    return Answer(200, shown)


async def delete_item(session: Session, actor: UUID, version: int, code: str) -> Answer:
    """204 once the draft has no such item. Raises NotFound, DutyListNotDraft."""
    kind = await _locked_draft(session, version)
    gone = await session.execute(store.DELETE_ITEM, {"version": version, "code": code})
    if gone.first() is None:
        raise NotFound
    await HISTORY[kind].record(
        session,
        version,
        "delete-item",
        "item_deleted",
        actor=actor,
        now=clock.now(),
        payload={"code": code},
    )
    return Answer(204, None)


async def publish(session: Session, actor: UUID, version: int, known: Known) -> Answer:
    """200: the draft is in force, the list of its kind before it is retired, caches are told.

    Raises NotFound, DutyListNotDraft, DutyListInvalid (with every error's place).
    """
    await session.execute(store.ONE_AT_A_TIME)
    kind = await _locked_draft(session, version)
    entries = await store.entries_of(session, version)
    found = findings(entries, await store.entries_in_force(session, kind), known)
    refuse_errors(found, DutyListInvalid, version=version, clause="35.1")
    now = clock.now()
    which = {"kind": kind}
    before = (await session.execute(store.PUBLISHED_VERSION, which)).scalar_one_or_none()
    await store.publish(session, version, kind, actor, now)
    await HISTORY[kind].record(
        session,
        version,
        "publish",
        "published",
        actor=actor,
        now=now,
        payload={"replaces": before},
    )
    head = await store.list_of(session, version) or {}
    return Answer(200, {**head, "findings": [shown_finding(f, item=f.item) for f in found]})


async def validate(db: Database, version: int, known: Known) -> dict[str, Any]:
    """Everything to be said about a version as it stands; nothing changes. Raises NotFound."""
    head = await read_head(db, version)
    entries = await store.read_entries(db, store.ITEMS_OF, version)
    found = findings(entries, await store.read_entries(db, store.IN_FORCE, head["kind"]), known)
    return {
        "valid": not errors_of(found),
        "findings": [shown_finding(f, item=f.item) for f in found],
    }


async def read_version(db: Database, version: int) -> dict[str, Any]:
    """A version with all its items. Raises NotFound."""
    head = await read_head(db, version)
    entries = await store.read_entries(db, store.ITEMS_OF, version)
    return {**head, "items": [shown_item(e) for e in entries]}


async def read_head(db: Database, version: int) -> dict[str, Any]:
    """A version's own row. Raises NotFound."""
    head = await db.reads.fetchrow(store.LIST_OF, version)
    if head is None:
        raise NotFound
    return dict(head)


async def what_is_known(db: Database, categories: Categories) -> Known:
    """The categories, units and townships that there are now."""
    tree = (await categories.current()).by_code
    in_use = {code: row.active for code, row in tree.items()}
    for code, row in tree.items():
        in_use[code[:2]] = in_use.get(code[:2], False) or row.active
    return Known(in_use, await store.read_units(db), await store.read_townships(db))


async def _source(session: Session, body: schemas.DutyListDraft) -> int:
    wanted = body.copy_of
    if wanted is None:
        which = {"kind": body.kind}
        wanted = (await session.execute(store.PUBLISHED_VERSION, which)).scalar_one_or_none()
    head = None if wanted is None else await store.list_of(session, wanted)
    if wanted is None or head is None:
        raise NotFound(pointer="/copy_of")
    if head["kind"] != body.kind:
        raise OtherKind(pointer="/copy_of", version=wanted, found=head["kind"], kind=body.kind)
    return wanted


async def _locked_draft(session: Session, version: int) -> str:
    row = (await session.execute(store.LOCK_LIST, {"version": version})).first()
    if row is None:
        raise NotFound
    require_draft(row.status, DutyListNotDraft, version)
    kind: str = row.kind
    return kind


def _entry(code: str, fields: schemas.DutyItemFields) -> Entry:
    exceptions = (TownshipException(e.township, e.section, e.note or "") for e in fields.exceptions)
    return Entry(
        code=code, name_zh=fields.name_zh or "", name_en=fields.name_en or "",
        section=fields.section, categories=tuple(dict.fromkeys(fields.categories)),
        lead_unit=fields.lead_unit, cooperating_units=tuple(fields.cooperating_units),
        basis=fields.basis or "", exceptions=tuple(exceptions), clauses=tuple(fields.clauses),
        active=fields.active,
    )  # fmt: skip
