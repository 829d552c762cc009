"""What the queue may be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.dispatch.rules import Colour
from service.dispatch.store import Wanted
from service.incidents.schemas import State
from service.kit.fields import AreaPrefix, Text50
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT


class QueueFilters(BaseModel):
    """What narrows the queue; together they narrow. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    area: AreaPrefix | None = Field(default=None, description="6, 9, 12 or 15 digits")
    tier: list[Annotated[int, Field(ge=1, le=5)]] = Field(
        default_factory=list,
        max_length=5,
        description="Held at these tiers; without it, what waits at the caller's own tier",
    )
    state: list[State] = Field(default_factory=list, max_length=14)
    level: list[Annotated[int, Field(ge=1, le=4)]] = Field(default_factory=list, max_length=4)
    category: str | None = Field(default=None, pattern=r"^[0-9]{2}([0-9]{2})?$")
    colour: list[Colour] = Field(default_factory=list, max_length=5)
    unit: Text50 | None = Field(default=None, description="In this unit's hands, or it helps")
    mine: bool = Field(default=False, description="Assigned to the caller in person")
    drill: bool | None = Field(default=None, description="Only drills, or only what is none")

    def wanted(self, *, geometry: bool = False) -> Wanted:
        """What the store narrows the queue to."""
        return Wanted(
            area=self.area, tiers=tuple(self.tier), states=tuple(self.state),
            levels=tuple(self.level), category=self.category, colours=tuple(self.colour),
            unit=self.unit, mine=self.mine, drill=self.drill, geometry=geometry,
        )  # fmt: skip


class QueueQuery(QueueFilters):
    """`GET /v1/dispatch/queue`."""

    counts: bool | None = Field(
        default=None, description="With counts; by default on the first page alone"
    )
    geometry: bool = Field(default=False, description="With positions")
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)
