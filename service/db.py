"""Connections: two raw asyncpg pools for hot paths and a SQLAlchemy engine for quiet ones.

All of them log in with `database_url` and at once take a role that neither owns the tables nor
bypasses row-level security: `gridward_app` to read and administer, `gridward_writer` to run the
gathered writes. The actor is set for one statement or one transaction, in the same round trip
where it is hot, so that a connection never carries a caller over to the next request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from service.config import Settings

APP_ROLE = "gridward_app"
WRITER_ROLE = "gridward_writer"
# Connections that stay out of the pool between two gathered statements.
AT_HAND = 2


def as_actor(query: str) -> str:
    """`query`, run under row-level security as the account in its parameter $1 (text).

    The setting is made by the outer side of a nested loop whose inner side refers to it, so it
    stands before the first row is read, and it ends with the statement. OFFSET keeps the inner
    side a subquery of its own: merged into the join, it could be run first. `query` must be a
    SELECT that may use $2 and up and must not end with a semicolon.
    """
    return (
        "WITH actor AS MATERIALIZED (SELECT set_config('gridward.actor', $1, true) AS id) "
        f"SELECT scoped.* FROM actor CROSS JOIN LATERAL "
        f"(SELECT inner_query.* FROM ({query}) AS inner_query WHERE actor.id <> '' OFFSET 0) "
        "AS scoped"
    )


class Session(AsyncSession):
    """A transaction of one actor; commit happens once, where the action ends."""


class Database:
    """The process's pools and engine. Open it in the application's lifespan."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reads: asyncpg.Pool
        self.writes: asyncpg.Pool
        self._engine: AsyncEngine
        self._at_hand: list[asyncpg.Connection] = []

    async def open(self) -> None:
        """Open the pools. Raises OSError or asyncpg errors when the server cannot be reached."""
        s = self._settings
        self.reads = await self._pool(APP_ROLE, s.read_connections)
        # The gathered statements read JSON arrays, of which a plan can know nothing: plan once.
        self.writes = await self._pool(
            WRITER_ROLE, s.write_connections, plan_cache_mode="force_generic_plan"
        )
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(s.dsn, server_settings=self._server(APP_ROLE)),
            pool_size=s.session_connections,
            max_overflow=0,
            pool_pre_ping=True,
        )

    async def close(self) -> None:
        """Close everything, waiting for work in flight."""
        await self._engine.dispose()
        while self._at_hand:
            await self.writes.release(self._at_hand.pop())
        await self.reads.close()
        await self.writes.close()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of `writes` for one gathered statement after another.

        It stays at hand for the next one: giving it back and taking it costs as much as a quarter
        of a small batch. One that has seen a failure goes back to its pool, which looks after it.
        """
        connection = await self._writer()
        try:
            yield connection
        except BaseException:
            await self.writes.release(connection)
            raise
        if len(self._at_hand) < min(AT_HAND, self._settings.write_connections - 1):
            self._at_hand.append(connection)
        else:
            await self.writes.release(connection)

    async def _writer(self) -> asyncpg.Connection:
        while self._at_hand:
            connection = self._at_hand.pop()
            if not connection.is_closed():
                return connection
            await self.writes.release(connection)
        return await self.writes.acquire()

    async def following(self) -> asyncpg.Connection:
        """A connection of its own, outside the pools, for the process's one reader of events.

        It takes the writer's role, which sees every event: what of it a caller may see is decided
        where it is passed on. Whoever opens it closes it.
        """
        return await asyncpg.connect(
            self._settings.dsn,
            server_settings=self._server(WRITER_ROLE),
            command_timeout=self._settings.statement_timeout_ms / 1000 + 5,
        )

    @asynccontextmanager
    async def session(self, actor: UUID | None) -> AsyncIterator[Session]:
        """A transaction whose statements row-level security judges as `actor`.

        Nothing is kept unless the action commits.
        """
        async with Session(self._engine, expire_on_commit=False) as session:
            await session.execute(
                text("SELECT set_config('gridward.actor', :actor, true)"),
                {"actor": str(actor) if actor else ""},
            )
            yield session

    async def _pool(self, role: str, size: int, **more: str) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._settings.dsn,
            min_size=min(2, size),
            max_size=size,
            server_settings={**self._server(role), **more},
            command_timeout=self._settings.statement_timeout_ms / 1000 + 5,
            statement_cache_size=256,
            reset=_no_reset,
        )

    def _server(self, role: str) -> dict[str, str]:
        s = self._settings
        return {
            "role": role,
            "application_name": f"gridward {role}",
            "timezone": "UTC",
            "jit": "off",
            "statement_timeout": str(s.statement_timeout_ms),
            "lock_timeout": str(s.lock_timeout_ms),
            "idle_in_transaction_session_timeout": "30000",
        }


def connection_lost(failure: Exception) -> bool:
    """Whether the database went away, so that nobody knows if a commit was kept."""
    state = getattr(failure, "sqlstate", None) or ""
    return state[:2] in ("08", "53", "57") or isinstance(
        failure, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    )


async def _no_reset(_connection: Any) -> None:
    """Nothing outlives a statement or transaction on these connections, so nothing is reset."""
