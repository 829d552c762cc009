"""What a new deployment needs before anybody can log in: an administrator, and the usual units."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from pydantic import TypeAdapter

from service.auth import rules, store
from service.auth.actions import CLAUSES
from service.auth.credentials import Passwords
from service.auth.errors import LoginTaken, RoleMisplaced, WeakPassword
from service.auth.password_rules import weakness
from service.auth.permissions import Role
from service.auth.schemas import Login
from service.db import Session
from service.kit import clock, event_log
from service.kit.ids import uuid7

DATA = Path(__file__).parent / "data" / "units.json"
_LOGIN: TypeAdapter[str] = TypeAdapter(Login)


async def create_administrator(session: Session, login: str, password: str, area: str) -> UUID:
    """The id of a new account that administers `area` (6 or 9 digits). The caller commits.

    It needs no other administrator, so only the deployment's own command line may call it; the
    new account stands as the actor of its first events. Raises WeakPassword, LoginTaken,
    RoleMisplaced for another kind of area, and pydantic's ValidationError for a malformed login.
    """
    _LOGIN.validate_python(login)
    if found := weakness(password, login):
        raise WeakPassword(reason_zh=found.zh, reason_en=found.en)
    placed = rules.Placement("person", Role.ADMINISTRATOR, area, None)
    if wrong := rules.misplacement(placed):
        raise RoleMisplaced(reason_zh=wrong[0], reason_en=wrong[1])
    account, assignment, now = uuid7(), uuid7(), clock.now()
    stored = await Passwords().hash(password)
    named = {"login": login, "name": login, "kind": "person", "area": area, "oidc_subject": None}
    if not await store.added(
        session, store.ADD_ACCOUNT, id=account, stored=stored, now=now, **named
    ):
        raise LoginTaken(login=login)
    row = {"account": account, "role": Role.ADMINISTRATOR.value, "area": area, "unit": None,
           "valid_from": now, "valid_to": None}  # fmt: skip
    await store.added(session, store.ADD_ASSIGNMENT, id=assignment, by=None, now=now, **row)
    for kind, case, event, payload in (
        ("account", account, "created", named),
        ("assignment", assignment, "granted", row),
    ):
        await event_log.append(
            session, kind, case, event=f"{kind}.{event}", action="bootstrap", actor_id=account,
            clauses=CLAUSES, now=now, payload=payload,
        )  # fmt: skip
    return account


async def seed_units(session: Session, county: str = "511723", villages: Iterable[str] = ()) -> int:
    """Add the usual departments of `county` and committees of `villages`; how many were new.

    Codes are the area's code and a key, as in `511723-housing`. What exists is left as it is. The
    caller commits. Villages are named by the caller: most deployments add their committees
    (clauses 20.1 and 20.2) one by one.
    """
    rows = [(county, unit) for unit in units_data()["county"]]
    rows += [(village, unit) for village in villages for unit in units_data()["village"]]
    added = 0
    for area, unit in rows:
        added += await store.added(
            session, store.ADD_UNIT, code=f"{area}-{unit['key']}", name_zh=unit["name_zh"],
            name_en=unit["name_en"], tier=rules.UNIT_TIERS[len(area)], area=area,
        )  # fmt: skip
    return added


@cache
def units_data() -> dict[str, list[dict[str, Any]]]:
    """The default units by tier: `county` departments and `village` committees."""
    return msgspec.json.decode(DATA.read_bytes(), type=dict[str, list[dict[str, Any]]])
