"""Reads the contract for tests: operations, what they document, whether an answer fits."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from service.config import Settings
from service.main import create_app

JSON, PROBLEM = "application/json", "application/problem+json"
EVENTS = "text/event-stream"
# How many requests are generated for each operation, at least.
DEFAULT_EXAMPLES = 12
EXAMPLES = int(os.environ.get("GRIDWARD_FUZZ_EXAMPLES", DEFAULT_EXAMPLES))
METHODS = ("get", "put", "post", "delete", "patch")
# Of the server, and of what stands around every answer.
AROUND = {
    "cache-control", "connection", "content-length", "content-security-policy", "content-type",
    "cross-origin-resource-policy", "date", "pragma", "referrer-policy", "transfer-encoding",
    "vary", "x-content-type-options",
}  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """The contract; not to be changed."""
    return create_app(Settings()).openapi()


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    method: str
    path: str
    raw: dict[str, Any]

    @property
    def id(self) -> str:
        name: str = self.raw["operationId"]
        return name

    @property
    def secured(self) -> bool:
        """Whether only a caller with a token gets in."""
        return any("bearer" in way for way in self.raw["security"])

    @property
    def endless(self) -> bool:
        """Whether a good answer never ends: such an operation has tests of its own."""
        good = self.raw["responses"].get("200", {})
        return EVENTS in good.get("content", {})

    def parameters(self, where: str) -> list[dict[str, Any]]:
        """The parameters in path, query or header, references followed."""
        found = (resolve(parameter) for parameter in self.raw.get("parameters", ()))
        return [parameter for parameter in found if parameter["in"] == where]

    def body(self) -> tuple[str, dict[str, Any]] | None:
        """The media type of the request body with its schema and examples."""
        if "requestBody" not in self.raw:
            return None
        ((media, content),) = self.raw["requestBody"]["content"].items()
        return media, content

    def examples(self) -> list[Any]:
        """The documented request bodies."""
        found = self.body()
        return [e["value"] for e in found[1].get("examples", {}).values()] if found else []

    def faults(self, answer: httpx.Response) -> Iterator[str]:
        """Where an answer is not what is documented, members that are not documented included."""
        documented = self.raw["responses"].get(str(answer.status_code))
        if documented is None:
            yield f"undocumented status {answer.status_code}: {answer.text[:200]}"
            return
        headers = documented.get("headers", {})
        known = {name.lower() for name in headers} | AROUND
        yield from (f"undocumented header {n}" for n in answer.headers if n not in known)
        for name, header in headers.items():
            if resolve(header).get("required") and name not in answer.headers:
                yield f"missing header {name}"
        yield from _content_faults(documented.get("content", {}), answer)


def _content_faults(content: dict[str, Any], answer: httpx.Response) -> Iterator[str]:
    if not content or answer.request.method == "HEAD":
        if answer.content:
            yield f"undocumented content: {answer.text[:200]}"
        return
    media = answer.headers.get("content-type", "").partition(";")[0]
    if media not in content and "*/*" not in content:
        yield f"undocumented media type {media}"
    elif media in (JSON, PROBLEM):
        open_ended = media == PROBLEM
        validator = validator_of(content[media]["schema"], strict=not open_ended)
        for error in validator.iter_errors(answer.json()):
            place = "/".join(str(part) for part in error.instance_path)
            yield f"/{place}: {error.message[:200]}"


def operations() -> list[Operation]:
    """All operations, in the document's order."""
    return [
        Operation(method.upper(), path, raw)
        for path, item in document()["paths"].items()
        for method, raw in item.items()
    ]


def operation(name: str) -> Operation:
    """The operation with this id."""
    return next(found for found in operations() if found.id == name)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; anything else is itself."""
    while "$ref" in node:
        found: dict[str, Any] = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def validator_of(schema: dict[str, Any], *, strict: bool) -> Any:
    """A validator of `schema`; a strict one refuses members that are not documented."""
    components = _closed_components() if strict else document()["components"]
    return jsonschema_rs.Draft202012Validator(
        {**schema, "components": components}, validate_formats=True
    )


@cache
def _closed_components() -> dict[str, Any]:
    components = copy.deepcopy(document()["components"])
    for schema in components["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return components


def sent(op: Operation, which: int = 0) -> dict[str, Any]:
    """A documented body, as httpx sends it."""
    found = op.body()
    if found is None:
        return {}
    example = op.examples()[which]
    if found[0] == "application/json":
        return {"json": example}
    if found[0] == "application/x-www-form-urlencoded":
        return {"data": example}
    fields = {name: str(value) for name, value in example.items() if name != "file"}
    return {"data": fields, "files": {"file": ("example", example["file"].encode())}}


async def ask(http: httpx.AsyncClient, op: Operation, path: str) -> httpx.Response:
    """What the operation answers at `path`, asked with a documented body."""
    query = {p["name"]: example_of(p) for p in op.parameters("query") if p.get("required")}
    return await http.request(op.method, path, params=query or None, **sent(op))


def example_of(parameter: dict[str, Any]) -> Any:
    """The first documented value of a parameter."""
    return (parameter.get("examples") or parameter["schema"]["examples"])[0]
