"""What every test database holds: what a new deployment starts with."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from service.config import Settings
from service.seed import seed


def load_base_data(url: str) -> None:
    """Load county, grids, categories, policies and units into a migrated database.

    On an event loop of its own: the caller may already be running one.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, seed(Settings(DATABASE_URL=url))).result()
