"""Publishing a delineation: all of it in one transaction, or nothing (clause 23.2)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from geo.codes import display
from service.areas import present
from service.areas.actions.delineate import append, open_draft
from service.areas.errors import ApprovalMissing, StaleDelineation
from service.areas.publication import Terms, changes_grids, events_of, plan_publication
from service.areas.schemes import scheme_of
from service.areas.store import changes
from service.areas.store import delineations as store
from service.areas.store.events import append_all
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.db import Session
from service.kit.idempotency import Answer

ACTION = "publish"


async def publish(
    session: Session,
    county: str,
    subject: Subject,
    id_: UUID,
    *,
    approval_document: str | None,
    now: datetime,
) -> Answer:
    """Publish a checked delineation: codes, versions, lineage, retirements, one commit.

    The county's lock keeps every other change of grids out until then; who waits too long is
    answered 409. Raises NotFound, OutsideArea, AlreadyPublished, DelineationRefused,
    StaleDelineation, ApprovalMissing and NoCodesLeft.
    """
    await changes.lock_grids(session, county)
    row = await open_draft(session, subject, id_, Permission.DELINEATION_PUBLISH)
    states = await store.present_states(session, row["village_codes"])
    if store.combined(states, row["village_codes"]) != row["base_digest"]:
        raise StaleDelineation
    row["approval_document"] = approval_document or row["approval_document"]
    role = subject.role_in(Permission.DELINEATION_PUBLISH, row["area_code"])
    features, codes = await _publish(session, row, subject.account_id, role, now)
    row |= {"status": "published", "published_by": subject.account_id, "published_at": now}
    await append(session, subject, row, "delineation.published", ACTION, now)
    grids = [
        {"feature": f.ord, "decision": f.decision, "code": codes[f.ord],
         "display": display(codes[f.ord])}
        for f in features
    ]  # fmt: skip
    retired = row["report"]["retiring"]
    return Answer(200, {**present.delineation(row), "grids": grids, "retired": retired})


async def _publish(
    session: Session, row: dict[str, Any], actor: UUID, role: str | None, now: datetime
) -> tuple[list[Any], dict[int, str]]:
    """The polygons that were published and their codes by `ord`."""
    scheme = scheme_of(row["scheme"])
    features = await store.features(session, row["id"])
    retiring: list[str] = row["report"]["retiring"]
    if changes_grids(features, retiring) and row["approval_document"] is None:
        raise ApprovalMissing(pointer="/approval_document")
    kept = [feature.matched_code for feature in features if feature.matched_code is not None]
    made, codes = await asyncio.to_thread(
        plan_publication,
        features,
        {code: code[:12] for code in retiring},
        await changes.present(session, kept),
        highest=await changes.highest_numbers(session, row["village_codes"], scheme),
        highest_micro=await changes.highest_micro(session, kept, scheme),
        terms=Terms(scheme, row["id"], row["approval_document"], row["synthetic"]),
    )
    await changes.apply(session, made, actor=actor, now=now)
    await store.mark_published(session, row, codes, actor=actor, now=now)
    await append_all(session, events_of(made, ACTION), actor_id=actor, actor_role=role, now=now)
    return features, codes
