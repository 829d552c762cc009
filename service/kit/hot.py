"""Routes of hot operations: documented by the framework, read by hand.

The framework's general dependency machinery costs as much as the whole rest of a report. A
`HotRoute` declares its endpoint as any other route does and so appears in the OpenAPI the same way;
at run time it reads each parameter itself, in one pass planned at start-up.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.errors import UnsupportedMediaType
from service.kit.routing import CLAUSES, ClauseRoute, clause_link

Reader = Callable[[Request], Any]


class HotRoute(ClauseRoute):
    """A route whose endpoint takes only: the request, path ids (UUID), one JSON body, and
    dependencies that themselves take only the request.

    Raises TypeError at import when an endpoint asks for something else.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._plan = _plan(endpoint, path)
        self._link = clause_link((self.openapi_extra or {}).get(CLAUSES, ()))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the parameters, call the endpoint, send its response."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(self.methods or ())})
        request = Request(scope, receive, send)
        values: dict[str, Any] = {}
        for name, read, waits in self._plan:
            value = read(request)
            values[name] = await value if waits else value
        response: Response = await self.endpoint(**values)
        response.headers.setdefault("link", self._link)
        await response(scope, receive, send)


def _plan(endpoint: Callable[..., Any], path: str) -> list[tuple[str, Reader, bool]]:
    hints = get_type_hints(endpoint, include_extras=True)
    plan = []
    for name in inspect.signature(endpoint).parameters:
        reader = _reader(name, hints[name], path)
        plan.append((name, reader, inspect.iscoroutinefunction(reader)))
    # The body is read last: who may not call at all is told so first.
    return sorted(plan, key=lambda item: item[0] == "body")


def _reader(name: str, hint: Any, path: str) -> Reader:
    if hint is Request:
        return lambda request: request
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _body_reader(hint)
    if hint is UUID and f"{{{name}}}" in path:
        return lambda request: _path_id(request, name)
    if get_origin(hint) is not None:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Depends) and extra.dependency is not None:
                return extra.dependency
    raise TypeError(f"{path}: a hot route cannot read {name}: {hint}")


def _body_reader(model: type[BaseModel]) -> Callable[[Request], Awaitable[BaseModel]]:
    validate = TypeAdapter(model).validate_json

    async def read(request: Request) -> BaseModel:
        kind = request.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(given=kind[:100] or "–", expected="application/json")
        try:
            return validate(await request.body())
        except ValidationError as wrong:
            raise RequestValidationError(wrong.errors(include_url=False)) from None

    return read


def _path_id(request: Request, name: str) -> UUID:
    text = request.path_params[name]
    try:
        return UUID(text)
    except ValueError:
        wrong = {"type": "uuid_parsing", "loc": ("path", name), "msg": "Input should be a UUID"}
        raise RequestValidationError([wrong]) from None
