"""Use cases of stock (17.3): a ledger that only grows, and a balance under a row lock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from service.emergency import rules
from service.emergency.actions.allocations import concerning, require_running, standing
from service.emergency.actions.resources import note, readable
from service.emergency.case import ActivationCase
from service.emergency.errors import (
    IdTaken,
    NoStockHere,
    NotAvailable,
    UnknownActivation,
    UnknownItem,
)
from service.emergency.room import Room
from service.emergency.schemas import resources as schemas
from service.emergency.store import plans
from service.emergency.store import resources as store
from service.errors import NotFound
from service.kit.idempotency import Answer
from service.kit.ids import uuid7

TICK = timedelta(microseconds=1)
EVENTS = {
    "receive": "stock_received",
    "issue": "stock_issued",
    "return": "stock_returned",
    "count": "stock_counted",
}


async def move(room: Room, resource: UUID, body: schemas.Movement) -> Answer:
    """201 with the entry and the balance after it.

    Raises NotFound, NotYourResource, NoStockHere, NotAvailable, UnknownItem, UnknownActivation,
    NotInForce, StockShort, ReturnExceedsIssue, StockTooLarge, IdTaken.
    """
    row = await plans.first(room.session, store.FIND, id=resource, **readable(room))
    if row is None:
        raise NotFound
    activation = await _activation(room, body)
    rules.require_keeper(await standing(room, row, activation), body.kind)
    if row["kind"] != "supply_point":
        raise NoStockHere
    if row["status"] == "retired":
        raise NotAvailable(status=row["status"])
    item = await plans.first(room.session, plans.ITEM, code=body.item)
    if item is None or not (item["active"] or body.kind != "receive"):
        raise UnknownItem(item=body.item, pointer="/item")
    entry = await _entered(room, resource, body)
    payload = {k: entry[k] for k in ("item", "kind", "quantity", "balance", "note")}
    payload["activation"] = str(body.activation) if body.activation else None
    await note(room, resource, EVENTS[body.kind], row["grid_code"], payload)
    return Answer(201, entry)


async def _activation(room: Room, body: schemas.Movement) -> ActivationCase | None:
    """What the movement is for; what was issued may come back after the end."""
    if body.activation is None:
        return None
    found = (await concerning(room, {body.activation})).get(body.activation)
    if found is None:
        raise UnknownActivation(id=body.activation, pointer="/activation")
    if body.kind == "issue":
        require_running(found.ended_at)
    return found


async def _entered(room: Room, resource: UUID, body: schemas.Movement) -> dict[str, Any]:
    """The entry, stored with its new balance while the old one is locked."""
    key = {"resource": resource, "item": body.item}
    await room.session.execute(store.OPEN_STOCK, {**key, "now": room.now})
    before = await plans.first(room.session, store.LOCK_STOCK, **key)
    assert before is not None
    after = rules.moved(
        rules.Holding(before["balance"], before["outstanding"]), body.kind, body.quantity
    )
    # Who waited for the lock came earlier by the clock: the ledger's times never run backwards.
    first = before["movements"] == 0
    at = room.now if first else max(room.now, before["updated_at"] + TICK)
    kept = {"balance": after.balance, "outstanding": after.outstanding, "now": at}
    await room.session.execute(store.STORE_STOCK, {**key, **kept})
    entry = {
        "id": body.id or uuid7(), **key, "seq": before["movements"] + 1, "kind": body.kind,
        "quantity": body.quantity, "change": after.balance - before["balance"],
        "balance": after.balance, "activation": body.activation, "note": body.note or "",
    }  # fmt: skip
    values = {**entry, "now": at, "actor": room.actor}
    made = await room.session.execute(store.ENTER, values)
    if made.rowcount == 0:  # type: ignore[attr-defined]
        raise IdTaken(id=entry["id"], pointer="/id")
    return {**entry, "moved_at": at, "moved_by": room.actor}


async def ledger(room: Room, resource: UUID, limit: int, **filters: Any) -> list[dict[str, Any]]:
    """Entries of a supply point, newest first. Raises NotFound."""
    if await plans.first(room.session, store.FIND, id=resource, **readable(room)) is None:
        raise NotFound
    return await plans.rows(
        room.session, store.MOVEMENTS, resource=resource, limit=limit, **filters
    )


async def balances(room: Room, limit: int, **filters: Any) -> list[dict[str, Any]]:
    """What supply points have now, by supply point and item."""
    return await plans.rows(room.session, store.STOCK, limit=limit, **filters, **readable(room))
