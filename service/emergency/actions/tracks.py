"""Use cases of tracks: taken only in an emergency that covers the worker, read by who commands.

国办函〔2026〕12号 forbids tracks outside emergencies, so a drill takes none. The Personal
Information Protection Law (art. 28) counts them as sensitive: looking at them is stored, once an
hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from geo.positions import Crs
from service.auth.disclosures import note_tracks
from service.auth.permissions import Permission, Role
from service.emergency import rules
from service.emergency.actions.activations import areas_of
from service.emergency.actions.allocations import require_running
from service.emergency.actions.resources import located
from service.emergency.errors import (
    BadPosition,
    OutsideCounty,
    TracksNotAllowed,
    UnknownActivation,
)
from service.emergency.positions import grid_at, spot_of
from service.emergency.room import Room, named_case
from service.emergency.rules import TrackFault
from service.emergency.schemas import activations as schemas
from service.emergency.store import activations, plans, tracks
from service.errors import NotFound
from service.kit.clock import iso
from service.kit.idempotency import Answer

CLAUSES = ("17.5", "24.2")


async def receive(room: Room, body: schemas.TrackBatch, language: str) -> Answer:
    """200: what was stored, what was known already, which points were not kept and why.

    Raises TracksNotAllowed, UnknownActivation, NotInForce.
    """
    covering = await _covering(room, body.activation)
    kept: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    for index, point in enumerate(body.points):
        found = _judged(room, point, point.crs or body.crs, covering)
        if isinstance(found, TrackFault):
            code, zh, en = found.value
            detail = zh if language == "zh" else en
            rejected.append({"index": index, "code": code, "detail": detail})
        else:
            kept.append(found)
    stored = await tracks.add(
        room.session, kept, activation=covering["id"], account=room.actor, area=covering["area"],
        now=room.now,
    )  # fmt: skip
    counts = {"stored": stored, "duplicates": len(kept) - stored}
    await room.note(
        "track", named_case("track", f"{covering['id']}/{room.actor}"), event="received",
        permission=Permission.TRACK_WRITE, area=covering["area"], clauses=CLAUSES,
        payload={**counts, "activation": str(covering["id"]), "rejected": len(rejected)},
    )  # fmt: skip
    return Answer(200, {"activation": covering["id"], **counts, "rejected": rejected})


async def list_page(
    room: Room, activation: UUID, limit: int, **filters: Any
) -> list[dict[str, Any]]:
    """Points of an activation where the caller dispatches or commands, oldest first.

    Raises NotFound.
    """
    readable = areas_of(room)
    if await plans.first(room.session, activations.ONE, id=activation, areas=readable) is None:
        raise NotFound
    committee = await plans.scalar(room.session, activations.COMMITTEE_OF)
    directed = [
        g.area
        for g in room.caller.grants_for(Permission.TRACK_READ)
        if g.role is not Role.UNIT_HANDLER
    ]
    found = await plans.rows(
        room.session, tracks.PAGE, activation=activation, areas=[*directed, *committee],
        limit=limit, **filters,
    )  # fmt: skip
    await note_tracks(
        room.session, room.actor, "activation", activation, purpose="emergency command",
        now=room.now,
    )  # fmt: skip
    shown = ("account", "at", "area", "received_at")
    return [{**{name: row[name] for name in shown}, **located(row)} for row in found]


async def _covering(room: Room, wanted: UUID | None) -> dict[str, Any]:
    """The activation that takes the points, and the worker's area that it covers."""
    mine = [g.area for g in room.caller.grants_for(Permission.TRACK_WRITE)]
    found = await plans.rows(room.session, tracks.COVERING, areas=mine, at=room.now)
    if wanted is not None:
        chosen = [row for row in found if row["id"] == wanted]
        if not chosen:
            await _say_why(room, wanted)
        found = chosen
    if not found:
        raise TracksNotAllowed
    return found[0]


async def _say_why(room: Room, wanted: UUID) -> None:
    named = await plans.first(room.session, activations.ONE, id=wanted, areas=areas_of(room))
    if named is None:
        raise UnknownActivation(id=wanted, pointer="/activation")
    require_running(named["ended_at"])


def _judged(
    room: Room, point: schemas.TrackPointNew, crs: Crs | None, covering: dict[str, Any]
) -> dict[str, Any] | TrackFault:
    """The point as it is stored, or why it is not kept."""
    skew = timedelta(seconds=room.settings.clock_skew_seconds)
    began = covering["activated_at"]
    if fault := rules.time_fault(point.at, began=began, now=room.now, skew=skew):
        return fault
    if crs is None:
        return TrackFault.UNDECLARED
    try:
        spot = spot_of(point.lon, point.lat, crs)
        grid_at(room.grids, spot)
    except BadPosition:
        return TrackFault.BAD_POSITION
    except OutsideCounty:
        return TrackFault.OUTSIDE
    return {
        "at": iso(point.at), "lon": spot.lon, "lat": spot.lat, "raw_x": point.lon,
        "raw_y": point.lat, "raw_crs": crs.value, "accuracy_m": point.accuracy_m,
    }  # fmt: skip
