"""Emergencies in tests: a village with its committee, and what is done over HTTP most often."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from service.kit import clock
from service.kit.events import GENESIS, Event
from service.kit.ids import uuid7
from tests.cases import OTHER_UNIT, UNIT, Place, Spot
from tests.people import People, Person

FLOOD, FIRE = "511723-flood", "511723-forest-fire"
ITEM = "quilt"
JSON = dict[str, Any]


class Scene(Place):
    """A place whose village has a committee unit of its own."""

    def __init__(self, people: People, spot: Spot, database_url: str) -> None:
        super().__init__(people, spot)
        self.url = database_url
        self.committee_unit = f"{spot.village}-security"
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
                " VALUES (%s, '治安保卫委员会', 'Public Security Committee', 2, %s, true)"
                " ON CONFLICT DO NOTHING",
                (self.committee_unit, spot.village),
            )

    @cached_property
    def committee(self) -> Person:
        """The handler of a committee of the village."""
        grant = ("unit_handler", self.spot.village, self.committee_unit)
        return self._people.make(grant)

    def at(self, east: float = 0.0, north: float = 0.0) -> JSON:
        """The spot, or so many degrees from it."""
        return {"lon": self.spot.lon + east, "lat": self.spot.lat + north, "crs": "cgcs2000"}

    def declaring(self, **changes: Any) -> JSON:
        """A body that starts an activation of the village."""
        return {"area": self.spot.village, "level": 3, "plan": FLOOD, "reason": "河水上涨",
                **changes}  # fmt: skip

    async def started(self, by: Person | None = None, **changes: Any) -> JSON:
        """An activation in force."""
        answer = await (by or self.village).post("/v1/activations", self.declaring(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def ended(self, activation: JSON, by: Person | None = None) -> JSON:
        """The activation after its end."""
        path = f"/v1/activations/{activation['id']}/end"
        answer = await (by or self.village).post(path, {"note": "险情解除"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def registered(self, by: Person | None = None, **changes: Any) -> JSON:
        """A resource of UNIT, a county department, that stands at the spot."""
        body = {"kind": "team", "name": "抢险队", "owner_unit": UNIT, "location": self.at(),
                "capacity": 20, **changes}  # fmt: skip
        answer = await (by or self.county).post("/v1/resources", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def supplied(self, quantity: int = 100, **changes: Any) -> JSON:
        """A supply point with so many of ITEM."""
        point = await self.registered(kind="supply_point", name="储备点", **changes)
        answer = await move(self.county, point, "receive", quantity)
        assert answer.status_code == 201, answer.text
        return point


async def move(by: Person, point: JSON, kind: str, quantity: int, **more: Any) -> httpx.Response:
    """The answer to one stock movement of ITEM."""
    headers = more.pop("headers", None)
    body = {"item": ITEM, "kind": kind, "quantity": quantity, **more}
    return await by.post(f"/v1/resources/{point['id']}/movements", body, headers=headers)


async def allocate(by: Person, resource: JSON, activation: JSON, **more: Any) -> httpx.Response:
    """The answer to one allocation."""
    path = f"/v1/resources/{resource['id']}/allocate"
    return await by.post(path, {"activation": activation["id"], **more})


async def balance(by: Person, point: JSON) -> tuple[int, int]:
    """Balance and what is out of ITEM."""
    page = (await by.get(f"/v1/stock?resource={point['id']}&item={ITEM}")).json()
    (row,) = page["items"]
    return row["balance"], row["outstanding"]


async def shown(place: Place) -> dict[str, list[str]]:
    """One of everything that a path of this room can name, each with something to show."""
    kept = {"owner_unit": UNIT, "location": _here(place), "capacity": 20,
            "contact": {"name": "李明", "phone": "13800000000"}}  # fmt: skip
    made = [
        await _made(place.county, "/v1/resources", {**kept, "kind": kind, "name": kind})
        for kind in ("supply_point", "team")
    ]
    area = {"area": place.spot.grid, "level": 3, "reason": "河水上涨"}
    real = await _made(place.village, "/v1/activations", {**area, "plan": FLOOD})
    drill = await _made(place.village, "/v1/activations", {**area, "plan": FIRE, "drill": True})
    await _made(place.county, f"/v1/resources/{made[1]['id']}/allocate",
                {"activation": real["id"], "quantity": 8})  # fmt: skip
    for resource in made[:1]:
        path = f"/v1/resources/{resource['id']}/movements"
        for kind in ("receive", "issue"):
            await _made(place.county, path, {"item": ITEM, "kind": kind, "quantity": 50})
    point = {**_here(place), "at": clock.now().isoformat()}
    await _made(place.worker, "/v1/tracks", {"points": [point]})
    path = f"/v1/activations/{drill['id']}"
    await _made(place.village, f"{path}/end", {"note": "演练结束"})
    findings = {"participants": 9, "findings": "扩音设备不足", "next_on": "2100-01-01"}
    await _made(place.village, f"{path}/evaluate", findings)
    return {
        "activations": [real["id"], drill["id"]],
        "resources": [resource["id"] for resource in made],
        "emergency-plans": ["511723-earthquake", FLOOD, FIRE],
        "stock-items": [ITEM],
        "travel-modes": ["car"],
    }


def _here(place: Place) -> JSON:
    return {"lon": place.spot.lon, "lat": place.spot.lat, "crs": "cgcs2000"}


async def _made(by: Person, path: str, body: JSON) -> JSON:
    answer = await by.post(path, body)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def history(database_url: str, case: object) -> list[Event]:
    """What happened to a case, in order; its chain holds."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(Event.__struct_fields__)} FROM case_event"
            " WHERE case_id = %s ORDER BY seq",
            (str(case),),
        ).fetchall()
    found, previous = [], GENESIS
    for number, row in enumerate(rows, 1):
        event = Event(**{**row, "clauses": tuple(row["clauses"])})
        assert (event.seq, event.prev_hash) == (number, previous)
        assert event.digest(previous) == event.hash
        found.append(event)
        previous = event.hash
    return found


def plan(code: str | None = None, **changes: Any) -> JSON:
    """A plan that is accepted."""
    body: JSON = {
        "code": code or f"t-{uuid7().hex[-12:]}",
        "name_zh": "试验预案",
        "name_en": "Test plan",
        "hazard": "flood",
        "area": "511723",
        "document": "试验〔2026〕1号",
        "valid_from": "2026-01-01",
        "levels": [
            {"level": 1, "criterion_zh": "特别重大", "criterion_en": "gravest", "tier": 4},
            {"level": 4, "criterion_zh": "一般", "criterion_en": "ordinary"},
        ],
        "lead_units": [UNIT],
        "supporting_units": [OTHER_UNIT],
        "contacts": [
            {"tier": 4, "unit": UNIT},
            {"tier": 3, "role": "township_dispatcher"},
            {"tier": 2, "role": "village_dispatcher"},
        ],
    }
    return {**body, **changes}
