"""Use cases of resources (17.2, 17.3): register, change, retire, find, show the contact."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from geo.cells import cell_of, cells_in, cells_of
from geo.positions import Crs
from service.auth.disclosures import disclose
from service.auth.permissions import Permission, Role
from service.emergency import rules
from service.emergency.errors import (
    AlreadyAllocated,
    IdTaken,
    NoContact,
    NotAvailable,
    NotYourResource,
    OverCapacity,
    UnknownMode,
    UnknownUnit,
)
from service.emergency.positions import grid_at, spot_of
from service.emergency.room import Room
from service.emergency.schemas import resources as schemas
from service.emergency.schemas.common import ResourceContact
from service.emergency.store import plans
from service.emergency.store import resources as store
from service.errors import NotFound
from service.kit.conditional import etag_of
from service.kit.crypto import mask_name, mask_phone
from service.kit.idempotency import Answer
from service.kit.ids import uuid7
from service.kit.positions import Position
from service.kit.workflow import require_version

CLAUSES = ("17.2", "17.3")
NAME_FIELD, PHONE_FIELD = "resource_contact.name", "resource_contact.phone"
CONTACT = ("contact_name", "contact_phone")
SIDES = ("west", "south", "east", "north")
# A square degree is more than a county: then a box narrows nothing.
MOST_CELLS = 2_500


async def create(room: Room, body: schemas.ResourceNew) -> Answer:
    """201 with the resource in the grid where it stands.

    Raises BadPosition, OutsideCounty, UnknownUnit, NotYourResource, IdTaken.
    """
    place = _placed(room, body.location)
    if not may_keep(room, place["grid"], body.owner_unit):
        raise NotYourResource
    if not await plans.units_in_use(room.session, [body.owner_unit]):
        raise UnknownUnit(unit=body.owner_unit, pointer="/owner_unit")
    row = {
        **place, **_sealed(room, body.contact), "id": body.id or uuid7(), "kind": body.kind,
        "name": body.name, "owner_unit": body.owner_unit, "capacity": body.capacity,
        "note": body.note or "", "now": room.now,
    }  # fmt: skip
    made = await room.session.execute(store.INSERT, row)
    if made.rowcount == 0:  # type: ignore[attr-defined]
        raise IdTaken(id=row["id"], pointer="/id")
    payload = {"kind": body.kind, "name": body.name, "owner_unit": body.owner_unit,
               "grid": place["grid"], "capacity": body.capacity}  # fmt: skip
    await note(room, row["id"], "registered", place["grid"], payload)
    return Answer(
        201,
        await read(room, row["id"]),
        {"Location": f"/v1/resources/{row['id']}", **etag_of(1)},
    )


async def change(
    room: Room, resource: UUID, body: schemas.ResourceChange, expected: int | None
) -> Answer:
    """200 with the resource as it stands now.

    Raises NotFound, NotYourResource, StaleVersion, NotAvailable for a retired one, AlreadyAllocated
    and OverCapacity against what it serves, BadPosition, OutsideCounty.
    """
    row = await held(room, resource)
    if not may_keep(room, row["grid_code"], row["owner_unit"]):
        raise NotYourResource
    require_version(expected, row["version"])
    if row["status"] == "retired":
        raise NotAvailable(status="retired")
    given = {k: v for k, v in body.model_dump().items() if v is not None}
    await _fits_allocation(room, resource, body)
    new = {name: given.get(name, row[name]) for name in ("name", "capacity", "note", "status")}
    sealed = {c: row[c] for c in CONTACT} if body.contact is None else _sealed(room, body.contact)
    await room.session.execute(store.CHANGE, {"id": resource, "now": room.now, **new, **sealed})
    if body.location is not None:
        place = _placed(room, body.location)
        if not may_keep(room, place["grid"], row["owner_unit"]):
            raise NotYourResource(pointer="/location")
        await room.session.execute(store.MOVE, {"id": resource, **place})
        given["location"] = place["grid"]
    payload = {**given, "contact": "changed"} if body.contact is not None else given
    await note(room, resource, "changed", row["grid_code"], payload)
    return Answer(200, await read(room, resource), etag_of(row["version"] + 1))


async def _fits_allocation(room: Room, resource: UUID, body: schemas.ResourceChange) -> None:
    live = await plans.first(room.session, store.LIVE, id=resource)
    if live is None:
        return
    if body.status not in (None, "available"):
        raise AlreadyAllocated(activation=live["activation_id"], pointer="/status")
    if body.capacity is not None and body.capacity < live["quantity"]:
        raise OverCapacity(asked=live["quantity"], capacity=body.capacity, pointer="/capacity")


async def read(room: Room, resource: UUID) -> dict[str, Any]:
    """One resource with what it serves now. Raises NotFound."""
    found = await plans.first(room.session, store.ONE, id=resource, **readable(room))
    if found is None:
        raise NotFound
    return shown(room, found)


async def list_page(room: Room, limit: int, after: UUID | None, **filters: Any) -> list[Any]:
    """What the caller may read, by id; retired ones only when asked for."""
    box = filters.pop("box")
    asked = {**filters, **readable(room), "limit": limit, "after": after,
             **dict(zip(SIDES, box or (None,) * 4, strict=True))}  # fmt: skip
    if box is None or cells_in(*box) > MOST_CELLS:
        found = await plans.rows(room.session, store.PAGE, **asked)
    else:
        found = await plans.rows(room.session, store.PAGE_IN_CELLS, cells=cells_of(*box), **asked)
    return [shown(room, row) for row in found]


async def nearest(
    room: Room, lon: float, lat: float, crs: Crs, *, mode: str, within: float, **filters: Any
) -> dict[str, Any]:
    """Resources that can be there within so many minutes, the quickest first (25.2).

    Time is the straight distance in EPSG:4545 × detour factor ÷ speed. Raises BadPosition,
    OutsideCounty, UnknownMode.
    """
    spot = spot_of(lon, lat, crs, "/lon")
    grid_at(room.grids, spot, "/lon")
    modes = {row["mode"]: row for row in await plans.rows(room.session, plans.MODES)}
    if mode not in modes:
        raise UnknownMode(mode=mode, known="、".join(modes), pointer="/mode")
    travel = rules.Travel(modes[mode]["speed_kmh"], modes[mode]["detour_factor"])
    found = await plans.rows(
        room.session, store.NEAREST, easting=spot.easting, northing=spot.northing,
        reach_m=travel.reach_m(within), **filters, **readable(room),
    )  # fmt: skip
    items = []
    for row in found:
        metres = row.pop("distance_m")
        minutes = round(travel.minutes(metres), 1)
        items.append(
            {**shown(room, row), "distance_m": round(metres, 1), "travel_minutes": minutes}
        )
    return {
        "mode": mode, "speed_kmh": travel.speed_kmh, "detour_factor": travel.detour_factor,
        "within_minutes": within, "method": "straight line × detour factor ÷ speed",
        "items": items,
    }  # fmt: skip


async def reveal(room: Room, resource: UUID, purpose: str) -> dict[str, str | None]:
    """Name and phone in clear; the access is stored, the caller commits before it answers.

    Raises NotFound, NoContact, TooManyReveals.
    """
    row = await plans.first(room.session, store.FIND, id=resource, **readable(room))
    if row is None:
        raise NotFound
    if row["contact_name"] is None and row["contact_phone"] is None:
        raise NoContact
    await disclose(
        room.session, room.actor, "resource", resource, fields="name,phone", purpose=purpose,
        limit=room.settings.reveal_per_hour, now=room.now,
    )  # fmt: skip
    name, phone = _opened(room, row)
    return {"name": name, "phone": phone}


async def held(room: Room, resource: UUID) -> dict[str, Any]:
    """The row, locked. Raises NotFound."""
    row = await plans.first(room.session, store.LOCK, id=resource, **readable(room))
    if row is None:
        raise NotFound
    return row


def may_keep(room: Room, grid: str, owner: str) -> bool:
    """Whether the caller registers and changes what stands there or belongs to that unit."""
    return owner in room.caller.units or room.caller.may_in(Permission.RESOURCE_MANAGE, grid)


def readable(room: Room) -> dict[str, Any]:
    """What the caller may read, for `store.READABLE`."""
    grants = room.caller.grants_for(Permission.RESOURCE_READ)
    everywhere = any(g.role is not Role.UNIT_HANDLER for g in grants)
    return {"everywhere": everywhere, "units": sorted(room.caller.units)}


def shown(room: Room, row: dict[str, Any]) -> dict[str, Any]:
    """A resource as it crosses the wire: its contact is masked."""
    name, phone = _opened(room, row)
    contact = None
    if name is not None or phone is not None:
        contact = {"name": mask_name(name) if name else None,
                   "phone": mask_phone(phone) if phone else None}  # fmt: skip
    named = ("id", "kind", "name", "owner_unit", "grid", "village", "capacity", "note", "status",
             "version", "created_at", "updated_at", "allocation")  # fmt: skip
    return {**{n: row[n] for n in named}, **located(row), "contact": contact,
            "clauses": list(CLAUSES)}  # fmt: skip


def located(row: dict[str, Any]) -> dict[str, Any]:
    """`location` in EPSG:4490 and the position as it was given."""
    return {
        "location": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        "raw_position": {"x": row["raw_x"], "y": row["raw_y"], "crs": row["raw_crs"],
                         "accuracy_m": row["accuracy_m"]},
    }  # fmt: skip


def _placed(room: Room, given: Position) -> dict[str, Any]:
    spot = spot_of(given.lon, given.lat, given.crs, "/location")
    return {
        "lon": spot.lon, "lat": spot.lat, "easting": spot.easting, "northing": spot.northing,
        "grid": grid_at(room.grids, spot, "/location"), "raw_x": given.lon, "raw_y": given.lat,
        "raw_crs": given.crs.value, "accuracy_m": given.accuracy_m,
        "cell": cell_of(spot.lon, spot.lat),
    }  # fmt: skip


def _sealed(room: Room, contact: ResourceContact | None) -> dict[str, bytes | None]:
    name, phone = (contact.name, contact.phone) if contact else (None, None)
    return {
        "contact_name": room.cipher.encrypt(name, NAME_FIELD) if name else None,
        "contact_phone": room.cipher.encrypt(phone, PHONE_FIELD) if phone else None,
    }


def _opened(room: Room, row: dict[str, Any]) -> tuple[str | None, str | None]:
    name, phone = row["contact_name"], row["contact_phone"]
    return (
        room.cipher.decrypt(name, NAME_FIELD) if name is not None else None,
        room.cipher.decrypt(phone, PHONE_FIELD) if phone is not None else None,
    )


async def note(room: Room, resource: UUID, event: str, area: str, payload: dict[str, Any]) -> None:
    """Append to the resource's history; never a contact."""
    await room.note(
        "resource", resource, event=event, permission=Permission.RESOURCE_MANAGE, area=area,
        clauses=CLAUSES, payload=payload,
    )  # fmt: skip
