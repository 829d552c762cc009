"""Documented failures: one schema of problem details, named by status."""

from __future__ import annotations

from typing import Any

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
