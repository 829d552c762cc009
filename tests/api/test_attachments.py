"""Sending files over HTTP: what is taken, under which name, what is refused and why."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from obstore.store import MemoryStore
from PIL import Image

from service.attachments.file_types import JPEG, Limits
from service.attachments.files import Files
from service.attachments.rules import safe_name
from service.config import Settings
from tests import files
from tests.evidence import GRID, JSON, send, sent, stored_bytes, stored_paths
from tests.people import People, Person


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", GRID))


async def test_a_photo_is_kept_without_its_position_which_is_read_first(
    worker: Person, settings: Settings
) -> None:
    made = await sent(worker, files.jpeg(files.exif()), "现场照片.JPG")
    assert (made["kind"], made["media_type"], made["filename"]) == (
        "photo", "image/jpeg", "现场照片.jpg",
    )  # fmt: skip
    assert made["position"]["type"] == "Point"
    assert made["position"]["coordinates"] == pytest.approx([files.LON, files.LAT], abs=1e-6)
    assert datetime.fromisoformat(made["captured_at"]) == datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
    assert (made["width"], made["height"], made["cases"]) == (64, 48, [])
    assert made["uploaded_by"] == str(worker.id)

    content = stored_bytes(settings, made["sha256"])
    assert hashlib.sha256(content).hexdigest() == made["sha256"]
    assert len(content) == made["size"]
    assert files.NOTE not in content
    with Image.open(io.BytesIO(content)) as image:
        assert dict(image.getexif()) == {0x0112: 6}


@pytest.mark.parametrize(
    ("data", "name", "kind", "media_type"),
    [
        (files.mp3(), "a.mp3", "audio", "audio/mpeg"),
        (files.ogg(), "a.ogg", "audio", "audio/ogg"),
        (files.wav(), "a.wav", "audio", "audio/wav"),
        (files.mp4((b"soun",), brand=b"M4A "), "a.m4a", "audio", "audio/mp4"),
        (files.mp4(), "a.mp4", "video", "video/mp4"),
        (files.webp(), "a.webp", "photo", "image/webp"),
        (files.pdf(), "a.pdf", "document", "application/pdf"),
        (files.png(), "a.jpg", "photo", "image/png"),
    ],
)
async def test_the_type_is_what_the_content_is(
    worker: Person, data: bytes, name: str, kind: str, media_type: str
) -> None:
    made = await sent(worker, data, name, kind="text/html")
    assert (made["kind"], made["media_type"]) == (kind, media_type)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("photo.JPEG", "photo.jpeg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Users\\me\\a.jpg", "a.jpg"),
        ("evil.html", "evil.html.jpg"),
        ("a.jpg.exe", "a.jpg.exe.jpg"),
        ("a\u202egpj.exe", "agpj.exe.jpg"),
        ("...", "photo.jpg"),
        (".jpg", "photo.jpg"),
        ("a<b>|c?.jpg", "a_b__c_.jpg"),
        ("字" * 300 + ".jpg", "字" * 76 + ".jpg"),
    ],
)
async def test_a_file_name_harms_nobody(worker: Person, given: str, kept: str) -> None:
    assert (await sent(worker, files.jpeg(), given))["filename"] == kept


@pytest.mark.parametrize(
    "given", [None, "", "a\0b\tc\x7f.jpg", "a/b\\c", "\ud800x", "\u200f\u2066"]
)
def test_a_name_of_control_characters_is_cleaned_too(given: str | None) -> None:
    kept = safe_name(given, JPEG)
    assert kept.isprintable()
    assert kept.endswith(".jpg")
    assert len(kept) > 4
    kept.encode()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"<html><script>alert(1)</script></html>", 415, "unsupported_file"),
        (b"\xff\xd8\xff<html>" + b"x" * 99, 422, "damaged_file"),
        (b"GIF89a" + bytes(50), 415, "unsupported_file"),
        (files.jpeg()[:300], 422, "damaged_file"),
    ],
)
async def test_what_is_no_evidence_is_refused_and_nothing_is_kept(
    worker: Person, settings: Settings, data: bytes, status: int, code: str
) -> None:
    before = stored_paths(settings)
    answer = await send(worker, data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert stored_paths(settings) == before


async def test_a_picture_that_would_fill_the_memory_is_refused(worker: Person) -> None:
    bomb = io.BytesIO()
    Image.new("1", (9_000, 6_000)).save(bomb, "PNG")
    answer = await send(worker, bomb.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_too_large")


async def test_a_file_over_the_limit_is_refused(worker: Person, app: FastAPI) -> None:
    normal = app.state.files
    app.state.files = Files(MemoryStore(), Limits(photo=500, audio=1, video=1, document=1))
    try:
        answer = await send(worker, files.jpeg())
    finally:
        app.state.files = normal
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
PART = b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"content-type": "application/json"}, b"{}", 415, "unsupported_media_type"),
        ({"content-type": "image/jpeg"}, files.jpeg(), 415, "unsupported_media_type"),
        ({"content-type": "multipart/form-data"}, b"--b--", 400, "malformed_body"),
        (BOUNDARY, b"", 422, "invalid_input"),
        (
            {"content-type": "multipart/form-data; boundary=b; charset=punycode"},
            PART % (b"id", b"", b"\xff\xfe") + b"--b--\r\n",
            400,
            "malformed_body",
        ),
        (BOUNDARY, b"\x00\xff broken", 400, "malformed_body"),
        (BOUNDARY, b"--b--\r\n", 422, "invalid_input"),
        (BOUNDARY, PART % (b"file", b"", b"text") + b"--b--\r\n", 422, "invalid_input"),
        (BOUNDARY, PART % (b"photo", b'; filename="a.jpg"', files.jpeg()) + b"--b--\r\n",
         422, "invalid_input"),
        (BOUNDARY, (PART % (b"id", b"", b"x")) * 2 + b"--b--\r\n", 400, "malformed_body"),
        (BOUNDARY, (PART % (b"file", b'; filename="a"', b"x")) * 2 + b"--b--\r\n",
         400, "malformed_body"),
        (BOUNDARY, PART % (b"id", b"", b"x" * 5_000) + b"--b--\r\n", 400, "malformed_body"),
    ],
    ids=["json", "no form", "no boundary", "nothing", "odd charset", "noise", "empty form", "text",
         "other name", "field twice", "two files", "long field"],
)  # fmt: skip
async def test_a_form_that_is_none_is_a_clear_problem(
    worker: Person, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = await worker.http.post("/v1/attachments", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": "42"}, "/id"),
        ({"captured_at": "yesterday"}, "/captured_at"),
        ({"captured_at": "2026-01-01T00:00:00"}, "/captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+08:00"}, "/captured_at"),
        ({"captured_at": "2199-01-01T00:00:00+08:00"}, "/captured_at"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_field_is_named(worker: Person, fields: JSON, pointer: str) -> None:
    answer = await send(worker, files.jpeg(), **fields)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_the_clients_capture_time_wins_over_the_files(worker: Person) -> None:
    made = await sent(worker, files.jpeg(files.exif()), captured_at="2026-02-01T08:00:00+08:00")
    assert datetime.fromisoformat(made["captured_at"]) == datetime(2026, 2, 1, tzinfo=UTC)


async def test_only_who_may_write_files_sends_them(
    people: People, client: httpx.AsyncClient
) -> None:
    auditor = people.make(("auditor", "511723"))
    answer = await send(auditor, files.jpeg())
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    anonymous = await client.post("/v1/attachments", files={"file": ("a.jpg", files.jpeg())})
    assert anonymous.status_code == 401
