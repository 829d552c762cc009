"""What an emergency changes for incidents: which ones belong to it, and who commands (24.2)."""

from __future__ import annotations

import time
from uuid import UUID

from starlette.datastructures import State

from service.auth.permissions import Role
from service.auth.subject import Subject
from service.db import Database
from service.emergency.actions import in_force
from service.errors import AppError
from service.incidents.errors import ActivationNotInForce
from service.incidents.opening import NewIncident, places
from service.kit import clock

REMEMBERED_SECONDS = 2.0
VILLAGE_DIGITS = 12


async def belong_to(state: State, new: NewIncident, activation: UUID) -> None:
    """Let a report belong to an activation that is in force where it is.

    Raises ActivationNotInForce, and what stands instead of a place.
    """
    [place] = places([new], state.grids.peek().index)
    if isinstance(place, AppError):
        raise place
    found = await in_force(state.db.reads, place.grid_code, clock.now(), drills=True)
    here = next((a for a in found if a.id == activation), None)
    if here is None:
        raise ActivationNotInForce(pointer="/activation")
    new.activation_id, new.drill = here.id, here.drill


class EmergencyCommand:
    """Where command has passed to a village's committees, as this process has last asked."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, tuple[float, UUID | None]] = {}

    async def over(self, subject: Subject, grid_code: str) -> UUID | None:
        """The activation by which `subject` commands the cases of a grid; None when by none.

        An emergency hands command to the village; a drill does not. What is remembered is at most
        two seconds old.
        """
        if not _of_village(subject, grid_code):
            return None
        village = grid_code[:VILLAGE_DIGITS]
        known = self._known.get(village)
        if known is None or known[0] < time.monotonic():
            found = await in_force(self._db.reads, village, clock.now())
            known = (time.monotonic() + REMEMBERED_SECONDS, found[0].id if found else None)
            self._known[village] = known
        return known[1]


def _of_village(subject: Subject, grid_code: str) -> bool:
    return any(g.role is Role.VILLAGE_DISPATCHER and g.covers(grid_code) for g in subject.grants)
