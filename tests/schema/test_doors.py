"""Who gets in, what is not there, and other methods: as the contract says, for every operation."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.kit.ids import uuid7
from tests.people import People, Person
from tests.schema.contract import METHODS, PROBLEM, Operation, ask, document, operations
from tests.schema.world import World, parameters

OPERATIONS = operations()
SECURED = [op for op in OPERATIONS if op.secured]
NAMING = [op for op in SECURED if parameters(op.path)]
PATHS = sorted(document()["paths"])
# A text is explained as a code, whatever it is; a way of travelling is made by its name.
EXPLAINS_ANYTHING = {"explain_grid_code", "put_travel_mode"}
NOWHERE = {
    "areas": "511723999", "grids": "511723999999999", "units": "no-such-unit", "clauses": "99.9",
    "categories": "9999", "category-sets": "999999", "response-policies": "999999",
    "work-calendars": "1999", "service-hours": "511723999",
    "duty-lists": "999999", "items": "ZZ9999",
    "emergency-plans": "no-such-plan",
    "stock-items": "no-such-item", "travel-modes": "no_such_mode",
}  # fmt: skip


def named(cases: list[Operation]) -> Any:
    return pytest.mark.parametrize("op", cases, ids=lambda op: op.id)


@named(SECURED)
async def test_without_a_token_nobody_gets_in(
    op: Operation, world: World, client: httpx.AsyncClient
) -> None:
    answer = await ask(client, op, world.path(op.path))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert list(op.faults(answer)) == []


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer x", "Basic eDp4", "bearer  ", "Bearer a.b.c", "Token é"]
)
async def test_what_is_no_token_is_refused(authorization: str, client: httpx.AsyncClient) -> None:
    headers = {"authorization": authorization.encode("latin-1")}
    answer = await client.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@named(SECURED)
async def test_who_has_no_role_meets_only_what_is_documented(
    op: Operation, world: World, nobody: Person
) -> None:
    answer = await ask(nobody.http, op, world.path(op.path))
    assert list(op.faults(answer)) == []
    if "403" in op.raw["responses"]:
        assert answer.status_code in (403, 404, 409, 422), answer.text
    else:
        assert answer.status_code != 403


async def test_one_may_report_anywhere_but_self_handle_only_at_home(
    world: World, people: People
) -> None:
    stranger = people.make(("grid_worker", "511723001999"))
    body = world.place.body(category="0601")
    refused = await stranger.post("/v1/incidents", {**body, "self_handled": {"note": "已清扫"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await stranger.post("/v1/incidents", body)).status_code == 201


@named(NAMING)
async def test_what_is_not_there_is_404(op: Operation, world: World, administrator: Person) -> None:
    path = op.path
    for name, kind in parameters(op.path).items():
        path = path.replace(f"{{{name}}}", NOWHERE.get(kind, str(uuid7())))
    answer = await ask(administrator.http, op, path)
    assert list(op.faults(answer)) == []
    assert answer.status_code == (200 if op.id in EXPLAINS_ANYTHING else 404), answer.text


@pytest.mark.parametrize("template", PATHS)
async def test_another_method_is_405_and_told_which_there_are(
    template: str, world: World, client: httpx.AsyncClient
) -> None:
    path = world.path(template)
    offered = {
        method.upper()
        for other in PATHS
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", other), path)
        for method in METHODS
        if method in document()["paths"][other]
    }
    if "GET" in offered:
        offered.add("HEAD")
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - offered:
        answer = await client.request(method, path)
        assert answer.status_code == 405, method
        assert set(answer.headers["allow"].split(", ")) == offered
        assert answer.headers["content-type"] == PROBLEM
        if method != "HEAD":
            assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/", "/v1/incidents/", "/v1/incidents//timeline", "/v2/incidents", "/v1//me",
     "/v1/incidents/x/y/z", "/v1/grids/", "/v1/%00", "/v1/%ff", "/docs/x", "/" + "x" * 2_000],
)  # fmt: skip
async def test_a_path_that_is_none_is_404(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(("language", "part"), [("en", "no such thing"), ("zh", "没有找到")])
async def test_a_failure_speaks_the_callers_language(
    language: str, part: str, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/v1/nothing", headers={"accept-language": language})
    assert part in answer.json()["detail"]
    assert answer.headers["content-language"] == language


@pytest.fixture(scope="module")
def nobody(people: People) -> Person:
    """An account without any role."""
    return people.make()


@pytest.fixture(scope="module")
def administrator(people: People, world: World) -> Person:
    """Somebody who may do everything in the county."""
    county = world.place.spot.county
    return people.make(
        ("administrator", county),
        ("county_dispatcher", county),
        ("grid_worker", world.place.spot.grid),
    )


def test_ids_that_are_nowhere_are_made_for_each_kind_of_path() -> None:
    kinds = {kind for op in NAMING for kind in parameters(op.path).values()}
    schemas = {
        kind: next(
            p["schema"]
            for op in NAMING
            for p in op.parameters("path")
            if parameters(op.path)[p["name"]] == kind
        )
        for kind in kinds - NOWHERE.keys() - {"grid-codes"}
    }
    assert {schema.get("format") for schema in schemas.values()} == {"uuid"}
    assert UUID(str(uuid7())).version == 7
