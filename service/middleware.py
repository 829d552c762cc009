"""One pure ASGI middleware: request id, size limit, metrics, security headers."""

from __future__ import annotations

import itertools
import secrets
import time
from functools import cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.config import Settings
from service.errors import AppError, BodyTooLarge, InternalError, render

REQUESTS = Counter("gridward_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "gridward_request_seconds",
    "Time to answer",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]

# A request id is this process's random name and a serial number.
PROCESS = secrets.token_hex(8)
_serial = itertools.count(1)

log = structlog.get_logger()


@cache
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The two series of a route: looking them up by label costs more than counting."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


class _Exchange:
    """One request and its answer: the body is counted on its way in, headers are added on the
    way out."""

    __slots__ = ("_limit", "_receive", "_received", "_send", "exceeded", "request_id", "started",
                 "status")  # fmt: skip

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self.request_id = f"{PROCESS}{next(_serial):08x}"
        self.status = 500
        self.exceeded = self.started = False
        self._limit = limit
        self._received = 0
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """The next part. Raises BodyTooLarge beyond the limit."""
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._limit:
            self.exceeded = True
            raise BodyTooLarge(limit=self._limit)
        return message

    async def send(self, message: Message) -> None:
        """Pass it on, unless somebody inside has made the refusal its own: ours is the true one."""
        if not self.started:
            if self.exceeded:
                return
            self.started = True
            self.status = message["status"]
            headers = message["headers"]
            present = {name for name, _ in headers}
            headers.append((b"x-request-id", self.request_id.encode()))
            headers.extend(h for h in SECURITY_HEADERS if h[0] not in present)
        await self._send(message)

    async def refuse(self, scope: Scope, problem: AppError) -> None:
        """Answer with `problem` instead of what was inside."""
        self.exceeded = False
        await render(Request(scope), problem)(scope, self._receive, self.send)


class Edge:
    """What every request passes on its way in and out."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._json_max = settings.json_max_bytes
        self._upload_max = settings.upload_max_bytes
        self._access_log = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # As GET, without its body (RFC 9110 section 9.3.2).
            scope = {**scope, "method": "GET", "head": True}
            send = _headers_only(send)
        started = time.perf_counter()
        limit, declared = self._sizes(scope)
        exchange = _Exchange(limit, receive, send)
        scope["request_id"] = exchange.request_id
        try:
            if declared > limit:
                await exchange.refuse(scope, BodyTooLarge(limit=limit))
            else:
                await self._pass(scope, exchange, limit)
        finally:
            self._count(scope, exchange, time.perf_counter() - started)

    async def _pass(self, scope: Scope, exchange: _Exchange, limit: int) -> None:
        """Pass the request on; answer for what goes wrong inside."""
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except BodyTooLarge:
            if exchange.started:
                raise
        except ClientDisconnect:
            log.info("client_left", id=exchange.request_id)
            return
        except Exception:
            log.exception("unhandled", id=exchange.request_id, path=scope["path"])
            if exchange.started:
                raise
            await exchange.refuse(scope, InternalError())
            return
        if exchange.exceeded and not exchange.started:
            await exchange.refuse(scope, BodyTooLarge(limit=limit))

    def _sizes(self, scope: Scope) -> tuple[int, int]:
        """How large the body may be, and how large it says that it is."""
        limit, declared = self._json_max, 0
        for name, value in scope["headers"]:
            if name == b"content-length":
                declared = int(value) if value.isdigit() else 0
            elif name == b"content-type" and value.startswith(b"multipart/"):
                limit = self._upload_max
        return limit, declared

    def _count(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        count, spent = _metrics(method, route, exchange.status)
        count.inc()
        spent.observe(seconds)
        if self._access_log:
            log.info("request", id=exchange.request_id, method=scope["method"], route=route,
                     status=exchange.status, ms=round(seconds * 1000, 2))  # fmt: skip


def _headers_only(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers
