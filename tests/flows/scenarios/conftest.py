"""The county in which scenarios are played."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.config import Settings
from tests.flows.scenarios.stage import Stage, opened


@pytest.fixture(scope="module")
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """One county for all that leaves its rules as they are."""
    async with opened(settings) as made:
        yield made
