"""What operations say of themselves in the OpenAPI: failures, headers that they read or send.

The parts that these names refer to are in service.openapi, which completes the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, Field


class ProblemField(BaseModel):
    """One place that is wrong."""

    pointer: str = Field(examples=["/location/crs"])
    code: str = Field(examples=["missing"])
    detail: str = Field(examples=["缺少此项"])


class Problem(BaseModel):
    """RFC 9457 problem details: a stable `code`, a text in the caller's language, places."""

    type: str = Field(examples=["urn:gridward:problem:not_found"])
    title: str = Field(examples=["not found"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["not_found"])
    detail: str = Field(examples=["没有找到，或者不在您的权限范围内。"])
    instance: str | None = None
    errors: list[ProblemField] | None = None
    clause: str | None = None


MEANING = {
    400: "The request cannot be read",
    401: "No valid access token",
    403: "The caller's role may not do this",
    404: "Missing, or outside what the caller may see",
    409: "In conflict with the present state",
    412: "The version given in If-Match is stale",
    413: "Too large",
    415: "This content type is not taken",
    422: "The input is wrong; errors say where",
    429: "Too often",
    503: "Busy or unavailable; nothing was taken, or replay with the same key",
}
ALWAYS = (400, 413, 422, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of an operation: those statuses and the ones any operation may answer."""
    return {
        status: {
            "description": MEANING[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in sorted({*statuses, *ALWAYS})
    }


F = TypeVar("F", bound=Callable[..., Any])
_READS: dict[Callable[..., Any], str] = {}


def reads(header: str) -> Callable[[F], F]:
    """Marks a dependency that reads this header by hand; operations that use it document it."""

    def mark(dependency: F) -> F:
        _READS[dependency] = header
        return dependency

    return mark


def header_read_by(dependency: Callable[..., Any]) -> str | None:
    """The header that a dependency reads by hand, or None."""
    return _READS.get(dependency)


def takes(*headers: str) -> dict[str, Any]:
    """`openapi_extra` of an operation that reads these headers itself."""
    return {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in headers]}


def sends(*headers: str) -> dict[str, Any]:
    """A part of `responses`: the headers that an answer carries besides those of every answer."""
    return {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers}}
