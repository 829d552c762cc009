"""The default tree that the product ships, as version 1 (data/categories.json)."""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from service.db import Session
from service.incidents.categories import store
from service.incidents.categories.events import record
from service.incidents.categories.rules import Entry
from service.kit import clock
from service.kit.actors import SERVICE

NOTE = "默认类别表 default categories"


@cache
def default_tree() -> tuple[Entry, ...]:
    """The 12 groups and 60 categories of the data file, by code."""
    file = resources.files("service.incidents") / "data" / "categories.json"
    found = msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    return tuple(msgspec.convert(found["categories"], type=list[Entry]))


async def seed_categories(session: Session) -> bool:
    """Publish the default tree as version 1, unless there is any set; the caller commits.

    Returns whether it was loaded now. Safe to run twice, also at the same time.
    """
    await session.execute(store.ONE_AT_A_TIME)
    if (await session.execute(store.ANY_SET)).scalar_one():
        return False
    now = clock.now()
    await store.insert_set(session, 1, "published", note=NOTE, now=now)
    await store.put_all(session, 1, default_tree())
    await session.execute(store.ADVANCE_EPOCH)
    await record(session, 1, "seed", "published", actor=SERVICE, now=now)
    return True
