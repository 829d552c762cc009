"""Whole lives as a dispatcher tells them: every table in `lives/` is one test of its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from service.config import Settings
from tests.conftest import create_database, drop_database, server_url, with_database
from tests.flows.scenarios.playing import Player
from tests.flows.scenarios.reading import Scenario, scenarios
from tests.flows.scenarios.stage import Stage, opened

ALL = scenarios()


@pytest.fixture
async def own(
    request: pytest.FixtureRequest, settings: Settings, template_database: str, tmp_path: Path
) -> AsyncIterator[Stage | None]:
    """A county of the scenario's own, where it asks for one."""
    if not request.node.callspec.params["scenario"].own_county:
        yield None
        return
    name = f"{template_database}_{uuid4().hex[:8]}"
    create_database(server_url(), name, template_database)
    url = with_database(server_url(), name)
    same = settings.model_dump(exclude={"database_url", "storage_url"})
    elsewhere = Settings(DATABASE_URL=url, storage_url=str(tmp_path), **same)
    async with opened(elsewhere) as made:
        yield made
    drop_database(server_url(), name)


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
async def test_the_life(scenario: Scenario, stage: Stage, own: Stage | None) -> None:
    await Player(own or stage, scenario).play()
