"""Use cases of the plan: read clauses with what fulfils them, coverage, imports."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.db import Database, Session
from service.errors import NotFound
from service.kit import event_log
from service.kit.ids import uuid7
from service.kit.paging import Cursors, page_bytes
from service.plan import store
from service.plan.catalogue import (
    ClauseFilter,
    find,
    select,
    show_measure,
    show_remarks,
    show_section,
    show_task,
)
from service.plan.coverage import coverage
from service.plan.errors import refusal_of
from service.plan.evidence import show_counts, show_workflows
from service.plan.fulfilment import Operations, naming, show_indicators
from service.plan.imports import ImportReport, pieces_of, report_of
from service.plan.parser import parse_plan_bytes
from service.plan.parsing.errors import PlanParseError
from service.plan.registry import load_registry
from service.plan.registry_entries import PlanMeasure, PlanTask

CASE_KIND = "plan"
IMPORT_CLAUSES = ("36.2",)
IMPORTS_SCOPE = "plan-imports"
# What the service does by itself is signed with the nil UUID (RFC 9562 section 5.9).
SERVICE = UUID(int=0)
# What of the newest event is only for those who may read its case.
UNSEEN = ("event", "action", "case_kind", "case_id", "case_number")


async def list_clauses(
    db: Database, cursors: Cursors, wanted: ClauseFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of measures with the sections and tasks that they belong to. Raises BadCursor."""
    registry, texts = load_registry(), await store.official_texts(db)
    after = cursors.read(cursor, wanted.scope, int, int) if cursor else (0, 0)
    found = [m for m in select(registry, wanted, texts) if (m.task, m.number) > after]
    page = found[:limit]
    more = cursors.make(wanted.scope, page[-1].task, page[-1].number) if found[limit:] else None
    sections = dict.fromkeys(m.section for m in page)
    return {
        "items": [show_measure(registry, m, texts) for m in page],
        "next": more,
        "sections": [show_section(registry.sections[n]) for n in sections],
        "tasks": [show_task(registry.tasks[n], texts) for n in dict.fromkeys(m.task for m in page)],
    }


async def show_clause(
    db: Database, operations: Operations, actor: UUID, asked: str
) -> dict[str, Any]:
    """A measure or a task with what fulfils it and what was done. Raises UnknownPlanClause."""
    found = find(load_registry(), asked)
    if isinstance(found, PlanTask):
        return await _task(db, operations, found)
    return await _measure(db, operations, actor, found)


async def _measure(
    db: Database, operations: Operations, actor: UUID, measure: PlanMeasure
) -> dict[str, Any]:
    registry, clause = load_registry(), measure.clause
    texts = await store.official_texts(db)
    rows = await store.evidence(db, [clause])
    return {
        **show_measure(registry, measure, texts),
        **show_remarks(measure),
        "outline": {
            "section": show_section(registry.sections[measure.section]),
            "task": show_task(registry.tasks[measure.task], texts),
        },
        "official": await store.official(db, clause, "measure"),
        "workflows": show_workflows(rows, clause),
        "operations": [o.shown for o in naming(await operations.all(), [clause])],
        "indicators": show_indicators(operations.indicators, [clause]),
        "evidence": {**show_counts(rows), "last": await _last(db, actor, rows)},
    }


async def _last(db: Database, actor: UUID, rows: list[store.Counted]) -> dict[str, Any] | None:
    """The newest event: all of it for those who may read its case, only the time for others."""
    newest = max(rows, key=lambda row: row.last_event_id, default=None)
    if newest is None:
        return None
    seen = await store.last_event(db, actor, newest.last_event_id)
    return {"at": newest.last_at, **(seen or dict.fromkeys(UNSEEN))}


async def _task(db: Database, operations: Operations, task: PlanTask) -> dict[str, Any]:
    registry, clauses = load_registry(), task.clauses
    texts = await store.official_texts(db)
    rows = await store.evidence(db, clauses)
    return {
        **show_task(task, texts),
        "outline": {"section": show_section(registry.sections[task.section])},
        "official": await store.official(db, str(task.number), "task"),
        "measures": [
            {
                **show_measure(registry, registry.measures[clause], texts),
                "evidence": show_counts([row for row in rows if row.clause == clause]),
            }
            for clause in clauses
        ],
        "operations": [o.shown for o in naming(await operations.all(), clauses)],
        "indicators": show_indicators(operations.indicators, clauses),
    }


async def show_coverage(db: Database, operations: Operations) -> dict[str, Any]:
    """How much of the plan the service covers, and what has no counterpart."""
    return coverage(load_registry(), await operations.all(), await store.evidenced(db))


async def import_plan(
    session: Session, data: bytes, filename: str | None, actor_id: UUID | None, now: datetime
) -> ImportReport:
    """Parse, store and report a deployment's official text; the caller commits.

    `actor_id` is None for an import by the service itself (the command line). Every piece of the
    text is stored as written, a number that stands twice is stored twice and told; only a file
    that is no plan is refused as a whole: raises PlanRefused (of which the parser's refusals are
    subclasses) and then stores nothing.
    """
    try:
        plan = await asyncio.to_thread(parse_plan_bytes, data)
    except PlanParseError as error:
        raise refusal_of(error) from error
    report = report_of(
        plan,
        load_registry(),
        import_id=uuid7(),
        data=data,
        filename=filename,
        actor_id=actor_id,
        now=now,
    )
    stored = msgspec.structs.asdict(report)
    outline = {name: report.counts[name] for name in ("sections", "tasks", "measures")}
    await store.insert_import(session, {**stored, **outline}, pieces_of(plan))
    await event_log.append(
        session,
        CASE_KIND,
        report.id,
        event="plan.imported",
        action="import",
        actor_id=actor_id or SERVICE,
        clauses=IMPORT_CLAUSES,
        now=now,
        payload={"file_sha256": report.file_sha256, **report.counts},
    )
    return report


async def list_imports(db: Database, cursors: Cursors, *, limit: int, cursor: str | None) -> bytes:
    """A page of imports as JSON, newest first. Raises BadCursor."""
    after = cursors.read(cursor, IMPORTS_SCOPE, datetime, UUID) if cursor else (None, None)
    rows = await db.reads.fetch(store.IMPORTS, *after, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursors.make(IMPORTS_SCOPE, last["imported_at"], last["id"]) if last else None
    return page_bytes([row["body"] for row in rows[:limit]], more)


async def show_import(db: Database, import_id: UUID, *, pieces: bool) -> dict[str, Any]:
    """An import with its report, and all pieces of its text when asked. Raises NotFound."""
    row = await db.reads.fetchrow(store.IMPORT, import_id)
    if row is None:
        raise NotFound
    told = msgspec.json.decode(row["irregularities"])
    body = {
        **msgspec.json.decode(row["head"]),
        "by_kind": dict(Counter(one["kind"] for one in told).most_common()),
        "irregularities": told,
        "differences": msgspec.Raw(row["differences"].encode()),
    }
    if pieces:
        found: str = await db.reads.fetchval(store.PIECES, import_id)
        body["pieces"] = msgspec.Raw(found.encode())
    return body
