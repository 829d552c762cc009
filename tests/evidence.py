"""Sends files for tests, and makes cases that they are evidence of."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg

from service.attachments import schemas
from service.config import Settings
from service.kit import clock
from service.kit.ids import uuid7
from tests import files
from tests.people import Person

VILLAGE = "511723100200"
GRID = "511723100200001"
ELSEWHERE = "511723101200001"
HEIGHTS = itertools.count(40)
JSON = dict[str, Any]


async def send(
    person: Person, data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg", **more: Any
) -> httpx.Response:
    headers = more.pop("headers", None)
    return await person.http.post(
        "/v1/attachments", files={"file": (name, data, kind)}, data=more, headers=headers
    )


async def sent(person: Person, data: bytes, name: str = "photo.jpg", **more: Any) -> JSON:
    """The metadata of a file that was taken."""
    answer = await send(person, data, name, **more)
    assert answer.status_code == 201, answer.text
    schemas.Attachment.model_validate(answer.json())
    made: JSON = answer.json()
    return made


def unique_jpeg() -> bytes:
    """A photo that nobody else sends: its height is its own."""
    return files.jpeg(width=40, height=next(HEIGHTS))


def link(database_url: str, attachment: str, *, grid: str = GRID, unit: str | None = None) -> UUID:
    """An incident in `grid` with the file as evidence of its first event."""
    incident = uuid7()
    now = clock.now()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO incident (id, number, category_code, category_version, level, channel,"
            " description, occurred_at, reported_at, reporter_id, state, tier, version, head_hash,"
            " last_event_at, county_code, township_code, village_code, grid_code, location, raw_x,"
            " raw_y, raw_crs, cell, handler_ids, returns, clauses, concerns_unit)"
            " VALUES (%(id)s, %(number)s, '0601', 1, 3, 'app', 'x', %(now)s, %(now)s, %(id)s,"
            " 'reported', 1, 1, '', %(now)s, left(%(grid)s, 6), left(%(grid)s, 9),"
            " left(%(grid)s, 12), %(grid)s, ST_SetSRID(ST_MakePoint(107.8, 31.0), 4490), 107.8,"
            " 31.0, 'cgcs2000', 1, '{}', 0, '{23.2}', %(unit)s)",
            {"id": incident, "number": str(incident), "now": now, "grid": grid, "unit": unit},
        )
        connection.execute("INSERT INTO attachment_link VALUES (%s, %s, 1)", (attachment, incident))
    return incident


def stored_paths(settings: Settings, name: str = "*") -> list[Path]:
    return sorted(Path(settings.storage_url).rglob(name))


def stored_bytes(settings: Settings, sha256: str) -> bytes:
    return (Path(settings.storage_url) / sha256[:2] / sha256).read_bytes()


def backdate(database_url: str, *ids: str, days: int) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE attachment SET uploaded_at = now() - make_interval(days => %s)"
            " WHERE id = ANY(%s::uuid[])",
            (days, list(ids)),
        )
