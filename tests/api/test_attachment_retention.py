"""What never became evidence is deleted, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import obstore
import pytest
from fastapi import FastAPI
from obstore.store import MemoryStore

from service.attachments.files import Files
from service.attachments.retention import Purged, purge_orphans
from service.kit import clock
from tests.evidence import GRID, backdate, link, send, sent, unique_jpeg
from tests.people import People, Person


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", GRID))


async def test_files_that_became_no_evidence_are_deleted_after_a_week(
    worker: Person, app: FastAPI, database_url: str
) -> None:
    db, kept = app.state.db, app.state.files
    shared = unique_jpeg()
    orphan, linked, young = [await sent(worker, unique_jpeg()) for _ in range(3)]
    twin, other_twin = await sent(worker, shared), await sent(worker, shared)
    link(database_url, linked["id"])
    link(database_url, other_twin["id"])
    backdate(database_url, *(f["id"] for f in (orphan, linked, twin, other_twin)), days=8)

    assert await purge_orphans(db, kept, clock.now()) == Purged(rows=2, objects=1)
    for gone in (orphan, twin):
        assert (await worker.get(f"/v1/attachments/{gone['id']}")).status_code == 404
    assert not await kept.has(orphan["sha256"])
    for left in (linked, young, other_twin):
        answer = await worker.get(f"/v1/attachments/{left['id']}/content")
        assert answer.status_code == 200, "evidence, young files and shared objects stay"
    assert await purge_orphans(db, kept, clock.now()) == Purged()
    events = await db.writes.fetch(
        "SELECT seq, event FROM case_event WHERE case_id = $1 ORDER BY seq", UUID(orphan["id"])
    )
    assert [tuple(e) for e in events] == [(1, "attachment.uploaded"), (2, "attachment.purged")]


async def test_no_clock_makes_the_database_delete_what_is_younger_than_a_day(
    worker: Person, app: FastAPI
) -> None:
    made = await sent(worker, unique_jpeg())
    ahead = clock.now() + timedelta(days=400)
    assert (
        await purge_orphans(app.state.db, Files(MemoryStore(), app.state.files.limits), ahead)
    ).rows == 0
    assert (await worker.get(f"/v1/attachments/{made['id']}")).status_code == 200


async def test_an_object_that_no_file_names_is_swept(app: FastAPI, worker: Person) -> None:
    memory = MemoryStore()
    kept = Files(memory, app.state.files.limits)
    made = await sent(worker, unique_jpeg())
    for sha256 in (made["sha256"], "ab" * 32):
        await obstore.put_async(memory, f"{sha256[:2]}/{sha256}", b"x")
    tomorrow = clock.now() + timedelta(days=1)
    assert await purge_orphans(app.state.db, kept, clock.now()) == Purged()
    done = await purge_orphans(app.state.db, kept, tomorrow, older_than=timedelta(hours=1))
    assert (done.rows, done.objects) == (0, 1)
    assert await kept.has(made["sha256"])
    assert not await kept.has("ab" * 32)


async def test_a_file_under_purge_is_kept_again_by_who_sends_it_meanwhile(
    worker: Person, app: FastAPI, database_url: str
) -> None:
    data = unique_jpeg()
    orphan = await sent(worker, data)
    backdate(database_url, orphan["id"], days=8)
    purged, again = await asyncio.gather(
        purge_orphans(app.state.db, app.state.files, clock.now()), send(worker, data)
    )
    assert again.status_code == 201
    content = await worker.get(f"/v1/attachments/{again.json()['id']}/content")
    assert content.status_code == 200, purged
