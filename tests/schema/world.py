"""A small world made over HTTP: at least one of everything that a path of the API can name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from tests import areas, duties, emergencies, evidence, files, offices, plans
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.logins import Login
from tests.people import Person
from tests.together import ordered

STATES = ("reported", "accepted", "assigned", "on_site", "handling", "submitted", "verifying",
          "closed", "returned", "suspended", "void")  # fmt: skip
VILLAGE = 77


@dataclass(frozen=True)
class World:
    """Who is there, and which values stand for the parameters of paths.

    `named["incidents"]` are ids for the `{…}` after `/incidents/` in a path.
    """

    place: Place
    login: Login
    session: Person
    named: dict[str, list[str]]

    def path(self, template: str, which: int = 0) -> str:
        """`template` with its parameters replaced by things that are there."""

        def value(found: re.Match[str]) -> str:
            values = self.named[found[1]]
            return f"{found[1]}/{values[which % len(values)]}"

        return re.sub(r"([^/]+)/\{[^}]+\}", value, template)

    def many(self, template: str) -> int:
        """How many different paths `path` makes of this template."""
        return max((len(self.named[kind]) for kind in parameters(template).values()), default=1)


def parameters(template: str) -> dict[str, str]:
    """Each parameter of a path, with what stands before it."""
    return {name: kind for kind, name in re.findall(r"([^/]+)/\{([^}]+)\}", template)}


async def make_world(place: Place, login: Login, database_url: str) -> World:
    """A world around `place`; `login` is logged in on a telephone."""
    tokens = await login.tokens(device_id="telephone")
    session = Person(login.id, login.login, _as(login.client, tokens["access_token"]))
    sessions = (await session.get("/v1/me/sessions")).json()["items"]
    account = await offices.new(place.administrator, place.spot.county)
    assignment = await offices.given(
        place.administrator, account["id"], "grid_worker", place.spot.village
    )
    photo = await evidence.sent(place.worker, files.jpeg(files.exif()))
    grid = place.spot.grid
    together, sub_orders = await _together(place)
    return World(place, login, session, {
        "incidents": [*await _incidents(place, photo["id"]), together],
        "sub-orders": sub_orders,
        "attachments": [photo["id"]],
        "accounts": [account["id"]],
        "assignments": [assignment["id"]],
        "sessions": [sessions[0]["family"]],
        "units": [UNIT],
        "areas": [place.spot.township, place.spot.village, place.spot.county],
        "grids": [grid, *await _grids(place)],
        "grid-codes": [grid, f"{grid}-0", "５１１７２３"],
        "delineations": await _delineations(place.administrator, database_url),
        "imports": [str((await plans.imported(place.administrator, plans.TINY)).id)],
        "clauses": ["23.2", "23"],
        "categories": ["0502", "0601"],
        "category-sets": await _category_sets(place.administrator),
        "response-policies": await _response_policies(place.administrator),
        "work-calendars": ["2026", "2025"],
        "service-hours": await _service_hours(place),
        "duty-lists": await _duty_lists(place.administrator),
        "items": ["T0601", "T1004"],
        "dispatch-approvals": await _approvals(place),
        **await emergencies.shown(place),
    })  # fmt: skip


def _as(client: httpx.AsyncClient, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=client._transport,
        base_url="http://gridward.test",
        headers={"authorization": f"Bearer {token}"},
    )


async def _incidents(place: Place, photo: str) -> list[str]:
    contact = {"name": "李明", "phone": "13800000000"}
    made = [await place.report(contact=contact, attachments=[photo])]
    made += [await place.bring_to(state, contact=contact) for state in STATES]
    return [case["id"] for case in made]


async def _together(place: Place) -> tuple[str, list[str]]:
    """A case with calls and sub-orders, and the ids of those."""
    case = await place.bring_to("assigned")
    await place.act(place.county, case, "call", units=[UNIT, OTHER_UNIT])
    return case["id"], [order["id"] for order in await ordered(place, case, UNIT, OTHER_UNIT)]


async def _grids(place: Place) -> list[str]:
    found = await place.worker.get(f"/v1/grids?area={place.spot.village}&limit=5")
    return [grid["code"] for grid in found.json()["items"]]


async def _delineations(administrator: Person, database_url: str) -> list[str]:
    village = areas.make_village(database_url, VILLAGE)
    done = await areas.published(administrator, areas.drawn(village), village.code)
    draft = await areas.submit(administrator, areas.drawn(village), village.code)
    refused = await areas.submit(
        administrator, areas.geojson([areas.feature(village.cell(0, 0), village.code)]),
        village.code,
    )  # fmt: skip
    return [done["id"], draft.json()["id"], refused.json()["id"]]


async def _category_sets(administrator: Person) -> list[str]:
    made: dict[str, Any] = (await administrator.post("/v1/category-sets", {})).json()
    return ["1", str(made["version"])]


async def _response_policies(administrator: Person) -> list[str]:
    made: dict[str, Any] = (await administrator.post("/v1/response-policies", {})).json()
    return ["1", str(made["version"])]


async def _service_hours(place: Place) -> list[str]:
    spot = place.spot
    for area in (spot.village, spot.township):
        hours = {"spans": [["08:30", "12:00"], ["14:00", "17:30"]]}
        await place.administrator.http.put(f"/v1/service-hours/{area}", json=hours)
    return [spot.village, spot.township, spot.county]


async def _duty_lists(administrator: Person) -> list[str]:
    made: dict[str, Any] = (await administrator.post("/v1/duty-lists", {"kind": "township"})).json()
    return ["1", str(made["version"])]


async def _approvals(place: Place) -> list[str]:
    approvals = duties.Approvals(place)
    states = ("requested", "opinion_given", "approved", "denied", "withdrawn")
    return [(await approvals.bring_to(state))["id"] for state in states]
