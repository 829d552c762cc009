"""Evidence: how often events named a clause, counted from time to time and right at any moment.

`refresh_evidence` adds up what is new since its last run; a reader adds the newest events to that
(`gw_plan_evidence`). So no writer maintains a counter, and reading costs as much as came since.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from service.kit.audit import WritersStillRunning
from service.kit.audit.checkpoint import HORIZON, WRITERS
from service.plan import store
from service.plan.fulfilment import CLOSED, KINDS, LIVES, CaseLife, show_step
from service.plan.store import Counted

PATIENCE_SECONDS = 30.0
CHUNK = 250_000
_PAUSE_SECONDS = 0.05


class EvidenceBlind(Exception):
    """The connection is under row-level security: it would count only a part."""


async def refresh_evidence(
    connection: asyncpg.Connection, *, patience: float = PATIENCE_SECONDS
) -> int:
    """Count the events since the last run into `plan_evidence`; the number of ids gone through.

    `connection` is the owner's, outside a transaction. Several may run at once; each event counts
    once. Raises EvidenceBlind, and WritersStillRunning when a transaction that may hold an older
    event lasts longer than `patience` seconds; nothing is counted then, and nothing is lost.
    """
    if await connection.fetchval(store.BLIND):
        raise EvidenceBlind("counting evidence needs the owner's connection")
    horizon = await connection.fetchval(HORIZON)
    if horizon is None:
        return 0
    await _wait_for_writers(connection, patience)
    counted = 0
    while step := await _count_chunk(connection, horizon):
        counted += step
    return counted


async def _count_chunk(connection: asyncpg.Connection, horizon: int) -> int:
    """Count at most CHUNK ids up to `horizon` in one transaction; how many ids that were."""
    async with connection.transaction(isolation="read_committed"):
        mark: int = await connection.fetchval(store.MARK)
        up_to = min(mark + CHUNK, horizon)
        if up_to <= mark:
            return 0
        await connection.execute(store.COUNT, mark, up_to, KINDS, CLOSED)
        await connection.execute(store.SET_MARK, up_to)
        return up_to - mark


async def _wait_for_writers(connection: asyncpg.Connection, patience: float) -> None:
    """Wait until nobody who may have drawn an id up to the horizon is still writing.

    The same wait as for checkpoints, see service.kit.audit.checkpoint: an id is drawn under a
    lock that lasts until its event is visible, so once these writers are gone no event can
    appear below the horizon any more.
    """
    deadline = time.monotonic() + patience
    earlier = await _writers(connection)
    while earlier:
        if time.monotonic() > deadline:
            raise WritersStillRunning(f"{len(earlier)} transactions are still writing events")
        await asyncio.sleep(_PAUSE_SECONDS)
        earlier &= await _writers(connection)


async def _writers(connection: asyncpg.Connection) -> set[str]:
    return {row[0] for row in await connection.fetch(WRITERS)}


def show_counts(rows: Sequence[Counted]) -> dict[str, Any]:
    """The counts of one clause: events, cases by kind, each event with its own."""
    return {
        "events": sum(row.events for row in rows),
        "cases": [_cases(life, rows) for life in LIVES],
        "by_event": [
            {
                "case_kind": row.case_kind,
                "event": row.event,
                "action": row.action,
                "events": row.events,
                "last_at": row.last_at,
            }
            for row in rows
        ],
        "last_at": max((row.last_at for row in rows), default=None),
    }


def _cases(life: CaseLife, rows: Sequence[Counted]) -> dict[str, Any]:
    own = [row for row in rows if row.case_kind == life.workflow.kind]
    total, still_open = sum(r.cases for r in own), sum(r.open_change for r in own)
    return {
        "case_kind": life.workflow.kind,
        "total": total,
        "open": still_open,
        "closed": total - still_open,
    }


def show_workflows(rows: Sequence[Counted], clause: str) -> list[dict[str, Any]]:
    """The workflows that serve `clause`: each step that names it, and each that has evidence.

    A case brings the clauses of its category along, so a step may have evidence (`named` false)
    for a clause that the workflow itself does not name.
    """
    found = []
    for life in LIVES:
        kind, steps = life.workflow.kind, []
        for step in life.workflow.steps:
            counts = [r for r in rows if r.case_kind == kind and r.action == step.action]
            named = clause in step.clauses
            if named or counts:
                shown = {
                    "named": named,
                    "events": sum(r.events for r in counts),
                    "last_at": max((r.last_at for r in counts), default=None),
                }
                steps.append({**show_step(life.workflow, step), **shown})
        if steps:
            found.append({"case_kind": kind, "steps": steps})
    return found
