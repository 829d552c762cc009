"""The default lists that the product ships: version 1 township, version 2 community."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec

from service.db import Session
from service.duties.lists import store
from service.duties.lists.events import HISTORY
from service.duties.lists.rules import KINDS, Entry
from service.kit import clock
from service.kit.actors import SERVICE

NOTE = "默认权责清单 default duty list"


@cache
def default_lists(county: str) -> dict[str, tuple[Entry, ...]]:
    """The items of the data file by kind; its units are keys, as in `<county>-housing`."""
    file = resources.files("service.duties") / "data" / "duties.json"
    found = msgspec.json.decode(file.read_bytes(), type=dict[str, list[dict[str, Any]]])
    return {kind: tuple(_entry(item, county) for item in found[kind]) for kind in KINDS}


def _entry(item: dict[str, Any], county: str) -> Entry:
    lead = item.get("lead_unit")
    units = [f"{county}-{key}" for key in item.get("cooperating_units", ())]
    named = {"lead_unit": f"{county}-{lead}" if lead else None, "cooperating_units": units}
    return msgspec.convert({**item, **named}, type=Entry)


async def seed_duties(session: Session, county: str) -> bool:
    """Publish the default lists, unless there is any list; the caller commits.

    Returns whether they were loaded now. Safe to run twice, also at the same time. The units that
    they name are those of `service.auth.bootstrap.seed_units`.
    """
    await session.execute(store.ONE_AT_A_TIME)
    if (await session.execute(store.ANY_LIST)).scalar_one():
        return False
    now = clock.now()
    for version, (kind, entries) in enumerate(default_lists(county).items(), start=1):
        await store.insert_list(session, version, kind, "published", note=NOTE, now=now)
        await store.put_all(session, version, entries)
        await HISTORY[kind].record(session, version, "seed", "published", actor=SERVICE, now=now)
    await session.execute(store.ADVANCE_EPOCH)
    return True
