"""SIGKILL in the middle of a thousand reports: what was answered is there, once; a replay adds
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from service.config import Settings
from tests.cases import Place
from tests.server import Server

REPORTS = 1_000
AT_ONCE = 50


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(settings, tmp_path_factory.mktemp("server") / "log")
    running.start()
    yield running
    running.stop()


async def send(
    server: Server, token: str, bodies: list[dict[str, Any]], answered: dict[str, int]
) -> None:
    """Post every body once, `AT_ONCE` at a time, noting answers; transport errors are none."""
    waiting = asyncio.Queue[dict[str, Any]]()
    for body in bodies:
        waiting.put_nowait(body)
    headers = {"authorization": token}

    async def work(client: httpx.AsyncClient) -> None:
        while not waiting.empty():
            body = waiting.get_nowait()
            try:
                answer = await client.post("/v1/incidents", json=body)
            except httpx.TransportError:
                continue
            answered[body["id"]] = answer.status_code

    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(
        base_url=server.base_url, headers=headers, limits=limits, trust_env=False, timeout=30
    ) as client:
        await asyncio.gather(*(work(client) for _ in range(AT_ONCE)))


def stored(database_url: str, ids: list[str]) -> dict[str, tuple[int, int]]:
    """For each id that is there: how many cases and how many events."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT i.id::text, count(DISTINCT i.id), count(e.id) FROM incident i"
            " LEFT JOIN case_event e ON e.case_id = i.id WHERE i.id = ANY(%s::uuid[])"
            " GROUP BY i.id",
            (ids,),
        ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


async def test_what_was_answered_survives_a_kill_and_a_replay_adds_nothing(
    server: Server, place: Place, database_url: str
) -> None:
    token = place.worker.http.headers["authorization"]
    bodies = [place.body() for _ in range(REPORTS)]
    ids = [body["id"] for body in bodies]
    answered: dict[str, int] = {}
    sending = asyncio.create_task(send(server, token, bodies, answered))
    while len(answered) < REPORTS // 4:
        await asyncio.sleep(0.005)
    server.kill()
    await sending
    assert REPORTS // 4 <= len(answered) < REPORTS, "the kill must fall in the middle"
    assert set(answered.values()) == {201}
    kept = stored(database_url, ids)
    assert answered.keys() <= kept.keys(), "an answered report is lost"
    assert set(kept.values()) == {(1, 1)}

    server.start()
    replayed: dict[str, int] = {}
    await send(server, token, bodies, replayed)
    assert replayed == dict.fromkeys(ids, 201)
    assert stored(database_url, ids) == dict.fromkeys(ids, (1, 1))
    again: dict[str, int] = {}
    await send(server, token, bodies[:200], again)
    assert set(again.values()) == {201}
    assert stored(database_url, ids) == dict.fromkeys(ids, (1, 1))


async def test_a_connection_killed_in_its_transaction_leaves_nothing_half_done(
    server: Server, place: Place, database_url: str
) -> None:
    """The backends are terminated meanwhile: each case is there whole or not at all."""
    token = place.worker.http.headers["authorization"]
    bodies = [place.body() for _ in range(200)]
    answered: dict[str, int] = {}
    sending = asyncio.create_task(send(server, token, bodies, answered))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(10):
            await asyncio.sleep(0.02)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'gridward gridward_writer'"
                " AND datname = current_database()"
            )
    await sending
    assert set(answered.values()) <= {201, 503}
    kept = stored(database_url, [body["id"] for body in bodies])
    assert {i for i, status in answered.items() if status == 201} <= kept.keys()
    assert set(kept.values()) == {(1, 1)}
    replayed: dict[str, int] = {}
    await send(server, token, bodies, replayed)
    assert set(replayed.values()) == {201}
    assert set(stored(database_url, [body["id"] for body in bodies]).values()) == {(1, 1)}
