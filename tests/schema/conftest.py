"""A world in which every operation has something to show."""

from __future__ import annotations

import httpx
import pytest

from tests.cases import Place, spots
from tests.logins import Login, make_login
from tests.people import People
from tests.schema.world import World, make_world


@pytest.fixture(scope="module")
def place(people: People, database_url: str) -> Place:
    """One place with its people."""
    return Place(people, spots(database_url, 1)[0])


@pytest.fixture(scope="module")
def login(client: httpx.AsyncClient, database_url: str) -> Login:
    """Somebody with a password."""
    return make_login(database_url, client)


@pytest.fixture(scope="module")
async def world(place: Place, login: Login, database_url: str) -> World:
    """Cases, files, drafts and people, and their ids."""
    return await make_world(place, login, database_url)
