"""Use cases of activations and drills (17.2, 24.2): start, change level, end, evaluate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.auth.errors import UnknownArea
from service.auth.permissions import Permission
from service.emergency import rules
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
from service.emergency.room import Room, etag, require_version
from service.emergency.schemas import activations as schemas
from service.emergency.store import activations as store
from service.emergency.store import plans, resources
from service.emergency.workflow import LEVELS, workflow_of
from service.errors import NotFound
from service.kit import clock
from service.kit.idempotency import Answer
from service.kit.ids import uuid7
from service.kit.workflow import Step

COMMAND = Permission.ACTIVATION_COMMAND


async def start(room: Room, body: schemas.ActivationNew) -> Answer:
    """201: the plan is in force for the area, its committees command.

    Raises OutsideOwnArea, UnknownArea, UnknownPlan, PlanElsewhere, LevelNotInPlan, LevelAboveTier,
    AlreadyInForce, IdTaken.
    """
    tier = _require_area(room, body.area)
    if not await plans.scalar(room.session, plans.AREA_KNOWN, area=body.area):
        raise UnknownArea(pointer="/area", area=body.area)
    version = await _plan_version(room, body, tier)
    flow = workflow_of(drill=body.drill)
    made = {
        **body.model_dump(), "id": body.id or uuid7(), "plan_version": version,
        "status": flow.initial, "tier": tier, "now": room.now, "actor": room.actor,
    }  # fmt: skip
    if await plans.first(room.session, store.START, **made) is None:
        same = {"area": body.area, "plan": body.plan, "drill": body.drill}
        running = await plans.scalar(room.session, store.RUNNING, **same)
        if running is not None and running != made["id"]:
            raise AlreadyInForce(area=body.area, plan=body.plan)
        raise IdTaken(id=made["id"], pointer="/id")
    payload = {"area": body.area, "level": body.level, "plan": body.plan,
               "plan_version": version, "reason": body.reason}  # fmt: skip
    await _note(room, made["id"], flow.creation, body.area, (None, flow.initial), payload)
    answer = await read(room, made["id"])
    headers = {"Location": f"/v1/activations/{made['id']}", **etag(1)}
    return Answer(201, answer, headers)


async def change_level(
    room: Room, activation: UUID, body: schemas.LevelChange, expected: int | None
) -> Answer:
    """200 at another level. Raises as `end`, and SameLevel, LevelNotInPlan, LevelAboveTier."""
    row, step, tier = await _held(room, activation, "change-level", expected)
    if body.level == row["level"]:
        raise SameLevel(level=body.level, roman=LEVELS[body.level])
    plan = await plans.first(
        room.session, plans.ONE, code=row["plan_code"], version=row["plan_version"],
        today=room.today,
    )  # fmt: skip
    assert plan is not None
    rules.require_level(plan["levels"], body.level, tier, row["plan_code"])
    payload = {"from_level": row["level"], "level": body.level, "reason": body.reason}
    changes = {"level": body.level, "tier": max(tier, row["tier"])}
    return await _advance(room, row, step, payload, **changes)


async def end(
    room: Room, activation: UUID, body: schemas.ActivationEnd, expected: int | None
) -> Answer:
    """200: what served it is released, command goes back, tracks are taken no more.

    Raises NotFound, OutsideOwnArea, DeclaredAbove, StaleVersion, ActionNotAllowed.
    """
    row, step, _ = await _held(room, activation, "end", expected)
    released = await plans.rows(
        room.session, resources.RELEASE_ALL, activation=activation, now=room.now, actor=room.actor
    )
    payload = {"note": body.note, "released": [str(r["resource_id"]) for r in released]}
    ended = {"ended_at": max(room.now, row["activated_at"]), "ended_by": room.actor}
    return await _advance(room, row, step, payload, **ended, end_note=body.note)


async def evaluate(
    room: Room, activation: UUID, body: schemas.DrillEvaluationNew, expected: int | None
) -> Answer:
    """200 with the drill and its evaluation. Raises as `end`, and NoDrill, BadNextDate."""
    row, step, _ = await _held(room, activation, "evaluate", expected)
    if body.next_on <= clock.local(row["ended_at"]).date():
        raise BadNextDate(pointer="/next_on")
    values = {**body.model_dump(), "id": activation, "now": room.now, "actor": room.actor}
    await room.session.execute(store.EVALUATE, values)
    payload = {"participants": body.participants, "units": body.units,
               "next_on": body.next_on.isoformat()}  # fmt: skip
    return await _advance(room, row, step, payload, ended_at=row["ended_at"])


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
    allowed = [s.action for s in flow.steps_from(row["status"])] if tier >= row["tier"] else []
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
) -> tuple[dict[str, Any], Step, int]:
    """The locked row, the step, the caller's tier; the caller may take the step."""
    row = await plans.first(room.session, store.LOCK, id=activation, areas=areas_of(room))
    if row is None:
        raise NotFound
    tier = _require_area(room, row["area_code"])
    if action == "evaluate" and not row["drill"]:
        raise NoDrill
    flow = workflow_of(drill=row["drill"])
    step = flow.step(action)
    if tier < row["tier"]:
        raise DeclaredAbove(tier=row["tier"], action=step.en, verb=step.zh)
    require_version(row["version"], expected)
    flow.require(step, row["status"])
    return row, step, tier


async def _advance(
    room: Room, row: dict[str, Any], step: Step, payload: dict[str, Any], **changes: Any
) -> Answer:
    """The one place where an activation changes its status: row, event, answer."""
    kept = {"level": row["level"], "tier": row["tier"], "ended_at": None, "ended_by": None,
            "end_note": None}  # fmt: skip
    target = step.target or row["status"]
    await room.session.execute(
        store.ADVANCE, {**kept, **changes, "id": row["id"], "status": target}
    )
    states = (row["status"], target)
    await _note(room, row["id"], step, row["area_code"], states, payload)
    return Answer(200, await read(room, row["id"]), etag(row["version"] + 1))


async def _note(
    room: Room,
    activation: UUID,
    step: Step,
    area: str,
    states: tuple[str | None, str],
    payload: dict[str, Any],
) -> None:
    kind, _, event = step.event.partition(".")
    await room.note(
        kind, activation, event=event, action=step.action, permission=COMMAND, area=area,
        clauses=step.clauses, payload=payload, states=states,
    )  # fmt: skip
