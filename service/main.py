"""Builds the application: settings, pools and caches in, routes and one error renderer out."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api import INDICATORS, LIFESPANS, ROUTERS
from service.areas.checks.examiner import Examiner
from service.areas.grid_cache import GridCache
from service.attachments.files import Files
from service.auth.logins import Logins
from service.auth.oidc import Oidc
from service.auth.subjects import Subjects
from service.auth.tokens import AccessTokens
from service.config import Settings, get_settings
from service.db import Database
from service.duties.lists.cache import DutyCache
from service.errors import (
    AppError,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    render,
)
from service.incidents.categories.cache import CategoryCache
from service.incidents.desk import Desk
from service.incidents.policies.cache import ResponseCache
from service.kit.crypto import FieldCipher
from service.kit.failures import database_problem
from service.kit.hot import HotPaths, HotRoute
from service.kit.paging import Cursors
from service.middleware import Edge
from service.openapi import describe
from service.plan.fulfilment import Operations
from service.validation import problem_of

DESCRIPTION = """网格服务后端：网格编码、事件分级响应、证据与依据条款。

Grid service backend. Every operation names the clauses of the plan that it fulfils
(`x-plan-clauses`), every answer leads there (`Link: rel="describedby"`).
"""


class Application(FastAPI):
    """The framework's application, with hot operations taken before its layers."""

    hot: HotPaths
    hot_edge: Edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the lifespan."""
        if self.hot.claims(scope):
            await self.hot_edge(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application for `settings` (the process's own by default)."""
    chosen = settings or get_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _resources(app, chosen):
            # What start-up made stays; collect young garbage only (see the benchmarks).
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            yield

    app = Application(
        title="gridward",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    _render_failures(app)
    app.add_middleware(Edge, settings=chosen)
    hot = [r for router in ROUTERS for r in router.routes if isinstance(r, HotRoute)]
    app.hot = HotPaths(app, hot)
    app.hot_edge = Edge(app.hot, settings=chosen)
    return app


@asynccontextmanager
async def _resources(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    state = app.state
    state.settings = settings
    state.db = db = Database(settings)
    state.tokens = AccessTokens(settings.signing_secret, settings.access_token_seconds)
    state.cursors = Cursors(settings.signing_secret)
    state.cipher = FieldCipher.from_setting(settings.field_key_text)
    state.logins = Logins(db, state.tokens, settings)
    state.oidc = Oidc(settings, db) if settings.oidc_issuer else None
    await db.open()
    state.subjects = Subjects(db, settings.subject_cache_seconds)
    state.categories = CategoryCache(db)
    state.duties = DutyCache(db)
    state.operations = Operations(app.openapi, INDICATORS)
    state.files = Files.from_settings(settings)
    state.grids = GridCache(db)
    await state.grids.refresh()
    state.examiner = Examiner()
    await state.categories.refresh()
    state.response = ResponseCache(db)
    await state.response.refresh()
    await state.duties.refresh()
    state.incidents = Desk(db, settings, state.grids, state.categories, state.response)
    try:
        async with AsyncExitStack() as readers:
            for lifespan in LIFESPANS:
                await readers.enter_async_context(lifespan(state))
            yield
    finally:
        await state.incidents.close()
        if state.oidc is not None:
            await state.oidc.close()
        await db.close()


def _render_failures(app: FastAPI) -> None:
    async def app_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, AppError)
        return render(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(request, problem_of(error))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return render(request, _refusal(request, error))

    async def database_error(request: Request, error: Exception) -> Response:
        problem = database_problem(error)
        if problem is None:
            raise error
        return render(request, problem)

    app.add_exception_handler(AppError, app_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    for kind in (DBAPIError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError,
                 asyncpg.InternalClientError, OSError, TimeoutError):  # fmt: skip
        app.add_exception_handler(kind, database_error)


def _refusal(request: Request, error: HTTPException) -> AppError:
    """The named failure for what the framework itself refused."""
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        allow = ", ".join(sorted(_methods_of(request)))
        return MethodNotAllowed(method=request.method[:20], allow=allow)
    return MalformedBody(reason=str(error.detail))


def _methods_of(request: Request) -> set[str]:
    """What the path offers (RFC 9110 section 10.2.1): the framework only names one route's."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    found = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path_regex.match(path)
        for method in route.methods or ()
    }
    return found | {"HEAD"} if "GET" in found else found
