"""Use cases of files: keep an upload, tell about it, hand out its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from starlette.datastructures import Headers, State
from starlette.responses import Response, StreamingResponse

from service.attachments import store
from service.attachments.accept import Received
from service.attachments.files import Files
from service.attachments.form import Upload
from service.attachments.rules import byte_range, captured, content_disposition, safe_name
from service.auth.subject import Subject
from service.db import Session
from service.errors import NotFound
from service.kit import clock, event_log
from service.kit.conditional import has_already
from service.kit.idempotency import Answer, KeyReused, run_once
from service.kit.ids import uuid7

CASE_KIND = "attachment"
CLAUSES = ("23.2",)


async def upload(state: State, caller: Subject, asked: Upload) -> Response:
    """201 with the metadata of the kept file, or the first answer again.

    Raises what `Files.accept` raises, ImplausibleCaptureTime, KeyReused, StorageUnavailable.
    """
    files: Files = state.files
    async with files.accept(asked.chunks()) as received:
        now = clock.now()
        skew = timedelta(seconds=state.settings.clock_skew_seconds)
        row = _row(received, asked, caller.account_id, now, skew)
        # Stored before the transaction begins: storage may be slow, a connection is precious.
        await files.keep(received)
        async with state.db.session(caller.account_id) as session:
            return await run_once(
                session,
                caller.account_id,
                asked.once(received.source_sha256),
                lambda: insert(session, files, received, row),
            )


async def insert(session: Session, files: Files, received: Received, row: dict[str, Any]) -> Answer:
    """The row and event of a file that is kept; a taken id is a replay or a KeyReused."""
    await session.execute(store.SHARE_OBJECT, {"sha256": received.sha256})
    if not await files.has(received.sha256):
        await files.keep(received)
    headers = {"Location": f"/v1/attachments/{row['id']}"}
    if not await store.insert(session, row):
        if not await store.is_same(session, row):
            raise KeyReused(key=str(row["id"]))
        headers["Idempotency-Replayed"] = "true"
    else:
        await event_log.append(
            session,
            CASE_KIND,
            row["id"],
            event="attachment.uploaded",
            action="upload",
            actor_id=row["uploaded_by"],
            clauses=CLAUSES,
            now=row["uploaded_at"],
            payload={k: row[k] for k in ("sha256", "kind", "media_type", "size")},
        )
    body = await store.metadata_now(session, row["id"])
    return Answer(201, msgspec.json.decode(body), headers)


async def content(state: State, caller: Subject, file_id: UUID, asked: Headers) -> Response:
    """200, 206 for one range, or 304. Raises NotFound, RangeNotSatisfiable, StorageUnavailable."""
    found = await store.content_of(state.db, caller.account_id, file_id)
    if found is None:
        raise NotFound
    etag, size = f'"{found["sha256"]}"', found["size"]
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(found["filename"]),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if has_already(asked.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    # A range of another version than the one that the caller has begun with is worthless.
    unchanged = asked.get("if-range", etag).strip() == etag
    part = byte_range(asked.get("range"), size) if unchanged else None
    start, stop = part or (0, size)
    headers["Content-Length"] = str(stop - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    chunks = await state.files.open(found["sha256"], start, stop)
    return StreamingResponse(chunks, 206 if part else 200, headers, found["media_type"])


def _row(
    received: Received, asked: Upload, actor: UUID, now: datetime, skew: timedelta
) -> dict[str, Any]:
    lon, lat = received.taken.position or (None, None)
    return {
        "id": asked.fields.id or uuid7(),
        "sha256": received.sha256,
        "kind": received.type.kind,
        "media_type": received.type.media_type,
        "size": received.size,
        "filename": safe_name(asked.file.filename, received.type),
        "width": received.width,
        "height": received.height,
        "captured_at": captured(
            asked.fields.captured_at, received.taken.captured_at, now=now, skew=skew
        ),
        "lon": lon,
        "lat": lat,
        "uploaded_by": actor,
        "uploaded_at": now,
    }


async def usable(connection: Any, actor_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Which of `ids` exist and were uploaded by `actor_id`: what other rooms may link to."""
    return await store.usable(connection, actor_id, ids)
