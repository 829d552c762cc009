"""Real answers, with data in them, are what the contract says: no member more, none less."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases import UNIT
from tests.people import People, Person
from tests.schema.contract import Operation, operations
from tests.schema.world import World

READS = [op for op in operations() if op.method == "GET" and not op.endless]
QUERIES: dict[str, list[str]] = {
    "locate_grid": [
        "?lon={lon}&lat={lat}&crs=cgcs2000",
        "?lon={lon}&lat={lat}&crs=wgs84&as_of=2030-01-01T00:00:00Z",
        "?lon=100&lat=30&crs=gcj02",
    ],
    "list_incidents": ["", "?geometry=true&limit=2"],
    "read_dispatch_queue": ["?tier=1&tier=4", "?tier=1&tier=4&geometry=true&limit=1&counts=false"],
    "export_dispatch_csv": ["", "?source=incidents"],
    "list_grids": ["?limit=2", "?area={village}&geometry=true", "?status=all&limit=1"],
    "list_grid_versions": ["", "?geometry=true"],
    "read_area": ["", "?geometry=true"],
    "list_area_children": ["", "?geometry=true"],
    "read_plan_import": ["", "?pieces=true"],
    "list_accounts": ["", "?role=grid_worker"],
    "list_plan_clauses": ["", "?task=23"],
    "read_duty_list": ["", "?kind=community", "?township=511723205"],
    "check_duty": [
        "?category=1004&area=511723100",
        "?category=0601&area={village}",
        "?category=0101&area=511723100",
    ],
    "list_duty_lists": ["", "?kind=community&limit=1"],
    "list_dispatch_approvals": ["", "?state=approved&limit=1"],
    "find_nearest_resources": ["?lon={lon}&lat={lat}&crs=cgcs2000&allocated=true"],
    "list_activations": ["", "?drill=true&limit=1"],
    "list_resources": ["", "?area={village}&limit=1"],
    "list_indicators": ["", "?group_by=township", "?group_by=month&area={village}&category=05"],
}


@pytest.fixture(scope="module")
def reader(people: People, world: World) -> Person:
    """Somebody who may read everything in the county, and what a unit of it has to do."""
    county = world.place.spot.county
    return people.make(
        ("administrator", county), ("county_dispatcher", county), ("unit_handler", county, UNIT)
    )


def empty_lists(body: Any) -> list[str]:
    """The lists of an answer that show nothing: a page of nothing would fit any contract."""
    return [
        name for name in ("items", "features") if isinstance(body, dict) and body.get(name) == []
    ]


@pytest.mark.parametrize("op", READS, ids=lambda op: op.id)
async def test_what_is_read_is_what_is_documented(
    op: Operation, world: World, reader: Person
) -> None:
    who = world.session if op.path.startswith("/v1/me") else reader
    spot = world.place.spot
    for query in QUERIES.get(op.id, [""]):
        filled = query.format(lon=spot.lon, lat=spot.lat, village=spot.village)
        for which in range(world.many(op.path)):
            path = world.path(op.path, which) + filled
            answer = await who.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            assert list(op.faults(answer)) == [], path
            if answer.headers["content-type"] == "application/json":
                assert which or empty_lists(answer.json()) == [], path


@pytest.mark.parametrize("op", READS, ids=lambda op: op.id)
async def test_the_head_of_an_answer_is_its_headers_without_its_content(
    op: Operation, world: World, reader: Person
) -> None:
    who = world.session if op.path.startswith("/v1/me") else reader
    query = QUERIES.get(op.id, [""])[0].format(
        lon=world.place.spot.lon, lat=world.place.spot.lat, village=world.place.spot.village
    )
    path = world.path(op.path) + query
    whole, head = await who.get(path), await who.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert list(op.faults(head)) == []
    changing = {"x-request-id", "content-length"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in whole.headers.items() if k not in changing
    }


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("list_categories", {"If-None-Match": "*"}, 304),
        ("read_category", {"If-None-Match": "*"}, 304),
        ("read_duty_list", {"If-None-Match": "*"}, 304),
        ("download_attachment", {"If-None-Match": "*"}, 304),
        ("download_attachment", {"Range": "bytes=0-9"}, 206),
        ("download_attachment", {"Range": "bytes=99999999-"}, 416),
    ],
)
async def test_answers_to_conditions_and_ranges_are_documented(
    name: str, headers: dict[str, str], status: int, world: World, reader: Person
) -> None:
    op = next(found for found in READS if found.id == name)
    answer = await reader.get(world.path(op.path), headers=headers)
    assert answer.status_code == status
    assert list(op.faults(answer)) == []


def test_an_answer_that_is_not_what_is_documented_is_noticed() -> None:
    import httpx

    op = next(found for found in READS if found.id == "get_me")
    good = {"link": "<x>", "x-request-id": "1", "content-type": "application/json"}
    request = httpx.Request("GET", "http://gridward.test/v1/me")

    def told(status: int, headers: dict[str, str], body: Any) -> list[str]:
        return list(op.faults(httpx.Response(status, headers=headers, json=body, request=request)))

    assert "undocumented status 418" in told(418, good, {})[0]
    me = {"id": "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162", "login": "x", "name": "x", "roles": [],
          "grants": [], "areas": [], "units": [], "permissions": []}  # fmt: skip
    assert told(200, good, me) == []
    assert "secret" in told(200, good, {**me, "secret": 1})[0]
    assert '"login"' in told(200, good, {k: v for k, v in me.items() if k != "login"})[0]
    assert told(200, {**good, "etag": '"1"'}, me) == ["undocumented header etag"]
    assert told(200, {k: v for k, v in good.items() if k != "link"}, me) == ["missing header Link"]
    assert "text/html" in told(200, {**good, "content-type": "text/html"}, me)[0]
