"""A console's stream as an answer over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from service.dispatch.stream.consoles import Console
from service.dispatch.stream.hub import Hub

HEARTBEAT_SECONDS = 15
# A client that takes nothing for so long is gone, or too slow.
SEND_SECONDS = 10.0
FAREWELL_SECONDS = 2.0


class EventStream(EventSourceResponse):
    """Sends a console's events, a heartbeat every 15 s, and a farewell when the service stops."""

    def __init__(self, hub: Hub, console: Console, ends: float, request: Request) -> None:
        self._head_only = "head" in request.scope
        super().__init__(
            _events(hub, console, ends),
            sep="\n",
            ping=HEARTBEAT_SECONDS,
            ping_message_factory=_heartbeat,
            send_timeout=SEND_SECONDS,
            shutdown_event=_Farewell(console),  # type: ignore[arg-type]  # it is only set
            shutdown_grace_period=FAREWELL_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the console ends, the client leaves or takes nothing, or we stop."""
        if self._head_only:
            scope = {**scope, "method": "HEAD"}
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            # It resumes where it was; nobody has to look into this.
            return


def _heartbeat() -> ServerSentEvent:
    return ServerSentEvent(comment="heartbeat", sep="\n")


class _Farewell:
    """The event that says that the service stops: the console ends as soon as it is set."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def set(self) -> None:
        """The service stops."""
        self._console.end("closing")


async def _events(hub: Hub, console: Console, ends: float) -> AsyncIterator[bytes]:
    async with hub.opened(console, ends) as chunks, aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            yield chunk
