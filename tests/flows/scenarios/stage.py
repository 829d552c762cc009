"""Where scenarios are played: a running application, its people, the clock and the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from service.config import Settings
from service.incidents.sweeping import Sweep
from service.kit import clock
from service.kit.ids import uuid7
from service.main import create_app
from tests.cases import Place, Spot, spots
from tests.flows.scenarios.words import PEOPLE, UNITS
from tests.people import People, Person

LONG_AGO = "2020-01-01"


class LongServing(People):
    """Accounts whose assignments hold at any time that a scenario may play in."""

    def make(self, *grants: Any, name: str = "测试员") -> Person:
        """A new account, assigned since long ago."""
        made = super().make(*grants, name=name)
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "UPDATE assignment SET valid_from = %s WHERE account_id = %s", (LONG_AGO, made.id)
            )
        return made


class Crew(Place):
    """A place with one more county department, an office of its township, and a committee.

    `units` are all of them by the name that the tables give them.
    """

    def __init__(self, people: People, spot: Spot, database_url: str) -> None:
        super().__init__(people, spot)
        office, committee = f"{spot.township}-TESTO", f"{spot.village}-security"
        self.units = {**UNITS, "镇综合办": office, "村治保会": committee}
        rows = (
            (UNITS["城管局"], "试验城管局", 4, spot.county),
            (office, "试验镇综合办", 3, spot.township),
            (committee, "试验村治保会", 2, spot.village),
        )
        with psycopg.connect(database_url) as connection:
            for row in rows:
                connection.execute(
                    "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
                    " VALUES (%s, %s, 'test unit', %s, %s, true) ON CONFLICT DO NOTHING",
                    row,
                )

    @cached_property
    def third_handler(self) -> Person:
        """Who handles for one more department of the county."""
        return self._people.make(("unit_handler", self.spot.county, self.units["城管局"]))

    @cached_property
    def office(self) -> Person:
        """Who handles for the township's office."""
        return self._people.make(("unit_handler", self.spot.township, self.units["镇综合办"]))

    @cached_property
    def committee(self) -> Person:
        """Who handles for a committee of the village."""
        return self._people.make(("unit_handler", self.spot.village, self.units["村治保会"]))


class Stage:
    """The county of a scenario. `sweep` does what the worker does every few seconds."""

    def __init__(self, app: FastAPI, place: Crew, settings: Settings) -> None:
        self.app = app
        self.place = place
        self.settings = settings

    @property
    def units(self) -> dict[str, str]:
        """The codes of units by the name that the tables give them."""
        return self.place.units

    def person(self, name: str) -> Person:
        """Who is called so, with a token of this moment. Raises KeyError."""
        found: Person = getattr(self.place, PEOPLE[name])
        token = self.app.state.tokens.issue(found.id, uuid7(), clock.now())
        found.http.headers["authorization"] = f"Bearer {token}"
        return found

    async def sweep(self) -> None:
        """Act on every limit that is reached at this moment.

        What a process remembers of emergencies for two seconds is older by then.
        """
        self.app.state.incidents.command._known.clear()
        await Sweep(self.app.state.db).run()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Stage]:
    """A stage on the database of `settings`, with its application running."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport) as client:
            people = LongServing(app, client, settings.dsn)
            yield Stage(app, Crew(people, spots(settings.dsn)[0], settings.dsn), settings)
