"""What the commands share: settings, the owner's connection, a stated schema, sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from service.commands.speech import first_problem, refuse
from service.config import Settings, get_settings
from service.db import Database, Session
from service.schema_version import alembic_config, expected_revision

T = TypeVar("T")
CONNECT_SECONDS = 10


def settings() -> Settings:
    """The process's settings; ends with a line when one of them is wrong."""
    try:
        return get_settings()
    except ValidationError as failure:
        problem = first_problem(failure)
        refuse(f"设置有误：{problem}", f"a setting is wrong: {problem}")


def owner_connection(chosen: Settings, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection of the owner. Raises psycopg's OperationalError."""
    return psycopg.connect(
        chosen.dsn,
        autocommit=autocommit,
        connect_timeout=CONNECT_SECONDS,
        application_name="gridward cli",
    )


def stored_revision(chosen: Settings) -> str | None:
    """The revision of the database's schema; None when it has none."""
    with owner_connection(chosen) as connection:
        found = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        return str(row[0]) if row else None


def require_schema(chosen: Settings) -> None:
    """Pass when the database has the schema of this code; else end with a line what to do."""
    found, expected = stored_revision(chosen), expected_revision()
    if found == expected:
        return
    if found is not None and not _known(found):
        refuse(
            f"数据库结构版本 {found} 不为本程序所知（本程序为 {expected}）：请使用更新的程序",
            f"the database's schema {found} is unknown to this program, which has {expected}: "
            "use the newer program",
        )
    refuse(
        f"数据库结构为 {found or '空'}，需要 {expected}：请运行 gridward db upgrade",
        f"the database's schema is {found or 'empty'}, needed is {expected}: "
        "run gridward db upgrade",
    )


def _known(revision: str) -> bool:
    scripts = ScriptDirectory.from_config(alembic_config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def in_session(chosen: Settings, work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in one transaction of the application role, commit, and give its result."""

    async def run() -> T:
        db = Database(chosen)
        await db.open()
        try:
            async with db.session(None) as session:
                result = await work(session)
                await session.commit()
                return result
        finally:
            await db.close()

    return asyncio.run(run())
