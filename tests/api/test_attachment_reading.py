"""Reading files: by scope, conditionally, in ranges, safely."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from service.config import Settings
from service.kit.ids import uuid7
from tests import files
from tests.evidence import ELSEWHERE, GRID, JSON, VILLAGE, link, sent, unique_jpeg
from tests.people import People, Person


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", GRID))


async def test_the_metadata_is_read_again_and_the_bytes_come_back_safely(worker: Person) -> None:
    made = await sent(worker, files.png(files.exif()), '../../etc/pass"wd\x07.png')
    read = await worker.get(f"/v1/attachments/{made['id']}")
    assert read.json() == made
    assert "</v1/plan/clauses/23.2>" in read.headers["link"]
    answer = await worker.get(f"/v1/attachments/{made['id']}/content")
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == made["sha256"]
    head = answer.headers
    assert head["content-type"] == "image/png"
    assert head["content-length"] == str(made["size"])
    assert head["etag"] == f'"{made["sha256"]}"'
    assert head["x-content-type-options"] == "nosniff"
    assert "sandbox" in head["content-security-policy"]
    assert head["cache-control"] == "private, no-cache"
    assert head["content-disposition"].startswith('attachment; filename="')
    assert made["filename"] == "pass%22wd%07.png"


async def test_a_chinese_name_is_given_back_in_the_encoded_form(worker: Person) -> None:
    made = await sent(worker, files.pdf(), "情况说明.pdf")
    answer = await worker.get(f"/v1/attachments/{made['id']}/content")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="____.pdf"; '
        "filename*=UTF-8''%E6%83%85%E5%86%B5%E8%AF%B4%E6%98%8E.pdf"
    )


async def test_a_file_is_read_by_its_sender_and_by_who_may_read_a_case_it_is_evidence_of(
    worker: Person, people: People, database_url: str
) -> None:
    made = await sent(worker, unique_jpeg())
    path = f"/v1/attachments/{made['id']}"
    village = people.make(("village_dispatcher", VILLAGE))
    stranger = people.make(("grid_worker", ELSEWHERE))
    for reader in (village, stranger):
        for what in (path, f"{path}/content"):
            answer = await reader.get(what)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    case = link(database_url, made["id"])
    seen = await village.get(path)
    assert seen.json()["cases"] == [{"id": str(case), "seq": 1}]
    assert (await village.get(f"{path}/content")).status_code == 200
    for what in (path, f"{path}/content"):
        assert (await stranger.get(what)).status_code == 404


async def test_cases_that_the_caller_may_not_read_are_not_named(
    worker: Person, people: People, database_url: str
) -> None:
    made = await sent(worker, unique_jpeg())
    case = link(database_url, made["id"])
    link(database_url, made["id"], grid=ELSEWHERE)
    seen = await worker.get(f"/v1/attachments/{made['id']}")
    assert [c["id"] for c in seen.json()["cases"]] == [str(case)]


@pytest.mark.parametrize("path", ["/v1/attachments/42", "/v1/attachments/42/content"])
async def test_a_bad_id_is_a_clear_problem(worker: Person, path: str) -> None:
    assert (await worker.get(path)).status_code == 422
    gone = await worker.get(path.replace("42", str(uuid7())))
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


@pytest.fixture(scope="module")
async def photo(worker: Person) -> JSON:
    return await sent(worker, files.jpeg(width=300, height=200))


async def fetch(worker: Person, photo: JSON, **headers: str) -> httpx.Response:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return await worker.get(f"/v1/attachments/{photo['id']}/content", headers=named)


async def test_bytes_that_the_caller_has_are_not_sent_again(worker: Person, photo: JSON) -> None:
    answer = await fetch(worker, photo, if_none_match=f'"x", "{photo["sha256"]}"', range="bytes=0-")
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{photo["sha256"]}"'
    assert (await fetch(worker, photo, if_none_match='"x"')).status_code == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=-99999999", slice(0, None)),
        ("bytes=10-99999999", slice(10, None)),
    ],
)
async def test_one_range_is_answered_with_just_that(
    worker: Person, photo: JSON, asked: str, part: slice
) -> None:
    whole = (await fetch(worker, photo)).content
    answer = await fetch(worker, photo, range=asked)
    assert answer.status_code == 206
    assert answer.content == whole[part]
    first, stop, _ = part.indices(len(whole))
    assert answer.headers["content-range"] == f"bytes {first}-{stop - 1}/{len(whole)}"
    assert answer.headers["content-length"] == str(stop - first)


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-3", "bytes=", "lines=1-2", "bytes=a-b"]
)
async def test_what_is_no_single_range_gets_the_whole(
    worker: Person, photo: JSON, asked: str
) -> None:
    answer = await fetch(worker, photo, range=asked)
    assert (answer.status_code, len(answer.content)) == (200, photo["size"])


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
async def test_a_range_outside_the_file_is_416(worker: Person, photo: JSON, asked: str) -> None:
    answer = await fetch(worker, photo, range=asked)
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{photo['size']}"


async def test_a_range_of_another_version_is_answered_with_the_whole(
    worker: Person, photo: JSON
) -> None:
    same = await fetch(worker, photo, range="bytes=0-9", if_range=f'"{photo["sha256"]}"')
    other = await fetch(worker, photo, range="bytes=0-9", if_range='"other"')
    assert (same.status_code, other.status_code) == (206, 200)


async def test_lost_or_silent_storage_is_503_and_not_an_empty_file(
    worker: Person, app: FastAPI, settings: Settings
) -> None:
    made = await sent(worker, unique_jpeg())
    (Path(settings.storage_url) / made["sha256"][:2] / made["sha256"]).unlink()
    answer = await worker.get(f"/v1/attachments/{made['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert "retry-after" in answer.headers
