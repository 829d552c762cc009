"""Routes of hot operations: documented by the framework, found and read by hand.

The framework's layers and its general dependency machinery cost as much as the whole rest of a
report. A `HotRoute` declares its endpoint as any other route does and so appears in the OpenAPI
the same way; at run time `HotPaths` finds it by one look into a table, and it reads each parameter
itself, in one pass planned at start-up.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends, Query
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.errors import UnsupportedMediaType
from service.kit.routing import CLAUSES, ClauseRoute, clause_link

Reader = Callable[[Request], Any]


@dataclass(slots=True)
class Reply:
    """What a hot endpoint answers: JSON bytes, header fields of its own, and the link to the
    clauses when it is not the operation's."""

    body: bytes
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = ()
    link: bytes | None = None


class _Fields(dict[str, str]):
    """Header fields by name; of one that comes twice, the first."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        super().__init__((k.decode("latin-1"), v.decode("latin-1")) for k, v in reversed(raw))

    def get(self, name: str, default: Any = None) -> Any:
        """The field's value, whatever the case of its name."""
        return super().get(name.lower(), default)


class HotRequest(Request):
    """A request whose header fields are looked up by name and whose body is read at once."""

    @property
    def headers(self) -> Headers:
        """The header fields; of `Headers` they have `get` alone."""
        if not hasattr(self, "_fields"):
            self._fields = _Fields(self.scope["headers"])
        return cast("Headers", self._fields)

    async def body(self) -> bytes:
        """The whole body. Raises ClientDisconnect when the client went away before its end."""
        if not hasattr(self, "_body"):
            parts, more = [], True
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._body = b"".join(parts)
        return self._body


class HotRoute(ClauseRoute):
    """A route whose endpoint takes only: the request, path ids (UUID), one JSON body, one model of
    the query, and dependencies that themselves take only the request.

    Raises TypeError at import when an endpoint asks for something else.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._plan = _plan(endpoint, path)
        self._link = clause_link((self.openapi_extra or {}).get(CLAUSES, ())).encode()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the parameters, call the endpoint, send its response."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(self.methods or ())})
        request = HotRequest(scope, receive, send)
        values: dict[str, Any] = {}
        for name, read, waits in self._plan:
            value = read(request)
            values[name] = await value if waits else value
        reply: Reply = await self.endpoint(**values)
        headers = [
            *reply.headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(reply.body)),
            (b"link", reply.link or self._link),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


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
            if isinstance(extra, Query):
                return _query_reader(get_args(hint)[0])
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


def _query_reader(model: type[BaseModel]) -> Reader:
    validate = TypeAdapter(model).validate_python
    many = {
        field.alias or name
        for name, field in model.model_fields.items()
        if "list[" in str(field.annotation)
    }

    def read(request: Request) -> BaseModel:
        values: dict[str, Any] = {}
        text = request.scope["query_string"].decode("latin-1")
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in many:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        try:
            return validate(values)
        except ValidationError as wrong:
            errors = wrong.errors(include_url=False)
            placed = [{**error, "loc": ("query", *error["loc"])} for error in errors]
            raise RequestValidationError(placed) from None

    return read


def _path_id(request: Request, name: str) -> UUID:
    text = request.path_params[name]
    try:
        return UUID(text)
    except ValueError:
        wrong = {"type": "uuid_parsing", "loc": ("path", name), "msg": "Input should be a UUID"}
        raise RequestValidationError([wrong]) from None


class HotPaths:
    """Finds hot operations and carries them out, past the framework's layers.

    Everything else, and every other method of a hot path, goes the ordinary way. Failures are
    rendered by the application's own handlers.
    """

    def __init__(self, application: FastAPI, routes: Sequence[HotRoute]) -> None:
        self._application = application
        self._table: dict[tuple[str, ...], HotRoute] = {}
        self._shapes: dict[int, set[tuple[int, ...]]] = {}
        for route in routes:
            parts = route.path.split("/")
            holes = tuple(i for i, part in enumerate(parts) if part.startswith("{"))
            self._shapes.setdefault(len(parts), set()).add(holes)
            for method in route.methods or ():
                self._table[(method, *_masked(parts, holes))] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry out the operation that `claims` has found."""
        try:
            await scope["route"].handle(scope, receive, send)
        except Exception as failure:  # noqa: BLE001 - looked up by kind, raised again if unknown
            response = await self._render(Request(scope, receive), failure)
            await response(scope, receive, send)

    def claims(self, scope: Scope) -> bool:
        """Whether the request is for a hot operation; then `scope` names it."""
        if scope["type"] != "http":
            return False
        route = self._find(scope)
        if route is None:
            return False
        scope["app"] = self._application
        scope["route"] = route
        return True

    def _find(self, scope: Scope) -> HotRoute | None:
        parts = scope["path"].split("/")
        for holes in self._shapes.get(len(parts), ()):
            route = self._table.get((scope["method"], *_masked(parts, holes)))
            if route is not None and all(parts[i] for i in holes):
                names = route.path.split("/")
                scope["path_params"] = {names[i][1:-1]: parts[i] for i in holes}
                return route
        return None

    async def _render(self, request: Request, failure: Exception) -> Response:
        handlers = self._application.exception_handlers
        for kind in type(failure).__mro__:
            if kind in handlers:
                rendered = handlers[kind](request, failure)
                return await rendered if isinstance(rendered, Awaitable) else rendered
        raise failure


def _masked(parts: Sequence[str], holes: tuple[int, ...]) -> list[str]:
    return ["{}" if i in holes else part for i, part in enumerate(parts)]
