"""Use cases of exporting. What leaves the service is on record before its first byte goes out.

What is exported is what the caller sees: the same lists, the same masks. A file is made whole, in
a file of the system without a name, so that a failure is an answer and never half a list.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import msgspec
from starlette.datastructures import State

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.dispatch import actions as console
from service.dispatch.errors import ExportTooLarge
from service.dispatch.export.cells import cells
from service.dispatch.export.query import ExportQuery
from service.dispatch.export.sheets import CsvSheet, Sheet, XlsxSheet
from service.errors import Forbidden
from service.incidents import actions as incidents
from service.incidents.workflow import INCIDENT
from service.kit import clock, event_log
from service.kit.ids import uuid7
from service.kit.timeline import timeline

MAX_ROWS, PAGE = 10_000, 500
CHUNK = 1 << 16
# Personal data are shared by rule, with a record of use.
CLAUSES = ("23.2", "31.3")
EXPORT = Permission.INCIDENT_EXPORT
SHEETS: dict[str, Callable[[IO[bytes], str], Sheet]] = {"csv": CsvSheet, "xlsx": XlsxSheet}
# Making a file keeps a core busy: so many at a time in one process.
_turn = asyncio.Semaphore(2)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that is ready to go out."""

    file: IO[bytes]
    name: str
    media_type: str
    size: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its content, piece by piece."""
        with self.file:
            while chunk := await asyncio.to_thread(self.file.read, CHUNK):
                yield chunk


async def export_list(state: State, caller: Subject, query: ExportQuery, kind: str) -> Exported:
    """The list as a `csv` or `xlsx` file. Raises Forbidden, ExportTooLarge."""
    if not caller.has(EXPORT):
        raise Forbidden
    now = clock.now()
    mark = _mark(caller, now)
    # What one may read without being allowed to export it stays here.
    able = replace(caller, grants=caller.grants_for(EXPORT))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives until its last piece has gone out
    try:
        async with _turn:
            sheet = SHEETS[kind](file, mark)
            try:
                rows = await _fill(state, able, query, sheet, mark)
            finally:
                # Whatever became of it: a workbook has files of its own until then.
                await asyncio.to_thread(sheet.finish)
            size, digest = await asyncio.to_thread(_measure, file)
        payload = {**query.described(), "format": kind, "rows": rows, "sha256": digest}
        await _record(state, caller, "list", now, payload)
    except BaseException:
        file.close()
        raise
    return Exported(file, f"incidents-{clock.local(now):%Y%m%d-%H%M%S}.{sheet.suffix}",
                    sheet.media_type, size)  # fmt: skip


async def export_case(state: State, caller: Subject, incident_id: UUID) -> tuple[bytes, str]:
    """The case file as PDF, and its name. Raises NotFound, Forbidden."""
    body, _, _ = await incidents.show(state, caller, incident_id)
    incident: dict[str, Any] = msgspec.json.decode(body)
    unit = incident["holder"]["unit"]
    if caller.role_in(EXPORT, incident["grid_code"], unit) is None:
        raise Forbidden
    history = await timeline(state.db, caller.account_id, incident_id, INCIDENT.kind)
    steps = msgspec.json.decode(history)["items"]
    now = clock.now()
    name = _category(state, incident["category"])
    async with _turn:
        pdf = await asyncio.to_thread(_draw, incident, steps, name, _mark(caller, now))
    digest = hashlib.sha256(pdf).hexdigest()
    payload = {"format": "pdf", "incident": str(incident_id), "sha256": digest,
               "version": incident["version"]}  # fmt: skip
    await _record(state, caller, "case", now, payload)
    return pdf, f"{incident['number']}.pdf"


def _draw(incident: dict[str, Any], steps: list[Any], name: str, mark: str) -> bytes:
    # Imported at the first case file: the PDF library takes a third of the whole start-up.
    from service.dispatch.export.casefile import case_file

    return case_file(incident, steps, name, mark)


async def _fill(
    state: State, able: Subject, query: ExportQuery, sheet: Sheet, mark: str
) -> int:  # fmt: skip
    """Write every page of the list; how many rows. Raises ExportTooLarge."""
    rows, cursor = 0, None
    while True:
        items, cursor = await _page(state, able, query, cursor)
        rows += len(items)
        if rows > MAX_ROWS:
            raise ExportTooLarge(limit=MAX_ROWS)
        names = {item["category"]: _category(state, item["category"]) for item in items}
        lines = [cells(item, names[item["category"]], mark) for item in items]
        await asyncio.to_thread(sheet.write, lines)
        if cursor is None:
            return rows


async def _page(
    state: State, able: Subject, query: ExportQuery, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    if query.source == "queue":
        texts, following = await console.queue_page(state, able, query.wanted(), cursor, PAGE)
        return [msgspec.json.decode(text) for text in texts], following
    filters = query.incidents().filters()
    page = msgspec.json.decode(await incidents.list_page(state, able, filters, cursor, PAGE))
    return page["items"], page["next"]


def _category(state: State, code: str) -> str:
    row = state.categories.peek().by_code.get(code)
    return row.name_zh if row is not None else ""


def _mark(caller: Subject, now: datetime) -> str:
    return f"{caller.name} {caller.login} {clock.local(now):%Y-%m-%d %H:%M:%S} 导出"


def _measure(file: IO[bytes]) -> tuple[int, str]:
    """The size of a finished file and its SHA-256; it is at its beginning afterwards."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    size = file.tell()
    file.seek(0)
    return size, digest.hexdigest()


async def _record(
    state: State, caller: Subject, what: str, now: datetime, payload: dict[str, Any]
) -> None:
    role = caller.grants_for(EXPORT)[0].role.value
    async with state.db.session(caller.account_id) as session:
        await event_log.append(
            session, "export", uuid7(), event=f"export.{what}_exported", action="export",
            actor_id=caller.account_id, actor_role=role, clauses=CLAUSES, now=now, payload=payload,
        )  # fmt: skip
        await session.commit()
