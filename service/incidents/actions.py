"""Use cases of incidents: one function each; the web above, rules and store below."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import Forbidden, NotFound
from service.incidents import rules, store
from service.incidents.claims import require_unit, require_usable, resolve_assignee
from service.incidents.emergencies import belong_to
from service.incidents.items import ActItem, ReportItem
from service.incidents.offered import offered_actions
from service.incidents.opening import NewIncident, canonical
from service.incidents.present import with_actions
from service.incidents.schemas import (
    Arrived,
    Assigned,
    Contact,
    Extended,
    Noted,
    Report,
)
from service.incidents.together.asking import prepare
from service.incidents.together.commands import Joint
from service.kit import clock
from service.kit.case_rows import Answered, ContactRow
from service.kit.crypto import FieldCipher, mask_name, mask_phone
from service.kit.durations import parse_duration
from service.kit.idempotency import Once
from service.kit.ids import uuid7
from service.kit.paging import KEYSET_TYPES, page_bytes
from service.kit.positions import Position

NAME_FIELD = "incident_contact.name"
PHONE_FIELD = "incident_contact.phone"


async def report(state: State, caller: Subject, body: Report, asked: Once) -> Answered:
    """上报: the incident as stored, in its grid at tier 1, or the first answer to a replay.

    Raises Forbidden, UnknownCategory, RetiredCategory, OutsideCounty, BadPosition,
    InaccuratePosition, BadOccurredAt, UnknownAttachment, SelfHandleNotAllowed, IdTaken, KeyReused.
    """
    if not caller.has(Permission.INCIDENT_REPORT):
        raise Forbidden
    settings, now = state.settings, clock.now()
    occurred_at = body.occurred_at or now
    rules.check_occurred_at(
        occurred_at,
        now,
        days=settings.occurred_max_age_days,
        skew=timedelta(seconds=settings.clock_skew_seconds),
    )
    rules.check_accuracy(body.location.accuracy_m)
    done = body.self_handled
    new = NewIncident(
        id=body.id or uuid7(),
        reporter_id=caller.account_id,
        category=body.category,
        x=body.location.lon,
        y=body.location.lat,
        crs=body.location.crs,
        accuracy_m=body.location.accuracy_m,
        description=body.description,
        channel=body.channel,
        occurred_at=occurred_at,
        concerns_unit=body.concerns_unit,
        attachments=body.attachments,
        self_handled_note=done.note if done else None,
        self_handled_attachments=done.attachments if done else [],
    )
    await require_usable(state, caller, new.attachments + new.self_handled_attachments)
    if body.concerns_unit is not None:
        await require_unit(state, body.concerns_unit)
    if body.activation is not None:
        await belong_to(state, new, body.activation)
    key = asked.key or (f"incident:{body.id}" if body.id else None)
    contact = _seal(state.cipher, new.id, body.contact) if body.contact else None
    item = ReportItem(caller, new, key, asked.request_hash, contact)
    answered: Answered = await state.incidents.report(item)
    return answered


async def act(
    state: State,
    caller: Subject,
    incident_id: UUID,
    action: str,
    body: Noted,
    asked: Once,
    expected_version: int | None,
    joint: Joint | None = None,
) -> Answered:
    """Carry out `action`: the case as it stands afterwards, or the first answer to a replay.

    Raises NotFound, Forbidden and its kinds, StaleVersion, ActionNotAllowed and the guards of
    `service.incidents.rules`, BadAssignee, UnknownAttachment, KeyReused.
    """
    command = rules.Command(
        action,
        expected_version=expected_version,
        note=body.note,
        occurred_at=body.occurred_at,
        attachments=list(body.attachments),
        result=getattr(body, "result", None),
        satisfaction=getattr(body, "satisfaction", None),
        outcome=getattr(body, "outcome", None),
        duration=parse_duration(body.duration) if isinstance(body, Extended) else None,
        joint=joint,
    )
    if body.occurred_at is not None:
        settings = state.settings
        rules.check_occurred_at(
            body.occurred_at,
            clock.now(),
            days=settings.occurred_max_age_days,
            skew=timedelta(seconds=settings.clock_skew_seconds),
        )
    await require_usable(state, caller, command.attachments)
    if isinstance(body, Assigned):
        await resolve_assignee(state, caller, incident_id, body, command)
    if isinstance(body, Arrived) and body.location is not None:
        command.position = _stated(body.location)
    await prepare(state, caller, incident_id, body, command)
    item = ActItem(caller, incident_id, command, asked.key, asked.request_hash)
    answered: Answered = await state.incidents.act(item)
    return answered


async def show(state: State, caller: Subject, incident_id: UUID) -> tuple[bytes, int, list[str]]:
    """The incident as JSON bytes for this caller, its version and clauses. Raises NotFound."""
    row = await state.db.reads.fetchrow(store.ONE, str(caller.account_id), incident_id)
    if row is None:
        raise NotFound
    more = ""
    if row["contact_name"] is not None or row["contact_phone"] is not None:
        name, phone = _open(state.cipher, row)
        masked = {
            "name": mask_name(name) if name else None,
            "phone": mask_phone(phone) if phone else None,
        }
        more = f',"contact":{msgspec.json.encode(masked).decode()}'
    actions = await offered_actions(state, caller, row)
    return with_actions(row["body"], actions, more).encode(), row["version"], row["clauses"]


async def list_page(
    state: State, caller: Subject, filters: store.Filters, cursor: str | None, limit: int
) -> bytes:
    """A keyset page of what the caller may read, newest first. Raises Forbidden, BadCursor."""
    if not caller.has(Permission.INCIDENT_READ):
        raise Forbidden
    scope = f"incidents {filters}"
    after = state.cursors.read(cursor, scope, *KEYSET_TYPES) if cursor else None
    found = store.list_query(caller, filters, after, limit + 1)
    if found is None:
        return page_bytes([], None)
    query, arguments = found
    rows = await state.db.reads.fetch(query, str(caller.account_id), *arguments)
    page = rows[:limit]
    items = [with_actions(row["body"], await offered_actions(state, caller, row)) for row in page]
    more = len(rows) > limit
    last = page[-1] if more else None
    next_cursor = state.cursors.make(scope, last["reported_at"], last["id"]) if last else None
    return page_bytes(items, next_cursor)


def _seal(cipher: FieldCipher, incident_id: UUID, contact: Contact) -> ContactRow:
    name, phone = contact.name, contact.phone
    return ContactRow(
        incident_id,
        cipher.encrypt(name, NAME_FIELD) if name else None,
        cipher.encrypt(phone, PHONE_FIELD) if phone else None,
        cipher.blind_index(phone, PHONE_FIELD) if phone else None,
    )


def _open(cipher: FieldCipher, row: asyncpg.Record) -> tuple[str | None, str | None]:
    name, phone = row["contact_name"], row["contact_phone"]
    return (
        cipher.decrypt(name, NAME_FIELD) if name is not None else None,
        cipher.decrypt(phone, PHONE_FIELD) if phone is not None else None,
    )


def _stated(position: Position) -> dict[str, Any]:
    lon, lat = canonical(position.lon, position.lat, position.crs)
    return {
        "lon": lon,
        "lat": lat,
        "raw": {"x": position.lon, "y": position.lat, "crs": position.crs.value},
        # -0.0 would come back from the database as 0.0, and the event's hash would differ.
        "accuracy_m": None if position.accuracy_m is None else position.accuracy_m + 0.0,
    }
