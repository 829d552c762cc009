"""Where scenarios are played: a running application, its people, the clock and the sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from service.config import Settings
from service.incidents.sweeping import Sweep
from service.kit import clock
from service.kit.ids import uuid7
from service.main import create_app
from tests.cases import Place, spots
from tests.flows.scenarios.words import PEOPLE
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


class Stage:
    """The county of a scenario. `sweep` does what the worker does every few seconds."""

    def __init__(self, app: FastAPI, place: Place, settings: Settings) -> None:
        self.app = app
        self.place = place
        self.settings = settings

    def person(self, name: str) -> Person:
        """Who is called so, with a token of this moment. Raises KeyError."""
        found: Person = getattr(self.place, PEOPLE[name])
        token = self.app.state.tokens.issue(found.id, uuid7(), clock.now())
        found.http.headers["authorization"] = f"Bearer {token}"
        return found

    async def sweep(self) -> None:
        """Act on every limit that is reached at this moment."""
        await Sweep(self.app.state.db).run()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Stage]:
    """A stage on the database of `settings`, with its application running."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport) as client:
            people = LongServing(app, client, settings.dsn)
            yield Stage(app, Place(people, spots(settings.dsn)[0]), settings)
