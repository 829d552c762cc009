"""Enqueues a job on the caller's own connection, in the caller's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

DEFAULT_QUEUE = "default"

FROM_SESSION = text(
    "SELECT jobs.gridward_enqueue(:task, CAST(:payload AS jsonb), :queue, :run_at, :unique)"
)
FROM_ASYNCPG = "SELECT jobs.gridward_enqueue($1, $2::text::jsonb, $3, $4, $5)"


async def enqueue(
    connection: AsyncSession | asyncpg.Connection,
    task: str,
    payload: Mapping[str, Any] | None = None,
    *,
    queue: str = DEFAULT_QUEUE,
    run_at: datetime | None = None,
    unique: str | None = None,
) -> int | None:
    """The id of the new job; None when a job with the same `unique` key already waits.

    `task` is a name of `service.jobs.tasks`; `payload` becomes its keyword arguments and holds
    ids, never personal data. The job starts after the transaction commits, not before `run_at`;
    a rollback leaves no job. One round trip, under any of the service's roles.
    """
    encoded = msgspec.json.encode(dict(payload or {})).decode()
    job: int | None
    if isinstance(connection, AsyncSession):
        values = {"task": task, "payload": encoded, "queue": queue, "run_at": run_at,
                  "unique": unique}  # fmt: skip
        job = (await connection.execute(FROM_SESSION, values)).scalar_one()
    else:
        job = await connection.fetchval(FROM_ASYNCPG, task, encoded, queue, run_at, unique)
    return job
