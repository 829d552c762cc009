"""What a long history costs a list: the same pages over a short and over a long one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.bench import wire
from tests.bench.data import BenchData
from tests.bench.measure import Aim, Bench, Measure, Side
from tests.bench.sample import BenchError
from tests.bench.server import Server

PAGES = (
    ("open", {"open": "true"}, 0),
    ("closed", {"state": "closed"}, 0),
    ("closed, deep", {"state": "closed"}, 1),
)
PAGE, WALK = 50, 200
TOWNSHIPS = 13
DEEPEST = 50
MOST_CHANGE = 0.2


def lists(bench: Bench, short: BenchData, server: Server) -> Measure:
    """Pages of 50 for township dispatchers, one connection; `server` serves the short history.

    The deep page lies `DEEPEST` pages of 200 back, or half of what the short history has.
    """
    sides, aims = [], []
    for name, filters, deep in PAGES:
        labels = []
        for data, target in ((short, server), (bench.data, bench.server)):
            tokens = [target.token(a) for a in data.accounts("township_dispatcher")]
            pages = [_page(target, token, filters, deep, data) for token in tokens]
            run = bench.replay(_always(pages), 1, once=False, server=target)
            labels.append(f"{name}, {data.closed:,} closed")
            sides.append(Side(labels[-1], 1, run, is_service=True))
        aims.append(Aim(labels[1], labels[0], most_change=MOST_CHANGE))
    return Measure("history", "List over a short and a long history", "pages", sides, aims)


def _always(pages: list[bytes]) -> Callable[[float], list[bytes]]:
    return lambda _seconds: pages


def _page(server: Server, token: str, filters: dict[str, str], deep: int, data: BenchData) -> bytes:
    """The request for the page, after walking to it when it is a deep one."""
    cursor = None
    for _ in range(min(DEEPEST, data.closed // TOWNSHIPS // WALK // 2) if deep else 0):
        walked = _read(server, _request(token, filters, cursor, WALK))
        if walked["next"] is None:
            break
        cursor = walked["next"]
    request = _request(token, filters, cursor, PAGE)
    if not _read(server, request)["items"]:
        raise BenchError("an empty page would measure nothing")
    return request


def _request(token: str, filters: dict[str, str], cursor: str | None, limit: int) -> bytes:
    query = {**filters, "limit": str(limit), **({"cursor": cursor} if cursor else {})}
    return wire.get(f"/v1/incidents?{urlencode(query)}", token)


def _read(server: Server, request: bytes) -> dict[str, Any]:
    status, body = server.send(request)
    if status != 200:
        raise BenchError(f"a list was answered {status}: {body[:500]!r}")
    found: dict[str, Any] = json.loads(body)
    return found
