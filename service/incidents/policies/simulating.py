"""The use case of simulation: reads histories in the caller's scope, replays them off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

from service.auth.subject import Subject
from service.db import Database
from service.incidents.categories.cache import CategoryCache
from service.incidents.policies import simulation_schemas, store
from service.incidents.policies.actions import read
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.policies.errors import NoPolicy, PolicyInvalid
from service.incidents.policies.policy import Policy, compiled, draft_of
from service.incidents.policies.replay import Happening, History
from service.incidents.policies.rules import findings
from service.incidents.policies.simulation import simulate
from service.kit import clock
from service.kit.drafts import refuse_errors

# Cases of one category are looked for among so many of the newest ones.
REACH = 200_000


async def run(
    db: Database,
    caller: Subject,
    version: int,
    asked: simulation_schemas.SimulationRequest,
    *,
    rules: ResponseSnapshot,
    categories: CategoryCache,
    county: str,
) -> dict[str, Any]:
    """What the version would have made of the newest cases; nothing changes.

    Raises NotFound, PolicyInvalid for a version that contradicts itself, NoServiceHours.
    """
    found = await read(db, version)
    draft = draft_of(found["policy"])
    refuse_errors(findings(draft), PolicyInvalid, version=version)
    now = clock.now()
    rows = await store.histories(
        db, caller.account_id, area=asked.area or county, category=asked.category,
        last=asked.last, reach=REACH,
    )  # fmt: skip
    limits = await _category_limits(categories, {row["category_version"] for row in rows})
    cases = [_history(row, limits) for row in rows]
    present = _in_force(rules)
    policy = compiled(version, now, draft)
    # Thousands of cases take a second of computing: the loop goes on meanwhile.
    made = await asyncio.to_thread(simulate, cases, policy, present, rules, int(now.timestamp()))
    reported = [row["reported_at"] for row in rows]
    return {
        "version": version,
        "in_force": present.version if present else None,
        "first_reported_at": min(reported, default=None),
        "last_reported_at": max(reported, default=None),
        **made.document(),
    }


def _in_force(rules: ResponseSnapshot) -> Policy | None:
    try:
        return rules.policy_at(clock.now())
    except NoPolicy:
        return None


async def _category_limits(
    categories: CategoryCache, versions: set[int]
) -> dict[tuple[int, str], Mapping[str, str]]:
    """Version and code → the category's own limits, as the cases were reported under them."""
    found: dict[tuple[int, str], Mapping[str, str]] = {}
    for version in versions:
        tree = await categories.version(version)
        if tree is not None:
            found |= {(version, code): row.limits for code, row in tree.by_code.items()}
    return found


def _history(row: asyncpg.Record, limits: Mapping[tuple[int, str], Mapping[str, str]]) -> History:
    columns = ("actions", "times", "tiers", "in_person", "durations")
    events = zip(*(row[name] or () for name in columns), strict=True)
    return History(
        id=row["id"],
        number=row["number"],
        category=row["category_code"],
        level=row["level"],
        grid=row["grid_code"],
        is_open=row["is_open"],
        limits=limits.get((row["category_version"], row["category_code"]), {}),
        happenings=tuple(Happening(*event) for event in events),
    )
