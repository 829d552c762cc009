"""Units for tests of calls and sub-orders, and what several do on one case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from service.kit.ids import uuid7
from tests.cases import Place
from tests.people import People, Person


@dataclass(frozen=True)
class Unit:
    """A unit with somebody who handles for it."""

    code: str
    handler: Person


def make_unit(database_url: str, people: People, area: str) -> Unit:
    """A new active unit that covers `area`, with a handler."""
    code = f"test-{uuid7().hex[-12:]}"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
            " VALUES (%s, '试验单位', 'test unit', 4, %s, true)",
            (code, area),
        )
    return Unit(code, people.make(("unit_handler", area[:6], code)))


async def on_order(
    who: Person, case: dict[str, Any], order: dict[str, Any] | str, action: str, **body: Any
) -> httpx.Response:
    """The answer to one action on a sub-order."""
    found = order if isinstance(order, str) else order["id"]
    return await who.post(f"/v1/incidents/{case['id']}/sub-orders/{found}/{action}", body)


async def shown(who: Person, case: dict[str, Any]) -> dict[str, Any]:
    """The case as `who` reads it."""
    answer = await who.get(f"/v1/incidents/{case['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def events(who: Person, case: dict[str, Any]) -> list[dict[str, Any]]:
    """The case's timeline."""
    found: list[dict[str, Any]] = (await who.get(f"/v1/incidents/{case['id']}/timeline")).json()[
        "items"
    ]
    return found


async def ordered(
    place: Place, case: dict[str, Any], *units: str, by: Person | None = None
) -> list[dict[str, Any]]:
    """One new sub-order to each of `units`, issued by the county."""
    orders = [{"unit": unit, "task": f"{unit} 的任务"} for unit in units]
    answer = await (by or place.county).post(
        f"/v1/incidents/{case['id']}/sub-orders", {"sub_orders": orders}
    )
    assert answer.status_code == 200, answer.text
    made: list[dict[str, Any]] = answer.json()["sub_orders"]
    return made[-len(units) :]
