"""What a new deployment starts with: the county, its grids, the categories, the units.

Each room loads its own, only where nothing is there yet; running it twice changes nothing.
"""

from __future__ import annotations

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from service.areas.seed import load_county
from service.auth.bootstrap import seed_units
from service.config import Settings
from service.db import Session
from service.emergency.seed import seed_emergency
from service.incidents.categories.seed import seed_categories


async def seed(settings: Settings) -> dict[str, bool]:
    """Load what is missing, as the tables' owner, in one transaction; tells which parts."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(settings.dsn, server_settings={"jit": "off"}),
        poolclass=NullPool,
    )
    try:
        async with Session(engine, expire_on_commit=False) as session:
            loaded = {
                "county": await load_county(session, settings),
                "categories": await seed_categories(session),
                "units": bool(await seed_units(session, settings.county)),
                "emergency": await seed_emergency(session, settings.county),
            }
            await session.commit()
            return loaded
    finally:
        await engine.dispose()
