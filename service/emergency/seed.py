"""What the product ships: plans by hazard, the catalogue of supplies, ways of travelling."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from service.db import Session
from service.emergency import rules
from service.emergency.actions.plans import CLAUSES, KIND, units_named
from service.emergency.room import named_case
from service.emergency.store import plans as store
from service.kit import clock, event_log
from service.kit.actors import SERVICE

LOCK = "the default plans"


@cache
def defaults() -> dict[str, list[dict[str, Any]]]:
    """`plans`, `stock_items` and `travel_modes` of the data file."""
    file = resources.files("service.emergency") / "data" / "defaults.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, list[dict[str, Any]]])


def default_plans(county: str) -> list[dict[str, Any]]:
    """The default plans of a county: units and codes begin with its code."""
    return [_of_county(plan, county) for plan in defaults()["plans"]]


def _of_county(plan: dict[str, Any], county: str) -> dict[str, Any]:
    def named(unit: str | None) -> str | None:
        return None if unit is None else f"{county}-{unit}"

    contacts = [
        {"tier": c["tier"], "unit": named(c.get("unit")), "role": c.get("role")}
        for c in plan["contacts"]
    ]
    units = {name: [named(u) for u in plan[name]] for name in ("lead_units", "supporting_units")}
    valid_from = date.fromisoformat(plan["valid_from"])
    return {**plan, **units, "code": f"{county}-{plan['key']}", "area": county,
            "contacts": contacts, "valid_from": valid_from, "valid_to": None}  # fmt: skip


async def seed_emergency(session: Session, county: str) -> bool:
    """Load plans, items and modes, unless there is any plan; the caller commits.

    Returns whether it was loaded now. Safe to run twice, also at the same time. A plan is left out
    when none of its leading units is in use.
    """
    await session.execute(store.ONE_AT_A_TIME, {"code": LOCK})
    if await store.scalar(session, store.ANY_PLAN):
        return False
    for item in defaults()["stock_items"]:
        await session.execute(store.ADD_ITEM, item)
    for mode in defaults()["travel_modes"]:
        await session.execute(store.SEED_MODE, mode)
    for plan in default_plans(county):
        await _publish(session, plan)
    return True


def _with_units(plan: dict[str, Any], units: dict[str, int]) -> dict[str, Any]:
    """The plan without the units that this county has not or does not use."""
    lists = ("lead_units", "supporting_units")
    kept = {name: [unit for unit in plan[name] if unit in units] for name in lists}
    contacts = [c for c in plan["contacts"] if c["unit"] is None or c["unit"] in units]
    return {**plan, **kept, "contacts": contacts}


async def _publish(session: Session, plan: dict[str, Any]) -> None:
    now = clock.now()
    units = await store.units_in_use(session, [unit for _, unit in units_named(plan)])
    plan = _with_units(plan, units)
    named = units_named(plan)
    if not plan["lead_units"] or rules.plan_problems(
        plan["levels"], plan["contacts"], units, named
    ):
        return
    await store.insert_plan(session, plan, 1, actor=SERVICE, now=now)
    await event_log.append(
        session, KIND, named_case(KIND, plan["code"]), event=f"{KIND}.published",
        action="published", actor_id=SERVICE, clauses=CLAUSES, now=now,
        payload={"code": plan["code"], "version": 1},
    )  # fmt: skip
