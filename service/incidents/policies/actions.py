"""Use cases of response policies: draft, edit, validate, publish, withdraw."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service.db import Database, Session
from service.errors import NotFound
from service.incidents.policies import schemas, store
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.errors import (
    OverlappingValidity,
    PolicyInForce,
    PolicyInvalid,
    PolicyNotDraft,
    ValidFromPast,
)
from service.incidents.policies.events import HISTORY, POLICY
from service.incidents.policies.policy import draft_of
from service.incidents.policies.rules import Publication, findings
from service.kit import clock
from service.kit.drafts import errors_of, refuse_errors, require_draft, shown_finding
from service.kit.idempotency import Answer


async def draft(session: Session, actor: UUID, body: schemas.PolicyNew) -> Answer:
    """201 with the new draft. Raises NotFound for a version to copy."""
    await session.execute(store.ONE_AT_A_TIME)
    version: int = (await session.execute(store.NEXT_VERSION)).scalar_one()
    now = clock.now()
    source, policy = (
        (None, body_of(body.policy))
        if body.policy is not None
        else await _source(session, body.copy_of, now)
    )
    await store.insert_policy(session, version, policy, note=body.note or "", now=now)
    await HISTORY[POLICY].record(
        session,
        str(version),
        "draft",
        "drafted",
        actor=actor,
        now=now,
        payload={"copy_of": source, "policy": policy},
    )
    head = await store.head_of(session, version)
    where = {"Location": f"/v1/response-policies/{version}"}
    return Answer(201, {**head, "policy": policy}, where)


async def put(session: Session, actor: UUID, version: int, body: schemas.PolicyPut) -> Answer:
    """200 with the draft as it stands now. Raises NotFound, PolicyNotDraft."""
    before = (await _locked_draft(session, version))["body"]
    policy = body_of(body.policy)
    await session.execute(
        store.PUT_BODY, {"version": version, "body": store.json_of(policy), "note": body.note}
    )
    await HISTORY[POLICY].record(
        session,
        str(version),
        "edit",
        "edited",
        actor=actor,
        now=clock.now(),
        payload={"before": before, "policy": policy},
    )
    return Answer(200, {**await store.head_of(session, version), "policy": policy})


async def publish(
    session: Session,
    actor: UUID,
    version: int,
    *,
    body: schemas.PolicyPublication,
    rules: ResponseSnapshot,
    county: str,
) -> Answer:
    """200: the draft is in force from its time on, caches are told.

    Raises NotFound, PolicyNotDraft, ValidFromPast, OverlappingValidity, PolicyInvalid (with every
    error's place).
    """
    await session.execute(store.ONE_AT_A_TIME)
    found = await _locked_draft(session, version)
    now = clock.now()
    valid_from = body.valid_from or now
    if valid_from < now:
        given = clock.iso(valid_from)
        raise ValidFromPast(pointer="/valid_from", given=given)
    for other, begins in await store.later(session, valid_from):
        raise OverlappingValidity(
            pointer="/valid_from", version=other, begins=clock.iso(clock.local(begins))
        )
    into = Publication(valid_from, rules.axes.get(county))
    said = findings(draft_of(found["body"]), into)
    refuse_errors(said, PolicyInvalid, version=version)
    await session.execute(
        store.PUBLISH, {"version": version, "valid_from": valid_from, "now": now, "actor": actor}
    )
    await session.execute(store.ADVANCE_EPOCH)
    await HISTORY[POLICY].record(
        session,
        str(version),
        "publish",
        "published",
        actor=actor,
        now=now,
        payload={"valid_from": clock.iso(valid_from)},
    )
    head = await store.head_of(session, version)
    return Answer(200, {**head, "findings": [shown_finding(f) for f in said]})


async def withdraw(session: Session, actor: UUID, version: int) -> Answer:
    """200: a published version that has not begun never will. Raises NotFound, PolicyInForce."""
    await session.execute(store.ONE_AT_A_TIME)
    found = await store.one(session, store.LOCK_POLICY, version=version)
    if found is None:
        raise NotFound
    now = clock.now()
    if found["status"] != "published" or found["valid_from"] <= now:
        raise PolicyInForce(version=version)
    await session.execute(store.WITHDRAW, {"version": version})
    await session.execute(store.ADVANCE_EPOCH)
    await HISTORY[POLICY].record(
        session, str(version), "withdraw", "withdrawn", actor=actor, now=now
    )
    return Answer(200, await store.head_of(session, version))


async def validate(
    db: Database, rules: ResponseSnapshot, county: str, version: int
) -> dict[str, Any]:
    """All that can be said of a version, were it published now. Raises NotFound."""
    found = await read(db, version)
    now = clock.now()
    later = [(r["version"], r["valid_from"]) for r in await db.reads.fetch(store.LATER, now)]
    others = tuple((v, begins) for v, begins in later if v != version)
    into = Publication(now, rules.axes.get(county), others)
    said = findings(draft_of(found["policy"]), into)
    return {"valid": not errors_of(said), "findings": [shown_finding(f) for f in said]}


async def read(db: Database, version: int) -> dict[str, Any]:
    """A version with its body as `policy`. Raises NotFound."""
    row = await db.reads.fetchrow(store.POLICY_OF, version)
    if row is None:
        raise NotFound
    found = store.decoded(row)
    found["policy"] = found.pop("body")
    return found


def body_of(policy: schemas.PolicyBody) -> dict[str, Any]:
    """The body as stored: what was left out of a level stays out."""
    body = policy.model_dump(mode="json")
    for level, limits in body["levels"].items():
        body["levels"][level] = {step: text for step, text in limits.items() if text is not None}
    return body


async def _source(
    session: Session, wanted: int | None, now: datetime
) -> tuple[int, dict[str, Any]]:
    """The version to copy, and its body."""
    if wanted is None:
        wanted = (await session.execute(store.IN_FORCE, {"now": now})).scalar_one_or_none()
    found = await store.one(session, store.BODY_OF, version=wanted)
    if wanted is None or found is None:
        raise NotFound(pointer="/copy_of")
    return wanted, found["body"]


async def _locked_draft(session: Session, version: int) -> dict[str, Any]:
    found = await store.one(session, store.LOCK_POLICY, version=version)
    if found is None:
        raise NotFound
    require_draft(found["status"], PolicyNotDraft, version)
    return found
