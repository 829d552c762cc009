"""Places of the flows."""

from __future__ import annotations

import pytest

from tests.cases import Place, spots
from tests.people import People


@pytest.fixture(scope="module")
def places(people: People, database_url: str) -> list[Place]:
    """Three places in three townships, each with its people."""
    return [Place(people, spot) for spot in spots(database_url)]


@pytest.fixture(scope="module")
def place(places: list[Place]) -> Place:
    """One place with its people."""
    return places[0]
