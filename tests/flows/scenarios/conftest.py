"""The county in which scenarios are played."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from service.config import Settings
from tests.flows.scenarios.stage import Stage, opened


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests are named in the language of those who read them."""
    item.name = _readable(item.name)
    item._nodeid = _readable(item.nodeid)


def _readable(name: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), name)


@pytest.fixture(scope="module")
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """One county for all that leaves its rules as they are."""
    async with opened(settings) as made:
        yield made
