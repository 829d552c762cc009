"""Use cases of units: departments and committees that handle cases."""

from __future__ import annotations

from uuid import UUID, uuid5

from service.auth import rules, schemas, store
from service.auth.errors import UnitTaken
from service.auth.office import Done, Office
from service.errors import NotFound
from service.kit.idempotency import Answer

# 20.1 and 20.2 the village committees; 23.2 collaborative handling.
CLAUSES = ("20.1", "20.2", "23.2")
UNIT_IDS = UUID("b6f1c1de-52f5-5a3c-9d1c-6a6a2f1d7f10")


async def create_unit(office: Office, body: schemas.UnitNew) -> Done:
    """A department or committee. Raises OutsideArea, UnknownArea, UnitTaken."""
    office.require(body.area)
    await office.require_known(body.area)
    unit = {"code": body.code, "name_zh": body.name_zh, "name_en": body.name_en,
            "tier": rules.UNIT_TIERS[len(body.area)], "area": body.area}  # fmt: skip
    if not await store.added(office.session, store.ADD_UNIT, **unit):
        raise UnitTaken(pointer="/code", unit=body.code)
    await office.note(
        "unit", unit_id(body.code), event="created", area=body.area, clauses=CLAUSES, payload=unit
    )
    return Done(Answer(201, {**unit, "active": True}))


async def change_unit(office: Office, code: str, body: schemas.UnitChange) -> Done:
    """New names, or take the unit out of use. Raises NotFound, OutsideArea."""
    found = (await office.session.execute(store.HELD_UNIT, {"code": code})).first()
    if found is None:
        raise NotFound
    office.require(found.area_code)
    old = {"name_zh": found.name_zh, "name_en": found.name_en, "active": found.active}
    new = {name: old[name] if (given := getattr(body, name)) is None else given for name in old}
    changed = {name: [old[name], new[name]] for name in old if old[name] != new[name]}
    if changed:
        await office.session.execute(store.STORE_UNIT, {"code": code, **new})
        await office.note(
            "unit", unit_id(code), event="changed", area=found.area_code, clauses=CLAUSES,
            payload=changed,
        )  # fmt: skip
    return Done(Answer(200, {"code": code, "tier": found.tier, "area": found.area_code, **new}))


def unit_id(code: str) -> UUID:
    """The id under which a unit's history is kept."""
    return uuid5(UNIT_IDS, code)
