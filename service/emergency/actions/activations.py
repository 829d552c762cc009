"""Use cases of activations and drills (17.2, 24.2): start, change level, end, evaluate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from service.auth.errors import UnknownArea
from service.auth.permissions import Permission
from service.emergency import rules
from service.emergency.case import ACTIVATIONS, ActivationCase, cases_of
from service.emergency.errors import (
    AlreadyInForce,
    BadNextDate,
    DeclaredAbove,
    IdTaken,
    NoDrill,
    OutsideOwnArea,
    PlanElsewhere,
    SameLevel,
    UnknownPlan,
)
from service.emergency.room import Room
from service.emergency.schemas import activations as schemas
from service.emergency.store import activations as store
from service.emergency.store import plans, resources
from service.emergency.workflow import ASKED_FOR, LEVELS, workflow_of
from service.errors import NotFound
from service.kit import clock
from service.kit.conditional import etag_of
from service.kit.idempotency import Answer
from service.kit.ids import uuid7
from service.kit.workflow import Step, require_version

COMMAND = Permission.ACTIVATION_COMMAND
IN_FORCE_ONCE = "uq_activation_running"


async def start(room: Room, body: schemas.ActivationNew) -> Answer:
    """201: the plan is in force for the area, its committees command.

    Raises OutsideOwnArea, UnknownArea, UnknownPlan, PlanElsewhere, LevelNotInPlan, LevelAboveTier,
    AlreadyInForce, IdTaken.
    """
    tier = _require_area(room, body.area)
    if not await plans.scalar(room.session, plans.AREA_KNOWN, area=body.area):
        raise UnknownArea(pointer="/area", area=body.area)
    version = await _plan_version(room, body, tier)
    case = ActivationCase(
        id=body.id or uuid7(), area_code=body.area, level=body.level, plan_code=body.plan,
        plan_version=version, reason=body.reason, drill=body.drill, tier=tier,
        activated_at=room.now, activated_by=room.actor,
    )  # fmt: skip
    await _open(room, case)
    headers = {"Location": f"/v1/activations/{case.id}", **etag_of(case.version)}
    return Answer(201, await read(room, case.id), headers)


async def _open(room: Room, case: ActivationCase) -> None:
    """Store what begins. Raises AlreadyInForce, IdTaken."""
    same = {"area": case.area_code, "plan": case.plan_code, "drill": case.drill}
    running = await plans.scalar(room.session, store.RUNNING, **same)
    elsewhere = AlreadyInForce(area=case.area_code, plan=case.plan_code)
    if running is not None and running != case.id:
        raise elsewhere
    payload = {"area": case.area_code, "level": case.level, "plan": case.plan_code,
               "plan_version": case.plan_version, "reason": case.reason}  # fmt: skip
    deed = room.deed(COMMAND, case.area_code, payload)
    try:
        await cases_of(drill=case.drill).open(room.session, case, deed)
    except asyncpg.UniqueViolationError as taken:
        if taken.constraint_name == IN_FORCE_ONCE:
            raise elsewhere from None
        raise IdTaken(id=case.id, pointer="/id") from None


async def change_level(
    room: Room, activation: UUID, body: schemas.LevelChange, expected: int | None
) -> Answer:
    """200 at another level. Raises as `end`, and SameLevel, LevelNotInPlan, LevelAboveTier."""
    case, step, tier = await _held(room, activation, "change-level", expected)
    if body.level == case.level:
        raise SameLevel(level=body.level, roman=LEVELS[body.level])
    plan = await plans.first(
        room.session, plans.ONE, code=case.plan_code, version=case.plan_version, today=room.today
    )
    assert plan is not None
    rules.require_level(plan["levels"], body.level, tier, case.plan_code)
    payload = {"from_level": case.level, "level": body.level, "reason": body.reason}
    case.level, case.tier = body.level, max(tier, case.tier)
    return await _advance(room, case, step, payload)


async def end(
    room: Room, activation: UUID, body: schemas.ActivationEnd, expected: int | None
) -> Answer:
    """200: what served it is released, command goes back, tracks are taken no more.

    Raises NotFound, OutsideOwnArea, DeclaredAbove, StaleVersion, ActionNotAllowed.
    """
    case, step, _ = await _held(room, activation, "end", expected)
    released = await plans.rows(
        room.session, resources.RELEASE_ALL, activation=activation, now=room.now, actor=room.actor
    )
    payload = {"note": body.note, "released": [str(r["resource_id"]) for r in released]}
    case.ended_at, case.ended_by = max(room.now, case.activated_at), room.actor
    case.end_note = body.note
    return await _advance(room, case, step, payload)


async def evaluate(
    room: Room, activation: UUID, body: schemas.DrillEvaluationNew, expected: int | None
) -> Answer:
    """200 with the drill and its evaluation. Raises as `end`, and NoDrill, BadNextDate."""
    case, step, _ = await _held(room, activation, "evaluate", expected)
    assert case.ended_at is not None
    if body.next_on <= clock.local(case.ended_at).date():
        raise BadNextDate(pointer="/next_on")
    values = {**body.model_dump(), "id": activation, "now": room.now, "actor": room.actor}
    await room.session.execute(store.EVALUATE, values)
    payload = {"participants": body.participants, "units": body.units,
               "next_on": body.next_on.isoformat()}  # fmt: skip
    return await _advance(room, case, step, payload)


async def read(room: Room, activation: UUID) -> dict[str, Any]:
    """An activation with what the caller may do now. Raises NotFound."""
    found = await plans.first(room.session, store.ONE, id=activation, areas=areas_of(room))
    if found is None:
        raise NotFound
    return _shown(room, found)


async def list_page(room: Room, limit: int, **filters: Any) -> list[dict[str, Any]]:
    """What concerns the caller, newest first."""
    found = await plans.rows(room.session, store.PAGE, areas=areas_of(room), limit=limit, **filters)
    return [_shown(room, row) for row in found]


def areas_of(room: Room) -> list[str]:
    """Where anything of the caller's lies: an activation that touches it may be read."""
    return sorted({g.area for g in room.caller.grants_for(Permission.EMERGENCY_READ)})


