"""A world in which every operation has something to show."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from _pytest.nodeid import coerce_node_id

from tests.cases import Place, spots
from tests.logins import Login, make_login
from tests.people import People
from tests.schema.world import World, make_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each generated test after its operation: of those with one name xdist runs only one."""
    for item in items:
        if getattr(item, "operation_label", None) is not None:
            path, _, _ = item.nodeid.partition("::")
            item._id = coerce_node_id(f"{path}::{item.name}")
    again = [name for name, many in Counter(item.nodeid for item in items).items() if many > 1]
    assert not again, f"only one of each of these would run: {again}"


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
