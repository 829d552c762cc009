"""Use cases of the catalogues: stock items (17.3) and ways of travelling (25.2)."""

from __future__ import annotations

from typing import Any

from service.auth.permissions import Permission
from service.emergency.errors import CodeTaken
from service.emergency.room import Room, named_case
from service.emergency.schemas.plans import StockItemChange, StockItemNew, TravelModeFields
from service.emergency.store import plans as store
from service.errors import NotFound
from service.kit.idempotency import Answer

ITEMS = ("17.3",)
MODES = ("17.2", "25.2")


async def create_item(room: Room, body: StockItemNew) -> Answer:
    """201 with the new item. Raises CodeTaken."""
    item = body.model_dump()
    if await store.first(room.session, store.ADD_ITEM, **item) is None:
        raise CodeTaken(taken=body.code, pointer="/code")
    await _note(room, "stock_item", body.code, "added", ITEMS, item)
    return Answer(201, {**item, "active": True})


async def change_item(room: Room, code: str, body: StockItemChange) -> Answer:
    """200 with the item as it stands now. Raises NotFound."""
    old = await store.first(room.session, store.HELD_ITEM, code=code)
    if old is None:
        raise NotFound
    given = {name: v for name, v in body.model_dump().items() if v is not None}
    new = {**old, **given}
    changed = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
    if changed:
        await room.session.execute(store.STORE_ITEM, new)
        await _note(room, "stock_item", code, "changed", ITEMS, changed)
    return Answer(200, new)


async def list_items(
    room: Room, after: str | None, limit: int, **filters: Any
) -> list[dict[str, Any]]:
    """The catalogue by code."""
    return await store.rows(room.session, store.ITEMS, after=after, limit=limit, **filters)


async def put_mode(room: Room, mode: str, body: TravelModeFields) -> Answer:
    """200 with the way of travelling as it is reckoned from now on."""
    new = {"mode": mode, **body.model_dump()}
    await room.session.execute(store.PUT_MODE, new)
    await _note(room, "travel_mode", mode, "set", MODES, new)
    return Answer(200, new)


async def list_modes(room: Room) -> list[dict[str, Any]]:
    """All ways of travelling, by name."""
    return await store.rows(room.session, store.MODES)


async def _note(
    room: Room, kind: str, name: str, event: str, clauses: tuple[str, ...], payload: dict[str, Any]
) -> None:
    await room.note(
        kind, named_case(kind, name), event=event, permission=Permission.EMERGENCY_MANAGE,
        area=room.settings.county, clauses=clauses, payload={"name": name, **payload},
    )  # fmt: skip
