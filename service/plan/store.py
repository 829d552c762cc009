"""All SQL of the plan: imports and their pieces, and the counts of evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text

from service.db import Database, Session, as_actor
from service.plan.fulfilment import CLOSED, KINDS

NEWEST = "SELECT id FROM plan_import ORDER BY imported_at DESC, id DESC LIMIT 1"
# What stands more than once is shown whole, in the file's order.
OFFICIAL_TEXTS = f"""
SELECT clause, string_agg(raw_text, E'\\n' ORDER BY ordinal) AS raw_text
FROM plan_text WHERE import_id = ({NEWEST}) AND kind IN ('task', 'measure') GROUP BY clause
"""
PIECE = """json_build_object(
  'kind', t.kind, 'clause', t.clause, 'ordinal', t.ordinal, 'line', t.line, 'text', t.text,
  'raw_text', t.raw_text, 'units_text', t.units_text, 'leads', t.leads,
  'cooperating', t.cooperating, 'completion', CASE WHEN t.kind = 'measure' THEN json_build_object(
    'kind', t.deadline_kind, 'text', t.deadline_text, 'year', t.deadline_year) END)"""
OFFICIAL = f"""
SELECT i.id, i.filename, i.imported_at, coalesce(
  (SELECT json_agg({PIECE} ORDER BY t.ordinal) FROM plan_text t
   WHERE t.import_id = i.id AND t.clause = $1 AND t.kind = $2), '[]'::json)::text AS pieces
FROM plan_import i WHERE i.id = ({NEWEST})
"""
IMPORT_HEAD = """json_build_object(
  'id', i.id, 'filename', i.filename, 'file_sha256', i.file_sha256, 'encoding', i.encoding,
  'imported_by', i.imported_by, 'imported_at', i.imported_at, 'counts', json_build_object(
    'sections', i.sections, 'tasks', i.tasks, 'measures', i.measures,
    'irregularities', jsonb_array_length(i.irregularities),
    'differences', jsonb_array_length(i.differences)))"""
IMPORTS = f"""
SELECT i.id, i.imported_at, ({IMPORT_HEAD})::text AS body FROM plan_import i
WHERE ($1::timestamptz IS NULL OR (i.imported_at, i.id) < ($1, $2::uuid))
ORDER BY i.imported_at DESC, i.id DESC LIMIT $3
"""
IMPORT = f"""
SELECT ({IMPORT_HEAD})::text AS head, i.irregularities::text, i.differences::text
FROM plan_import i WHERE i.id = $1
"""
PIECES = f"""
SELECT coalesce(json_agg({PIECE} ORDER BY t.line, t.kind, t.ordinal), '[]'::json)::text
FROM plan_text t WHERE t.import_id = $1
"""
INSERT_IMPORT = text("""
INSERT INTO plan_import (id, filename, file_sha256, encoding, sections, tasks, measures,
  irregularities, differences, imported_by, imported_at)
VALUES (:id, :filename, :file_sha256, :encoding, :sections, :tasks, :measures,
  CAST(:irregularities AS jsonb), CAST(:differences AS jsonb), :imported_by, :imported_at)
""")
INSERT_PIECES = text("""
INSERT INTO plan_text (import_id, kind, clause, ordinal, line, text, raw_text, leads, cooperating,
  units_text, deadline_kind, deadline_text, deadline_year)
SELECT :import_id, p.kind, p.clause, p.ordinal, p.line, p.text, p.raw_text, p.leads,
  p.cooperating, p.units_text, p.deadline_kind, p.deadline_text, p.deadline_year
FROM jsonb_to_recordset(CAST(:pieces AS jsonb)) AS p(kind text, clause text, ordinal int, line int,
  text text, raw_text text, leads jsonb, cooperating jsonb, units_text text, deadline_kind text,
  deadline_text text, deadline_year int)
