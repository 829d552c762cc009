"""The contract: what the framework derives from the routes, completed by what it cannot know.

The framework knows paths, parameters and models. Added here, from the routes themselves: who must
log in, headers that are read by hand or sent, summaries in both languages, problem details,
examples. The same routes always give the same document.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema

from service.auth.guards import caller
from service.errors import PROBLEM_JSON
from service.examples import EXAMPLES
from service.kit.openapi import Problem, ProblemField, header_read_by, takes
from service.kit.routing import CLAUSES
from service.openapi_parts import CONVENTIONS, HEADERS, PARAMETERS, SECURITY_SCHEMES, TAGS

Document = dict[str, Any]
SCHEMAS = "#/components/schemas/"
SECURED: list[dict[str, list[str]]] = [{"oauth2": []}, {"bearer": []}]
BY_CLIENT: list[dict[str, list[str]]] = [{}, {"client": []}]
FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
# On these answers of any operation, whatever else it sends.
ON_PROBLEMS = {
    "401": ("WWW-Authenticate",),
    "409": ("Retry-After-If-Busy",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` give the completed document."""
    framework = app.openapi
    lock = threading.Lock()
    made: list[Document] = []

    def contract() -> Document:
        with lock:
            if not made:
                made.append(complete(framework(), routes_of(app)))
        return made[0]

    app.openapi = contract  # type: ignore[method-assign]  # the framework's documented way


def routes_of(app: FastAPI) -> dict[str, APIRoute]:
    """The documented routes by operation id. Raises ValueError when one has no id of its own."""
    found: dict[str, APIRoute] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        if route.operation_id is None or route.operation_id in found:
            raise ValueError(f"{route.path} needs an operation_id of its own")
        found[route.operation_id] = route
    return found


def complete(document: Document, routes: dict[str, APIRoute]) -> Document:
    """`document` with everything that the framework could not know; changed in place."""
    document["info"]["description"] += CONVENTIONS
    document["info"]["license"] = {"name": "Apache 2.0", "identifier": "Apache-2.0"}
    used = {tag for _, operation in operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [tag for tag in TAGS if tag["name"] in used]
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas.update(_problem_schemas())
    components["securitySchemes"] = SECURITY_SCHEMES
    components["parameters"] = PARAMETERS
    components["headers"] = HEADERS
    for method, operation in operations(document):
        _complete_operation(operation, method, routes[operation["operationId"]])
    return document


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Method and operation, in the document's order."""
    for item in document["paths"].values():
        yield from item.items()


def _problem_schemas() -> Document:
    _, made = models_json_schema(
        [(Problem, "serialization"), (ProblemField, "serialization")],
        ref_template=SCHEMAS + "{model}",
    )
    found: Document = made["$defs"]
    return found


def _complete_operation(operation: Document, method: str, route: APIRoute) -> None:
    dependencies = list(_dependencies(route.dependant))
    read = [header for call in dependencies if (header := header_read_by(call))]
    if route.summary is None:
        _summarise(operation)
    if caller in dependencies:
        operation["security"] = SECURED
    elif "401" in operation["responses"]:
        operation["security"] = BY_CLIENT
    else:
        operation["security"] = []
    declared = [_shared(parameter) for parameter in operation.get("parameters", ())]
    operation["parameters"] = declared + takes("Accept-Language", *read)["parameters"]
    for status, response in operation["responses"].items():
        sent = _sent(status, linked=CLAUSES in operation, keyed="Idempotency-Key" in read)
        if PROBLEM_JSON in response.get("content", {}):
            sent += ["Content-Language", *ON_PROBLEMS.get(status, ())]
        response.setdefault("headers", {}).update({_name(part): _header(part) for part in sent})
    if route.operation_id in EXAMPLES:
        _exemplify(operation["requestBody"]["content"], EXAMPLES[route.operation_id])


def _dependencies(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for part in dependant.dependencies:
        if part.call is not None:
            yield part.call
        yield from _dependencies(part)


def _shared(parameter: Document) -> Document:
    """A header that the framework read is documented as where it is read by hand."""
    name = parameter.get("name", "").title()
    if parameter.get("in") == "header" and name in PARAMETERS:
        shared: Document = takes(name)["parameters"][0]
        return shared
    return parameter


def _summarise(operation: Document) -> None:
    """The first line of the docstring is the summary, the rest the description."""
    summary, _, rest = inspect.cleandoc(operation["description"]).partition("\n")
    operation["summary"] = summary.rstrip(".")
    operation["description"] = rest.strip()
    if not operation["description"]:
        del operation["description"]


def _sent(status: str, *, linked: bool, keyed: bool) -> list[str]:
    """The headers that the service sends with this status by itself."""
    good = status[0] in "23"
    return [
        "X-Request-Id",
        *(["Link"] if good and linked else []),
        *(["Idempotency-Replayed"] if good and keyed else []),
    ]


def _name(part: str) -> str:
    return part.removesuffix("-If-Busy")


def _header(part: str) -> Document:
    return {"$ref": f"#/components/headers/{part}"}


def _exemplify(content: Document, examples: Document) -> None:
    for media in content.values():
        media["examples"] = {
            name: {"summary": summary, "value": value}
            for name, (summary, value) in examples.items()
        }
