"""Fixtures: a template database, migrated and loaded once a run, cloned for each test module.

Needs DATABASE_URL to name a PostgreSQL + PostGIS server where databases may be created; `make
test` gives one. A module gets its own database, so modules run in parallel; inside a module, tests
share it and make their own accounts and incidents.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from alembic import command
from fastapi import FastAPI
from psycopg import sql

from service.config import Settings
from service.kit.crypto import FieldCipher
from service.main import create_app
from service.schema_version import alembic_config
from tests.people import People

SHARED = Path(__file__).parents[1].parent / "shared"


def server_url() -> str:
    """The maintenance connection's URL; tests that need a database are impossible without."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        pytest.fail("DATABASE_URL is not set: run the tests with `make test`")
    return url


def with_database(url: str, name: str) -> str:
    """`url` with its database replaced by `name`."""
    head, _, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    authority = rest.split("/", 1)[0]
    return f"{scheme}://{authority}/{name}" + (f"?{query}" if query else "")


def create_database(url: str, name: str, template: str) -> None:
    """A new database cloned from `template` (copying files would write more than the log)."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def drop_database(url: str, name: str) -> None:
    """Drop it, ending whoever is connected; autovacuum may not be ended, and is waited for."""
    with psycopg.connect(url, autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        for _ in range(40):
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.25)
            else:
                return
        connection.execute(statement)


def run_prefix(*, worker: bool) -> str:
    """The databases of this run begin so: it is named after the process that started it."""
    return f"gw_test_{os.getppid() if worker else os.getpid()}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run's starter takes away what the run has left."""
    url = os.environ.get("DATABASE_URL")
    if url is None or hasattr(session.config, "workerinput"):
        return
    with psycopg.connect(url, autocommit=True) as connection:
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            (run_prefix(worker=False),),
        ).fetchall()
    for (name,) in left:
        drop_database(url, name)


@pytest.fixture(scope="session")
def template_database(request: pytest.FixtureRequest) -> str:
    """The migrated and loaded template of this run; whoever comes first makes it."""
    name = run_prefix(worker=hasattr(request.config, "workerinput"))
    url = server_url()
    with (Path(tempfile.gettempdir()) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
            ).fetchone()
        if not found:
            _make_template(url, name)
    return name


def _make_template(url: str, name: str) -> None:
    building = f"{name}_building"
    with psycopg.connect(url, autocommit=True) as connection:
        templates = connection.execute(
            "SELECT datname FROM pg_database WHERE datname = ANY(%s)",
            (["gridward_template", "gw_template"],),
        ).fetchall()
    drop_database(url, building)
    create_database(url, building, templates[0][0] if templates else "template1")
    target = with_database(url, building)
    migrate(target)
    from tests.seed import load_base_data  # imported late: it needs the rooms

    load_base_data(target)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(building), sql.Identifier(name)
            )
        )


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade (or, for "base", downgrade) the database at `url`."""
    import sqlalchemy as sa

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        if revision == "base":
            command.downgrade(config, "base")
        else:
            command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


@pytest.fixture(scope="module")
def database_url(template_database: str) -> Iterator[str]:
    """A database of this module's own."""
    url = server_url()
    name = f"{template_database}_{uuid4().hex[:8]}"
    create_database(url, name, template_database)
    yield with_database(url, name)
    drop_database(url, name)


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of this module's application; no cache of callers, small pools."""
    return Settings(
        DATABASE_URL=database_url,
        signing_key="a signing key for tests that is long enough",
        field_keys=FieldCipher.generate_setting(),
        storage_url=str(tmp_path_factory.mktemp("attachments")),
        read_connections=4,
        session_connections=3,
        subject_cache_seconds=0,
        log_level="WARNING",
    )


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The running application of this module."""
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An anonymous client of the application, in process."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gridward.test") as opened:
        yield opened


@pytest.fixture(scope="module")
def people(app: FastAPI, client: httpx.AsyncClient, database_url: str) -> People:
    """Makes accounts with assignments, and clients that act as them."""
    return People(app, client, database_url)