""")
EVIDENCE = """
SELECT clause, case_kind, event, action, events, cases, open_change, last_event_id, last_at
FROM gw_plan_evidence($1::text[], $2::text[]) WHERE clause = ANY ($3::text[])
ORDER BY clause, case_kind, event, action
"""
EVIDENCED = "SELECT DISTINCT clause FROM gw_plan_evidence($1::text[], $2::text[])"
# Row-level security decides whether the caller sees what happened, or only that something did.
LAST = as_actor("""
SELECT e.event, e.action, e.case_kind, e.case_id, i.number AS case_number
FROM case_event e LEFT JOIN incident i ON i.id = e.case_id AND e.case_kind = 'incident'
WHERE e.id = $2
""")
# Counting, on the owner's connection: see service.plan.evidence.
BLIND = "SELECT row_security_active('case_event')"
MARK = "SELECT event_id FROM plan_evidence_mark FOR UPDATE"
COUNT = """
INSERT INTO plan_evidence AS p (clause, case_kind, event, action, events, cases, open_change,
  last_event_id, last_at)
SELECT c.clause, c.case_kind, c.event, c.action, c.events, c.cases, c.open_change, c.last_event_id,
  (SELECT e.recorded_at FROM case_event e WHERE e.id = c.last_event_id)
FROM gw_count_plan_evidence($1, $2, $3::text[], $4::text[]) AS c
ON CONFLICT (clause, case_kind, event, action) DO UPDATE SET
  events = p.events + excluded.events, cases = p.cases + excluded.cases,
  open_change = p.open_change + excluded.open_change,
  last_event_id = excluded.last_event_id, last_at = excluded.last_at
"""
SET_MARK = "UPDATE plan_evidence_mark SET event_id = $1"


class Counted(NamedTuple):
    """How often one event named one clause, and when last."""

    clause: str
    case_kind: str
    event: str
    action: str
    events: int
    cases: int
    open_change: int
    last_event_id: int
    last_at: datetime


async def official_texts(db: Database) -> dict[str, str]:
    """Clause or task number to its text as written, from the newest import; empty without one."""
    return {row["clause"]: row["raw_text"] for row in await db.reads.fetch(OFFICIAL_TEXTS)}


async def official(db: Database, clause: str, kind: str) -> dict[str, Any] | None:
    """The newest import and what it says under `clause`; None when nothing was imported."""
    row = await db.reads.fetchrow(OFFICIAL, clause, kind)
    if row is None:
        return None
    return {
        "import_id": row["id"],
        "filename": row["filename"],
        "imported_at": row["imported_at"],
        "pieces": msgspec.Raw(row["pieces"].encode()),
    }


async def evidence(db: Database, clauses: Sequence[str]) -> list[Counted]:
    """The counts of `clauses`, right at this moment."""
    rows = await db.reads.fetch(EVIDENCE, KINDS, CLOSED, list(clauses))
    return [Counted(*row) for row in rows]


async def evidenced(db: Database) -> frozenset[str]:
    """The clauses that any event has named."""
    rows = await db.reads.fetch(EVIDENCED, KINDS, CLOSED)
    return frozenset(row["clause"] for row in rows)


async def last_event(db: Database, actor: UUID, event_id: int) -> dict[str, Any] | None:
    """The event, with its case's number, when `actor` may read it."""
    row = await db.reads.fetchrow(LAST, str(actor), event_id)
    return dict(row) if row else None


async def insert_import(
    session: Session, head: dict[str, Any], pieces: list[dict[str, Any]]
) -> None:
    """Store an import with all its pieces."""
    lists = {name: msgspec.json.encode(head[name]).decode()
             for name in ("irregularities", "differences")}  # fmt: skip
    await session.execute(INSERT_IMPORT, {**head, **lists})
    encoded = msgspec.json.encode(pieces).decode()
    await session.execute(INSERT_PIECES, {"import_id": head["id"], "pieces": encoded})
