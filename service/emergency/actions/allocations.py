"""Use cases of allocation (24.2): who commands gives and takes back, whoever owns it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service.auth.permissions import Permission
from service.emergency import rules
from service.emergency.actions.resources import held, read, readable
from service.emergency.case import ACTIVATIONS, ActivationCase, cases_of
from service.emergency.errors import (
    AlreadyAllocated,
    NotAllocated,
    NotAvailable,
    NotInForce,
    OverCapacity,
    UnknownActivation,
)
from service.emergency.room import Room
from service.emergency.schemas import resources as schemas
from service.emergency.store import activations, plans
from service.emergency.store import resources as store
from service.errors import Busy, NotFound
from service.kit.clock import iso
from service.kit.conditional import etag_of
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
    require_running(target.ended_at)
    rules.require_allocator(await standing(room, row, target))
    if row["status"] != "available":
        raise NotAvailable(status=row["status"])
    quantity = body.quantity or row["capacity"]
    if quantity > row["capacity"]:
        raise OverCapacity(asked=quantity, capacity=row["capacity"], pointer="/quantity")
    if live is not None:
        if target.drill or not locked[live["activation_id"]].drill:
            raise AlreadyAllocated(activation=live["activation_id"])
        await _release(room, row, live, locked[live["activation_id"]], "taken over")
    made = {"id": uuid7(), "resource": resource, "activation": body.activation,
            "quantity": quantity, "note": body.note or "", "now": room.now,
            "actor": room.actor}  # fmt: skip
    await room.session.execute(store.ALLOCATE, made)
    payload = {"resource": str(resource), "quantity": quantity, "note": body.note}
    await _step(room, target, "allocate", row, payload)
    return Answer(200, await read(room, resource), etag_of(row["version"]))


async def release(room: Room, resource: UUID, body: schemas.Release) -> Answer:
    """200 with the resource, free again. Raises NotFound, NotAllocated, NotYourResource,
    CommandPassed, Busy."""
    locked, row, live = await _locked(room, resource, None)
    if live is None:
        raise NotAllocated
    serving = locked[live["activation_id"]]
    rules.require_allocator(await standing(room, row, serving))
    await _release(room, row, live, serving, body.note)
    return Answer(200, await read(room, resource), etag_of(row["version"]))


async def standing(
    room: Room, row: dict[str, Any], activation: ActivationCase | None
) -> rules.Standing:
    """What the caller is to a resource, as the tables hold it at this moment.

    The two committees command only what stands where `activation` is in force.
    """
    grid = row["grid_code"]
    committee: list[str] = await plans.scalar(room.session, activations.COMMITTEE_OF)
    return rules.Standing(
        dispatches=room.caller.may_in(ALLOCATE, grid),
        commands=activation is not None
        and activation.in_force
        and grid.startswith(activation.area_code)
        and rules.covering(grid, committee),
        owns=row["owner_unit"] in room.caller.units,
        activated=await plans.scalar(room.session, store.ACTIVATED, area=grid, at=room.now),
    )


def require_running(ended_at: datetime | None) -> None:
    """Pass when the activation is in force. Raises NotInForce."""
    if ended_at is not None:
        raise NotInForce(ended=iso(ended_at), pointer="/activation")


async def concerning(room: Room, ids: set[UUID]) -> dict[UUID, ActivationCase]:
    """Of these activations those that the caller may see, locked in one order for all callers."""
    found = await plans.rows(room.session, activations.LOCK_SEVERAL, ids=sorted(ids))
    return {row["id"]: ACTIVATIONS.read(row) for row in found}


async def _locked(
    room: Room, resource: UUID, wanted: UUID | None
) -> tuple[dict[UUID, ActivationCase], dict[str, Any], dict[str, Any] | None]:
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
    activation: ActivationCase,
    note: str | None,
) -> None:
    await room.session.execute(
        store.RELEASE, {"id": live["id"], "now": room.now, "actor": room.actor}
    )
    payload = {"resource": str(row["id"]), "quantity": live["quantity"], "note": note}
    await _step(room, activation, "release", row, payload)


async def _step(
    room: Room, case: ActivationCase, action: str, row: dict[str, Any], payload: dict[str, Any]
) -> None:
    """To the history of the activation that the resource serves."""
    cases = cases_of(drill=case.drill)
    deed = room.deed(ALLOCATE, row["grid_code"], payload)
    await cases.advance(room.session, case, cases.workflow.step(action), deed)
