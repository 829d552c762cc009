"""Use cases of the plan register (17.1, 17.5): new versions, never changed ones."""

from __future__ import annotations

from datetime import date
from typing import Any

from service.auth.errors import OutsideArea, UnknownArea
from service.auth.permissions import Permission
from service.emergency import rules
from service.emergency.errors import CodeTaken, PlanInvalid, PlanRetired
from service.emergency.room import Room, named_case
from service.emergency.schemas.plans import EmergencyPlanFields, EmergencyPlanNew
from service.emergency.store import plans as store
from service.errors import NotFound
from service.kit.idempotency import Answer

CLAUSES = ("17.1", "17.5")
KIND = "emergency_plan"
MANAGE = Permission.EMERGENCY_MANAGE


async def create_plan(room: Room, body: EmergencyPlanNew) -> Answer:
    """201 with the plan in version 1. Raises OutsideArea, UnknownArea, CodeTaken, PlanInvalid."""
    await room.session.execute(store.ONE_AT_A_TIME, {"code": body.code})
    _require(room, body.area)
    if await store.first(room.session, store.ONE, code=body.code, version=None, today=room.today):
        raise CodeTaken(taken=body.code, pointer="/code")
    made = await _store(room, body.code, 1, body)
    return Answer(201, made, {"Location": f"/v1/emergency-plans/{body.code}"})


async def revise_plan(room: Room, code: str, body: EmergencyPlanFields) -> Answer:
    """200 with the next version; activations keep the one that they were declared under.

    Raises NotFound, PlanRetired, OutsideArea, UnknownArea, PlanInvalid.
    """
    old = await _held(room, code)
    if old["retired_at"] is not None:
        raise PlanRetired(plan=code)
    _require(room, body.area)
    return Answer(200, await _store(room, code, old["version"] + 1, body))


async def retire_plan(room: Room, code: str) -> Answer:
    """200: nothing new is declared under it. Raises NotFound, OutsideArea, PlanRetired."""
    old = await _held(room, code)
    if old["retired_at"] is not None:
        raise PlanRetired(plan=code)
    await room.session.execute(store.RETIRE, {"code": code, "now": room.now})
    await _note(room, code, "retired", old["area"], {"version": old["version"]})
    return Answer(200, await read_plan(room, code, None))


async def read_plan(room: Room, code: str, version: int | None) -> dict[str, Any]:
    """A version, the newest by default. Raises NotFound."""
    found = await store.first(room.session, store.ONE, code=code, version=version, today=room.today)
    if found is None:
        raise NotFound
    return shown(found)


async def list_plans(
    room: Room, after: str | None, limit: int, **filters: Any
) -> list[dict[str, Any]]:
    """Plans in their newest versions, by code; `limit` rows at most."""
    found = await store.rows(
        room.session, store.PAGE, after=after, limit=limit, today=room.today, **filters
    )
    return [shown(row) for row in found]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A plan as it crosses the wire."""
    return {**row, "clauses": list(CLAUSES)}


async def _held(room: Room, code: str) -> dict[str, Any]:
    await room.session.execute(store.ONE_AT_A_TIME, {"code": code})
    found = await store.first(room.session, store.ONE, code=code, version=None, today=room.today)
    if found is None:
        raise NotFound
    _require(room, found["area"])
    return found


def _require(room: Room, area: str) -> None:
    if not room.caller.may_in(MANAGE, area):
        raise OutsideArea(areas="、".join(room.caller.area_prefixes(MANAGE)))


async def _store(room: Room, code: str, version: int, body: EmergencyPlanFields) -> dict[str, Any]:
    if not await store.scalar(room.session, store.AREA_KNOWN, area=body.area):
        raise UnknownArea(pointer="/area", area=body.area)
    plan = {**body.model_dump(), "code": code}
    named = units_named(plan)
    units = await store.units_in_use(room.session, [unit for _, unit in named])
    wrong = rules.plan_problems(plan["levels"], plan["contacts"], units, named)
    if wrong:
        raise PlanInvalid(fields=tuple(wrong), count=len(wrong), clause="17.1")
    await store.insert_plan(room.session, plan, version, actor=room.actor, now=room.now)
    days = {name: value.isoformat() for name, value in plan.items() if isinstance(value, date)}
    event = "published" if version == 1 else "revised"
    await _note(room, code, event, body.area, {**plan, **days, "version": version})
    return await read_plan(room, code, version)


def units_named(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Every unit that a plan names, with the place where it does."""
    lists = ("lead_units", "supporting_units")
    named = [(f"/{name}/{place}", unit) for name in lists for place, unit in enumerate(plan[name])]
    return named + [
        (f"/contacts/{place}/unit", contact["unit"])
        for place, contact in enumerate(plan["contacts"])
        if contact["unit"] is not None
    ]


async def _note(room: Room, code: str, event: str, area: str, payload: dict[str, Any]) -> None:
    await room.note(
        KIND, named_case(KIND, code), event=event, permission=MANAGE, area=area, clauses=CLAUSES,
        payload={"code": code, **payload},
    )  # fmt: skip
