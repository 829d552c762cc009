"""Incidents for tests: a place, its people, and ways to bring a case into any state over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import httpx
import psycopg

from service.kit.ids import uuid7
from tests.people import People, Person

UNIT, OTHER_UNIT = "511723-TESTA", "511723-TESTB"


@dataclass(frozen=True)
class Spot:
    """A basic grid and a point well inside it, EPSG:4490."""

    grid: str
    lon: float
    lat: float

    @property
    def village(self) -> str:
        return self.grid[:12]

    @property
    def township(self) -> str:
        return self.grid[:9]

    @property
    def county(self) -> str:
        return self.grid[:6]


def spots(database_url: str, many: int = 3) -> list[Spot]:
    """One spot in each of `many` townships, in code order."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT ON (left(v.code, 9)) v.code, ST_X(p.at), ST_Y(p.at)"
            " FROM grid_version v JOIN grid g USING (code),"
            " LATERAL (SELECT ST_PointOnSurface(v.geom) AS at) p"
            " WHERE v.valid_to IS NULL AND g.kind = 'basic'"
            " AND NOT EXISTS (SELECT FROM grid_version o JOIN grid d USING (code)"
            "   WHERE d.kind = 'dedicated' AND o.valid_to IS NULL AND ST_Intersects(o.geom, p.at))"
            " ORDER BY left(v.code, 9), v.code LIMIT %s",
            (many,),
        ).fetchall()
        for code, name in ((UNIT, "试验住建局"), (OTHER_UNIT, "试验公安局")):
            connection.execute(
                "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
                " VALUES (%s, %s, 'test unit', 4, %s, true) ON CONFLICT DO NOTHING",
                (code, name, rows[0][0][:6]),
            )
    return [Spot(*row) for row in rows]


class Place:
    """A spot with everybody who has a part there; accounts are made when first asked for."""

    def __init__(self, people: People, spot: Spot) -> None:
        self._people = people
        self.spot = spot

    @cached_property
    def worker(self) -> Person:
        return self._people.make(("grid_worker", self.spot.grid))

    @cached_property
    def second_worker(self) -> Person:
        return self._people.make(("grid_worker", self.spot.grid))

    @cached_property
    def village(self) -> Person:
        return self._people.make(("village_dispatcher", self.spot.village))

    @cached_property
    def township(self) -> Person:
        return self._people.make(("township_dispatcher", self.spot.township))

    @cached_property
    def county(self) -> Person:
        return self._people.make(("county_dispatcher", self.spot.county))

    @cached_property
    def second_county(self) -> Person:
        return self._people.make(("county_dispatcher", self.spot.county))

    @cached_property
    def handler(self) -> Person:
        return self._people.make(("unit_handler", self.spot.county, UNIT))

    @cached_property
    def other_handler(self) -> Person:
        return self._people.make(("unit_handler", self.spot.county, OTHER_UNIT))

    @cached_property
    def auditor(self) -> Person:
        return self._people.make(("auditor", self.spot.county))

    @cached_property
    def administrator(self) -> Person:
        return self._people.make(("administrator", self.spot.county))

    @cached_property
    def agent(self) -> Person:
        return self._people.make(("proxy_agent", self.spot.village))

    @cached_property
    def system(self) -> Person:
        return self._people.make(("integration_client", self.spot.county))

    def body(self, **changes: Any) -> dict[str, Any]:
        """A report that is accepted, with `changes`."""
        location = {"lon": self.spot.lon, "lat": self.spot.lat, "crs": "cgcs2000"}
        return {
            "id": str(uuid7()),
            "category": "0502",
            "location": location,
            "description": "人行道窨井盖缺失",
            **changes,
        }

    async def report(self, by: Person | None = None, **changes: Any) -> dict[str, Any]:
        """A new incident's answer."""
        answer = await (by or self.worker).post("/v1/incidents", self.body(**changes))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def act(
        self, by: Person, case: dict[str, Any] | str | UUID, action: str, **body: Any
    ) -> httpx.Response:
        """The answer to one action; needed members that are not given are filled in."""
        found = case["id"] if isinstance(case, dict) else case
        if (other := NEEDED_CASE.get(action)) and other not in body:
            body[other] = (await self.report())["id"]
        return await by.post(f"/v1/incidents/{found}/{action}", {**NEEDED.get(action, {}), **body})

    async def bring_to(self, state: str, **changes: Any) -> dict[str, Any]:
        """A case in `state` at tier 4, assigned to UNIT where it is in somebody's hands."""
        case = await self.report(**changes)
        for who, action in PATHS[state]:
            answer = await self.act(who(self), case, action)
            assert answer.status_code == 200, f"{action}: {answer.text}"
            case = answer.json()
        assert case["state"] == state
        return case


NEEDED: dict[str, dict[str, Any]] = {
    "reject": {"note": "不属受理范围"},
    "assign": {"unit": UNIT},
    "transfer": {"unit": OTHER_UNIT},
    "submit": {"note": "已修复"},
    "self-handle": {"note": "当场处理"},
    "return": {"note": "不属本单位"},
    "escalate": {"note": "无力处置"},
    "verify": {"result": "passed"},
    "rework": {"note": "未修好"},
    "follow-up": {"satisfaction": "satisfied"},
    "reopen": {"note": "又坏了"},
    "void": {"note": "误报"},
    "extend": {"duration": "1h", "note": "配件未到"},
    "refuse-extension": {"note": "可以按期完成"},
    "suspend": {"note": "等待雨停"},
    "supervise": {"note": "群众反映强烈"},
    "call": {"units": [OTHER_UNIT]},
    "answer": {"answer": "accept"},
    "request-help": {"sub_orders": [{"unit": OTHER_UNIT, "task": "协助围挡"}]},
    "set-closing-rule": {"rule": "all"},
}
# Members that name another case.
NEEDED_CASE = {"merge": "master", "decline-duplicate": "duplicate"}

Step = tuple[Callable[[Place], Person], str]


def _by(name: str, *actions: str) -> list[Step]:
    return [(lambda place: getattr(place, name), action) for action in actions]


_CLIMB = _by("county", "escalate", "escalate", "escalate")
_ACCEPT = [*_CLIMB, *_by("county", "accept")]
_ASSIGN = [*_ACCEPT, *_by("county", "assign")]
_ARRIVE = [*_ASSIGN, *_by("handler", "arrive")]
_SUBMIT = [*_ARRIVE, *_by("handler", "submit")]
_VERIFY = [*_SUBMIT, *_by("county", "verify")]
_CLOSE = [*_VERIFY, *_by("county", "close")]

PATHS: dict[str, list[Step]] = {
    "reported": _CLIMB,
    "accepted": _ACCEPT,
    "assigned": _ASSIGN,
    "on_site": _ARRIVE,
    "handling": [*_ARRIVE, *_by("handler", "handle")],
    "submitted": _SUBMIT,
    "verifying": _VERIFY,
    "closed": _CLOSE,
    "followed_up": [*_CLOSE, *_by("county", "follow-up")],
    "returned": [*_ASSIGN, *_by("handler", "return")],
    "suspended": [*_ARRIVE, *_by("county", "suspend")],
    "rejected": [*_CLIMB, *_by("county", "reject")],
    "void": [*_ACCEPT, *_by("county", "void")],
    "merged": [*_ACCEPT, *_by("county", "merge")],
}
