"""What a list of incidents may be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.incidents.schemas import State
from service.incidents.store import Filters
from service.kit import clock
from service.kit.fields import AreaPrefix, BoundingBox, Moment, Text200, box_of
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

# A text that nothing matches would read the whole history: without a time or `open` it looks back
# so far and no farther.
TEXT_WINDOW = timedelta(days=90)


class IncidentQuery(BaseModel):
    """Filters of `GET /v1/incidents`; together they narrow. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    area: AreaPrefix | None = Field(default=None, description="6, 9, 12 or 15 digits")
    state: list[State] = Field(default_factory=list, max_length=14)
    open_only: bool = Field(default=False, alias="open", description="Only what is unfinished")
    category: str | None = Field(default=None, pattern=r"^[0-9]{2}([0-9]{2})?$")
    tier: list[Annotated[int, Field(ge=1, le=5)]] = Field(default_factory=list, max_length=5)
    level: list[Annotated[int, Field(ge=1, le=4)]] = Field(default_factory=list, max_length=4)
    since: Moment | None = Field(default=None, description="Reported at or after")
    until: Moment | None = Field(default=None, description="Reported before")
    bbox: BoundingBox | None = Field(default=None, description="west,south,east,north in EPSG:4490")
    q: Text200 | None = Field(
        default=None,
        description="Text in the description; looks back 90 days without `since` or `open`",
    )
    number: str | None = Field(default=None, max_length=40, pattern=r"^[0-9-]+$")
    geometry: bool = Field(default=False, description="With positions")
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)

    def filters(self) -> Filters:
        """What the store narrows the list to."""
        box = None if self.bbox is None else box_of(self.bbox)
        since = self.since
        if self.q is not None and since is None and not self.open_only:
            since = datetime.combine(clock.now().date() - TEXT_WINDOW, time.min, UTC)
        return Filters(
            area=self.area, states=list(self.state), open_only=self.open_only,
            category=self.category, tiers=self.tier, levels=self.level, since=since,
            until=self.until, bbox=box, text=self.q, number=self.number,
            geometry=self.geometry,
        )  # fmt: skip
