"""Use cases of administering people: accounts and assignments.

An administrator acts inside the own area only, never on the own account, and leaves an event each
time. A new secret is handed back beside the answer, so that the stored first answer of a replay
never holds it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from service.auth import login_store, rules, schemas, store
from service.auth.errors import (
    AccountDisabled,
    AlreadyEnded,
    AssignmentExists,
    BadPeriod,
    IdTaken,
    LoginTaken,
    OwnAccount,
    RoleMisplaced,
    SubjectTaken,
    UnknownUnit,
)
from service.auth.office import MANAGE, Done, Office, Secret, new_secret
from service.auth.permissions import Role
from service.auth.store import Held
from service.db import Session
from service.errors import NotFound
from service.kit.idempotency import Answer
from service.kit.ids import uuid7

# 23.2 teams of grid workers; 42.3 their register.
CLAUSES = ("23.2", "42.3")


async def create_account(office: Office, body: schemas.AccountNew) -> Done:
    """A new account. Raises OutsideArea, UnknownArea, LoginTaken, SubjectTaken, IdTaken."""
    office.require(body.area)
    await office.require_known(body.area)
    account = body.id or uuid7()
    secret = await new_secret(office.passwords, body.kind) if body.with_password else None
    added = await store.added(
        office.session, store.ADD_ACCOUNT, id=account, login=body.login, name=body.name,
        kind=body.kind, area=body.area, stored=secret.stored if secret else None,
        oidc_subject=body.oidc_subject, now=office.now,
    )  # fmt: skip
    if not added:
        await _refuse_taken(office.session, body.login, body.oidc_subject, account)
    payload = body.model_dump(include={"login", "name", "kind", "area", "oidc_subject"})
    await office.note(
        "account", account, event="created", area=body.area, clauses=CLAUSES, payload=payload
    )
    return await _account_done(office, account, secret, status=201)


async def _refuse_taken(session: Session, login: str, subject: str | None, account: UUID) -> None:
    taken = (await session.execute(store.TAKEN, {"login": login, "oidc_subject": subject})).one()
    if taken.login:
        raise LoginTaken(pointer="/login", login=login)
    if taken.subject:
        raise SubjectTaken(pointer="/oidc_subject")
    raise IdTaken(pointer="/id", id=account)


async def change_account(office: Office, account: UUID, body: schemas.AccountChange) -> Done:
    """Change an account that lies wholly inside the caller's area.

    Raises NotFound, OwnAccount, OutsideArea, UnknownArea, SubjectTaken.
    """
    held = await _readable(office, account)
    if not rules.may_administer(held.home, held.reaches, office.caller.area_prefixes(MANAGE)):
        raise office.outside()
    changes: dict[str, dict[str, Any]] = {}
    if body.area is not None and body.area != held.home:
        office.require(body.area)
        await office.require_known(body.area)
        changes["moved"] = {"area": [held.home, body.area]}
        held.home = body.area
    if body.name is not None and body.name != held.name:
        changes["renamed"] = {"name": [held.name, body.name]}
        held.name = body.name
    await _change_link(office, held, body, changes)
    secret = await _change_access(office, held, body, changes)
    await store.store_account(office.session, held)
    for event, payload in changes.items():
        await office.note(
            "account", account, event=event, area=held.home, clauses=CLAUSES, payload=payload
        )
    return await _account_done(office, account, secret)


async def _readable(office: Office, account: UUID) -> Held:
    """The account, locked. Raises NotFound outside what the caller reads, OwnAccount."""
    held = await store.hold_account(office.session, office.scope, account)
    if held is None or not any(
        rules.inside_any(area, office.scope.prefixes) for area in (held.home, *held.areas)
    ):
        raise NotFound
    if account == office.caller.account_id:
        raise OwnAccount
    return held


async def _change_link(
    office: Office, held: Held, body: schemas.AccountChange, changes: dict[str, dict[str, Any]]
) -> None:
    if "oidc_subject" not in body.model_fields_set or body.oidc_subject == held.oidc_subject:
        return
    subject = body.oidc_subject
    if subject is not None and await store.exists(
        office.session, store.SUBJECT_TAKEN, subject=subject
    ):
        raise SubjectTaken(pointer="/oidc_subject")
    changes["linked" if subject else "unlinked"] = {"oidc_subject": [held.oidc_subject, subject]}
    held.oidc_subject = subject


async def _change_access(
    office: Office, held: Held, body: schemas.AccountChange, changes: dict[str, dict[str, Any]]
) -> Secret | None:
    """Disable, enable, unlock, give a new secret; ends all logins where it must."""
    secret = None
    if body.status is not None and body.status != held.status:
        changes["disabled" if body.status == "disabled" else "enabled"] = {}
        held.status = body.status
    if body.reset_password:
        secret = await new_secret(office.passwords, held.kind)
        held.password_hash = secret.stored
        changes["password_reset"] = {}
    if body.unlock or secret:
        if held.locked_until is not None and held.locked_until > office.now:
            changes["unlocked"] = {}
        held.failed_logins, held.locked_until = 0, None
    if secret or "disabled" in changes:
        await login_store.end_families(office.session, held.id, now=office.now)
    return secret


async def _account_done(
    office: Office, account: UUID, secret: Secret | None, *, status: int = 200
) -> Done:
    shown = await store.account_json(office.session, office.scope, account)
    assert shown is not None, "who administers an account also reads it"
    body = msgspec.json.decode(shown)
    headers = {"Location": f"/v1/accounts/{account}"} if status == 201 else None
    return Done(Answer(status, {**body, "password": None, "client_secret": None}, headers),
                touched=account, secret=secret)  # fmt: skip


async def assign(office: Office, body: schemas.AssignmentNew) -> Done:
    """A role for an account that the caller reads, inside the area that the caller administers.

    Raises NotFound, OwnAccount, OutsideArea, AccountDisabled, RoleMisplaced, UnknownArea,
    UnknownUnit, BadPeriod, AssignmentExists, IdTaken.
    """
    held = await _readable(office, body.account_id)
    office.require(body.area)
    unit_area = await _unit_area(office, body.unit) if body.unit is not None else None
    if unit_area is not None:
        office.require(unit_area)
    if wrong := rules.misplacement(rules.Placement(held.kind, body.role, body.area, unit_area)):
        raise RoleMisplaced(pointer="/role", reason_zh=wrong[0], reason_en=wrong[1])
    await office.require_known(body.area)
    if held.status != "active":
        raise AccountDisabled(pointer="/account_id")
    period = rules.period(body.valid_from, body.valid_to, office.now)
    if period is None:
        raise BadPeriod(pointer="/valid_from")
    row = {"account": held.id, "role": body.role.value, "area": body.area, "unit": body.unit,
           "valid_from": period[0], "valid_to": period[1]}  # fmt: skip
    if await store.exists(office.session, store.OVERLAPPING, **row):
        raise AssignmentExists(pointer="/role")
    assignment = body.id or uuid7()
    who = {"id": assignment, "by": office.caller.account_id, "now": office.now}
    if not await store.added(office.session, store.ADD_ASSIGNMENT, **row, **who):
        raise IdTaken(pointer="/id", id=assignment)
    await office.note(
        "assignment", assignment, event="granted", area=body.area, clauses=CLAUSES, payload=row
    )
    return Done(Answer(201, _assignment(assignment, row)), touched=held.id)


async def _unit_area(office: Office, code: str) -> str:
    unit = (await office.session.execute(store.HELD_UNIT, {"code": code})).first()
    if unit is None or not unit.active:
        raise UnknownUnit(pointer="/unit", unit=code)
    return str(unit.area_code)


def _assignment(assignment: UUID, row: dict[str, Any]) -> dict[str, Any]:
    return {"id": assignment, "account_id": row["account"], "role": row["role"],
            "area": row["area"], "unit": row["unit"], "valid_from": row["valid_from"],
            "valid_to": row["valid_to"]}  # fmt: skip


async def end_assignment(office: Office, assignment: UUID, note: str | None) -> Done:
    """End a role now, or take it back before it begins.

    Raises NotFound, OwnAccount, OutsideArea, AlreadyEnded.
    """
    values = {"id": assignment, "prefixes": list(office.scope.prefixes)}
    found = (await office.session.execute(store.ASSIGNMENT, values)).first()
    if found is None:
        raise NotFound
    if found.account_id == office.caller.account_id:
        raise OwnAccount
    office.require(found.area_code)
    office.require(rules.reach(Role(found.role), found.area_code, found.unit_area))
    if found.valid_to is not None and found.valid_to <= office.now:
        raise AlreadyEnded
    at = max(office.now, found.valid_from)
    await office.session.execute(store.END_ASSIGNMENT, {"id": assignment, "at": at})
    row = {"account": found.account_id, "role": found.role, "area": found.area_code,
           "unit": found.unit_code, "valid_from": found.valid_from, "valid_to": at}  # fmt: skip
    await office.note(
        "assignment", assignment, event="ended", area=found.area_code, clauses=CLAUSES,
        payload={**row, "note": note},
    )  # fmt: skip
    return Done(Answer(200, _assignment(assignment, row)), touched=found.account_id)