def _shown(room: Room, row: dict[str, Any]) -> dict[str, Any]:
    flow = workflow_of(drill=row["drill"])
    tier = room.caller.tier_in(COMMAND, row["area"])
    steps = flow.steps_from(row["state"]) if tier >= row["tier"] else ()
    allowed = [step.action for step in steps if step.action in ASKED_FOR]
    return {**row, "available_actions": allowed, "clauses": list(flow.creation.clauses)}


def _require_area(room: Room, area: str) -> int:
    """The tier at which the caller commands `area`. Raises OutsideOwnArea."""
    tier = room.caller.tier_in(COMMAND, area)
    if not tier:
        own = "、".join(room.caller.area_prefixes(COMMAND))
        raise OutsideOwnArea(areas=own, pointer="/area", clause="24.2")
    return tier


async def _plan_version(room: Room, body: schemas.ActivationNew, tier: int) -> int:
    plan = await plans.plan_in_force(room.session, body.plan, room.today)
    if plan is None:
        raise UnknownPlan(plan=body.plan, pointer="/plan", clause="17.1")
    if not body.area.startswith(plan["area_code"]):
        raise PlanElsewhere(
            plan=body.plan, plan_area=plan["area_code"], area=body.area, pointer="/plan"
        )
    rules.require_level(plan["levels"], body.level, tier, body.plan)
    version: int = plan["version"]
    return version


async def _held(
    room: Room, activation: UUID, action: str, expected: int | None
) -> tuple[ActivationCase, Step, int]:
    """The locked case, the step, the caller's tier; the caller may take the step."""
    case = await ACTIVATIONS.hold(room.session, activation)
    if case is None or not rules.touching(case.area_code, areas_of(room)):
        raise NotFound
    tier = _require_area(room, case.area_code)
    if action == "evaluate" and not case.drill:
        raise NoDrill
    flow = workflow_of(drill=case.drill)
    step = flow.step(action)
    if tier < case.tier:
        raise DeclaredAbove(tier=case.tier, action=step.en, verb=step.zh)
    require_version(expected, case.version)
    flow.require(step, case.state)
    return case, step, tier


async def _advance(room: Room, case: ActivationCase, step: Step, payload: dict[str, Any]) -> Answer:
    """200 with the case after the step, which the gate has stored with its event."""
    deed = room.deed(COMMAND, case.area_code, payload)
    await cases_of(drill=case.drill).advance(room.session, case, step, deed)
    return Answer(200, await read(room, case.id), etag_of(case.version))
