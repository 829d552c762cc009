"""The same file again: stored once, answered as the first time, taken from any stream."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from obstore.store import MemoryStore

from service.attachments import store
from service.attachments.errors import EmptyFile, StorageUnavailable
from service.attachments.files import Files
from service.config import Settings
from service.kit.ids import uuid7
from tests import files
from tests.evidence import ELSEWHERE, GRID, send, sent, stored_paths, unique_jpeg
from tests.people import People, Person


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", GRID))


async def test_the_same_content_is_stored_once(
    worker: Person, people: People, settings: Settings
) -> None:
    data = unique_jpeg()
    first = await sent(worker, data, "a.jpg")
    second = await sent(people.make(("grid_worker", ELSEWHERE)), data, "b.jpg")
    assert first["id"] != second["id"]
    assert first["sha256"] == second["sha256"]
    assert len(stored_paths(settings, first["sha256"])) == 1


async def test_a_client_made_id_is_taken_once_and_another_file_under_it_is_refused(
    worker: Person, people: People
) -> None:
    mine = str(uuid7())
    data = files.jpeg(files.exif())
    first = await send(worker, data, id=mine)
    again = await send(worker, data, id=mine)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == mine
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == f"/v1/attachments/{mine}"
    for other in (
        await send(worker, files.png(), id=mine),
        await send(worker, data, id=mine, captured_at="2026-02-01T08:00:00+08:00"),
        await send(people.make(("grid_worker", GRID)), data, id=mine),
    ):
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_replayed_key_gets_the_first_answer(worker: Person) -> None:
    key = {"idempotency-key": f"photo-{uuid4()}"}
    first = await send(worker, files.jpeg(), headers=key)
    again = await send(worker, files.jpeg(), headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    for other in (
        await send(worker, files.png(), headers=key),
        await send(worker, files.jpeg(), "other.jpg", headers=key),
        await send(worker, files.jpeg(), headers=key, id=str(uuid7())),
    ):
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_the_same_file_sent_at_the_same_time_is_one_file(
    worker: Person, app: FastAPI
) -> None:
    mine = uuid7()
    data = unique_jpeg()
    answers = await asyncio.gather(*(send(worker, data, id=str(mine)) for _ in range(6)))
    assert {a.status_code for a in answers} == {201}
    assert sum("idempotency-replayed" not in a.headers for a in answers) == 1
    events = await app.state.db.writes.fetch(
        "SELECT event, actor_id FROM case_event WHERE case_id = $1", mine
    )
    assert [(e["event"], e["actor_id"]) for e in events] == [("attachment.uploaded", worker.id)]


async def test_the_room_of_incidents_learns_which_files_an_actor_may_add(
    worker: Person, people: People, app: FastAPI
) -> None:
    mine = UUID((await sent(worker, unique_jpeg()))["id"])
    other = people.make(("grid_worker", GRID))
    theirs = UUID((await sent(other, unique_jpeg()))["id"])
    async with app.state.db.writes.acquire() as connection:
        asked = [mine, theirs, uuid7()]
        assert await store.usable(connection, worker.id, asked) == {mine}
        assert await store.usable(connection, other.id, asked) == {theirs}
        assert await store.usable(connection, worker.id, []) == set()


async def test_a_file_can_come_from_any_stream_of_bytes(app: FastAPI) -> None:
    async def slowly(data: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(data), 7):
            yield data[at : at + 7]

    kept = Files(MemoryStore(), app.state.files.limits)
    data = files.jpeg(files.exif())
    async with kept.accept(slowly(data)) as received:
        assert received.source_sha256 == hashlib.sha256(data).hexdigest()
        assert received.taken.position is not None
        await kept.keep(received)
        await kept.keep(received)
        whole = b"".join([c async for c in await kept.open(received.sha256, 0, received.size)])
        assert hashlib.sha256(whole).hexdigest() == received.sha256
    with pytest.raises(EmptyFile):
        async with kept.accept(slowly(b"")):
            pass
    with pytest.raises(StorageUnavailable):
        await kept.open("0" * 64, 0, 1)


async def test_a_stream_that_is_no_evidence_is_given_up_at_once(app: FastAPI) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"<html>" * 1_000

    with pytest.raises(Exception, match="By its content"):
        async with app.state.files.accept(endless()):
            pass
    assert read == 1
