"""Every operation of the API names its clauses, is named once, and documents how it fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from service.config import Settings
from service.kit.openapi import ALWAYS
from service.kit.routing import CLAUSES
from service.main import create_app
from service.plan.registry import load_registry

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# What the framework makes up ends with the method, as in list_grids_v1_grids_get.
MADE_UP = tuple(f"_{method}" for method in METHODS)
PROBLEM = "application/problem+json"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation as ("GET /v1/…", operation)."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def faults(place: str, operation: dict[str, Any], known: set[str]) -> list[str]:
    """What an operation lacks."""
    found = []
    named = operation.get(CLAUSES, [])
    if not named:
        found.append(f"{place}: names no clause")
    found += [f"{place}: there is no clause {c}" for c in named if c not in known]
    name = operation.get("operationId", "")
    if not NAME.fullmatch(name) or name.endswith(MADE_UP):
        found.append(f"{place}: needs an operation id like list_grids")
    if not operation.get("summary", "").strip():
        found.append(f"{place}: has no summary")
    if "/v1/" in place:
        found += _undocumented(place, operation["responses"])
    return found


def _undocumented(place: str, responses: dict[str, Any]) -> Iterator[str]:
    failures = {status: r for status, r in responses.items() if status[0] in "45"}
    for status in ALWAYS:
        if str(status) not in failures:
            yield f"{place}: does not document {status}"
    for status, response in failures.items():
        schema = response.get("content", {}).get(PROBLEM, {}).get("schema", {})
        if schema.get("$ref") != "#/components/schemas/Problem":
            yield f"{place}: {status} is not documented as problem details"
    if not any(status[0] in "23" for status in responses):
        yield f"{place}: documents no success"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The API's contract."""
    return create_app(Settings()).openapi()


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The plan's measures and tasks."""
    registry = load_registry()
    return {*registry.measures, *(str(number) for number in registry.tasks)}


def test_every_operation_says_what_it_fulfils_and_how_it_fails(
    document: dict[str, Any], known: set[str]
) -> None:
    assert [f for place, op in operations(document) for f in faults(place, op, known)] == []


def test_no_operation_is_named_twice(document: dict[str, Any]) -> None:
    names = Counter(op.get("operationId") for _, op in operations(document))
    assert [name for name, times in names.items() if times > 1] == []


def test_whatever_needs_a_token_documents_401(document: dict[str, Any]) -> None:
    missing = [
        place
        for place, op in operations(document)
        if op.get("security") and "401" not in op["responses"]
    ]
    assert missing == []


def references(node: object) -> Iterator[str]:
    """All references in a part of the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_component_that_is_referred_to_exists(document: dict[str, Any]) -> None:
    present = {
        f"#/components/{kind}/{name}"
        for kind, named in document["components"].items()
        for name in named
    }
    assert set(references(document)) - present == set()


PROBLEMS = {
    str(s): {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for s in ALWAYS
}
GOOD: dict[str, Any] = {
    CLAUSES: ["23.2"],
    "operationId": "list_grids",
    "summary": "Grids",
    "responses": {"200": {}, **PROBLEMS},
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({CLAUSES: []}, "names no clause"),
        ({CLAUSES: ["23.2", "99.1"]}, "there is no clause 99.1"),
        ({"operationId": "listGrids"}, "operation id"),
        ({"operationId": "list_grids_v1_grids_get"}, "operation id"),
        ({"summary": " "}, "no summary"),
        ({"responses": {"200": {}}}, "does not document 422"),
        ({"responses": {"200": {}, **PROBLEMS, "409": {}}}, "409 is not documented as problem"),
        ({"responses": PROBLEMS}, "no success"),
    ],
)
def test_an_operation_that_lacks_something_is_noticed(
    change: dict[str, Any], told: str, known: set[str]
) -> None:
    assert faults("GET /v1/grids", GOOD, known) == []
    assert any(told in fault for fault in faults("GET /v1/grids", {**GOOD, **change}, known))
