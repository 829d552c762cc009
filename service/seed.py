"""What a new deployment starts with: the county with its grids, and each room's default data.

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
from service.duties.lists.seed import seed_duties
from service.emergency.seed import seed_emergency
from service.incidents.categories.seed import seed_categories
from service.incidents.policies.seed import seed_response


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
                "response": await seed_response(session, settings.county),
                "units": bool(await seed_units(session, settings.county)),
                "duties": await seed_duties(session, settings.county),
                "emergency": await seed_emergency(session, settings.county),
            }
            await session.commit()
            return loaded
    finally:
        await engine.dispose()
