"""One pure ASGI middleware: request id, size limit, metrics, security headers."""

from __future__ import annotations

import itertools
import secrets
import time
from functools import cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, InternalError, render

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


class _Guard:
    """Counts a body on its way in, and notes whether an answer has begun."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self.limit = limit
        self.refusal = BodyTooLarge(limit=limit)
        self.exceeded = self.started = False
        self._received = 0
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """The next part. Raises BodyTooLarge beyond the limit."""
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self.limit:
            self.exceeded = True
            raise self.refusal
        return message

    async def send(self, message: Message) -> None:
        """Pass it on, unless somebody inside has made the refusal its own: ours is the true one."""
        if self.exceeded and not self.started:
            return
        self.started = self.started or message["type"] == "http.response.start"
        await self._send(message)


class Edge:
    """What every request passes on its way in and out."""

    def __init__(self, app: ASGIApp, *, json_max: int, upload_max: int, access_log: bool) -> None:
        self._app = app
        self._json_max = json_max
        self._upload_max = upload_max
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # As GET, without its body (RFC 9110 section 9.3.2).
            scope, send = {**scope, "method": "GET"}, _headers_only(send)
        started = time.perf_counter()
        scope["request_id"] = request_id = f"{PROCESS}{next(_serial):08x}"
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                present = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(h for h in SECURITY_HEADERS if h[0] not in present)
            await send(message)

        try:
            await self._guarded(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in METHODS else "other"
            count, spent = _metrics(method, route, status)
            count.inc()
            spent.observe(seconds)
            if self._access_log:
                log.info("request", id=request_id, method=scope["method"], route=route,
                         status=status, ms=round(seconds * 1000, 2))  # fmt: skip

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted; answer for what goes wrong inside."""
        guard = _Guard(self._limit(scope), receive, send)
        declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > guard.limit:
            await render(Request(scope), guard.refusal)(scope, receive, send)
            return
        try:
            await self._app(scope, guard.receive, guard.send)
        except BodyTooLarge:
            if guard.started:
                raise
        except Exception:
            log.exception("unhandled", id=scope["request_id"], path=scope["path"])
            if guard.started:
                raise
            await render(Request(scope), InternalError())(scope, receive, send)
            return
        if guard.exceeded and not guard.started:
            await render(Request(scope), guard.refusal)(scope, receive, send)

    def _limit(self, scope: Scope) -> int:
        kind = next((v for k, v in scope["headers"] if k == b"content-type"), b"")
        return self._upload_max if kind.startswith(b"multipart/") else self._json_max


def _headers_only(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers
