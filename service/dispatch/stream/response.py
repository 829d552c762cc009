"""A console's stream as an answer over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import anyio
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
        closing = anyio.Event()
        super().__init__(
            _events(hub, console, ends, closing),
            sep="\n",
            ping=HEARTBEAT_SECONDS,
            ping_message_factory=_heartbeat,
            send_timeout=SEND_SECONDS,
            shutdown_event=closing,
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


async def _events(
    hub: Hub, console: Console, ends: float, closing: anyio.Event
) -> AsyncIterator[bytes]:
    async with hub.opened(console, ends) as chunks, aclosing(chunks):  # type: ignore[type-var]
        watch = asyncio.create_task(_end_when(closing, console))
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            watch.cancel()


async def _end_when(closing: anyio.Event, console: Console) -> None:
    await closing.wait()
    console.end("closing")
