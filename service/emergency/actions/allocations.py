"""Use cases of allocation (24.2): who commands gives and takes back, whoever owns it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.auth.permissions import Permission
from service.emergency import rules
from service.emergency.actions.resources import held, read, readable
from service.emergency.errors import (
    AlreadyAllocated,
    NotAllocated,
    NotAvailable,
    NotInForce,
    OverCapacity,
    UnknownActivation,
)
from service.emergency.room import Room, etag
from service.emergency.schemas import resources as schemas
from service.emergency.store import activations, plans
from service.emergency.store import resources as store
from service.emergency.workflow import IN_FORCE, workflow_of
from service.errors import Busy, NotFound
from service.kit.clock import iso
from service.kit.idempotency import Answer
from service.kit.ids import uuid7

ALLOCATE = Permission.RESOURCE_ALLOCATE


async def allocate(room: Room, resource: UUID, body: schemas.AllocationNew) -> Answer:
    """200 with the resource; an emergency takes over what only a drill had.

    Raises NotFound, UnknownActivation, NotInForce, NotYourResource, CommandPassed, NotAvailable,
    AlreadyAllocated, OverCapacity, Busy.
    """
    locked, row, live = await _locked(room, resource, body.activation)
    target = locked.get(body.activation)
    if target is None:
        raise UnknownActivation(id=body.activation, pointer="/activation")
    require_running(target)
    rules.require_allocator(await standing(room, row, target))
    if row["status"] != "available":
        raise NotAvailable(status=row["status"])
    quantity = body.quantity or row["capacity"]
    if quantity > row["capacity"]:
        raise OverCapacity(asked=quantity, capacity=row["capacity"], pointer="/quantity")
    if live is not None:
        if target["drill"] or not locked[live["activation_id"]]["drill"]:
            raise AlreadyAllocated(activation=live["activation_id"])
        await _release(room, row, live, locked[live["activation_id"]], "taken over")
    made = {"id": uuid7(), "resource": resource, "activation": body.activation,
            "quantity": quantity, "note": body.note or "", "now": room.now,
            "actor": room.actor}  # fmt: skip
    await room.session.execute(store.ALLOCATE, made)
    payload = {"resource": str(resource), "quantity": quantity, "note": body.note}
    await _note(room, target, "resource_allocated", row, payload)
    return Answer(200, await read(room, resource), etag(row["version"]))


async def release(room: Room, resource: UUID, body: schemas.Release) -> Answer:
    """200 with the resource, free again. Raises NotFound, NotAllocated, NotYourResource,
    CommandPassed, Busy."""
    locked, row, live = await _locked(room, resource, None)
    if live is None:
        raise NotAllocated
    serving = locked[live["activation_id"]]
    rules.require_allocator(await standing(room, row, serving))
    await _release(room, row, live, serving, body.note)
    return Answer(200, await read(room, resource), etag(row["version"]))


async def standing(
    room: Room, row: dict[str, Any], activation: dict[str, Any] | None
) -> rules.Standing:
    """What the caller is to a resource, as the tables hold it at this moment.

    The two committees command only what stands where `activation` is in force.
    """
    grid = row["grid_code"]
    committee: list[str] = await plans.scalar(room.session, activations.COMMITTEE_OF)
    inside = activation is not None and activation["status"] == IN_FORCE
    return rules.Standing(
        dispatches=room.caller.may_in(ALLOCATE, grid),
        commands=inside
        and activation is not None
        and grid.startswith(activation["area_code"])
        and rules.covering(grid, committee),
        owns=row["owner_unit"] in room.caller.units,
        activated=await plans.scalar(room.session, store.ACTIVATED, area=grid, at=room.now),
    )


def require_running(activation: dict[str, Any]) -> None:
    """Pass when the activation is in force. Raises NotInForce."""
    if activation["status"] != IN_FORCE:
        raise NotInForce(ended=iso(activation["ended_at"]), pointer="/activation")


async def concerning(room: Room, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    """Of these activations those that the caller may see, locked in one order for all callers."""
    found = await plans.rows(room.session, activations.LOCK_SEVERAL, ids=sorted(ids))
    return {row["id"]: row for row in found}


async def _locked(
    room: Room, resource: UUID, wanted: UUID | None
) -> tuple[dict[UUID, dict[str, Any]], dict[str, Any], dict[str, Any] | None]:
    """Activations first, then the resource, as `end` does: nobody waits in a circle."""
    if await plans.first(room.session, store.FIND, id=resource, **readable(room)) is None:
        raise NotFound
    before = await plans.first(room.session, store.LIVE, id=resource)
    ids = {before["activation_id"]} if before is not None else set()
    if wanted is not None:
        ids.add(wanted)
    locked = await concerning(room, ids)
    row = await held(room, resource)
    live = await plans.first(room.session, store.LIVE, id=resource)
    if live is not None and live["activation_id"] not in locked:
        raise Busy
    return locked, row, live


async def _release(
    room: Room,
    row: dict[str, Any],
    live: dict[str, Any],
    activation: dict[str, Any],
    note: str | None,
) -> None:
    await room.session.execute(
        store.RELEASE, {"id": live["id"], "now": room.now, "actor": room.actor}
    )
    payload = {"resource": str(row["id"]), "quantity": live["quantity"], "note": note}
    await _note(room, activation, "resource_released", row, payload)


async def _note(
    room: Room, activation: dict[str, Any], event: str, row: dict[str, Any], payload: dict[str, Any]
) -> None:
    """To the history of the activation that the resource serves."""
    flow = workflow_of(drill=activation["drill"])
    await room.note(
        flow.kind, activation["id"], event=event, permission=ALLOCATE, area=row["grid_code"],
        clauses=("17.2",) if activation["drill"] else ("17.2", "24.2"), payload=payload,
        states=(activation["status"], activation["status"]),
    )  # fmt: skip
