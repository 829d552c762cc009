"""Routes that say which clauses they fulfil, in the OpenAPI and in each answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

CLAUSES = "x-plan-clauses"


def clauses(*ids: str) -> dict[str, Any]:
    """`openapi_extra` of an operation that fulfils these clauses of the plan."""
    return {CLAUSES: list(ids)}


def clause_link(ids: tuple[str, ...] | list[str]) -> str:
    """The Link header value that leads from an answer to its clauses (RFC 8288)."""
    return ", ".join(f'</v1/plan/clauses/{i}>; rel="describedby"' for i in ids)


class ClauseRoute(APIRoute):
    """Adds the Link header of the operation's clauses to its answers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the header added; an action that names its own clauses wins."""
        handle = super().get_route_handler()
        link = clause_link((self.openapi_extra or {}).get(CLAUSES, ()))
        if not link:
            return handle

        async def with_link(request: Request) -> Response:
            response = await handle(request)
            response.headers.setdefault("link", link)
            return response

        return with_link
