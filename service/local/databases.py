"""Roles, extensions and databases of a cluster, over an ordinary connection."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from service.local.binaries import EXTENSIONS
from service.local.configuration import DATABASE, PORT, ROLE, SUPERUSER


def url_of(socket_dir: Path, password: str, database: str = DATABASE) -> str:
    """The project role's URL through the socket, as libpq, asyncpg and SQLAlchemy read it."""
    secret = quote(password, safe="")
    return f"postgresql://{ROLE}:{secret}@/{database}?host={socket_dir}&port={PORT}"


def with_database(url: str, name: str) -> str:
    """The same server and credentials, another database."""
    parts = urlsplit(url)
    plain = urlunsplit(parts._replace(scheme="x", path=f"/{quote(name, safe='')}"))
    return parts.scheme + plain.removeprefix("x")


def create_database(url: str, name: str, template: str | None = None) -> str:
    """Create a database on the URL's server, cloned from `template`, and return its URL.

    Without a template it is the server's default one, which here brings the extensions along.
    The URL's role must be allowed to create databases and, for a template, own it. Raises
    psycopg.errors.DuplicateDatabase when the name is taken, ObjectInUse when somebody is
    connected to the template.
    """
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    _execute(url, statement)
    return with_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Drop a database if it exists, ending its sessions."""
    _execute(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def provision(socket_dir: Path, password: str) -> None:
    """Give a running private cluster its extensions, its role and its database; repeatable.

    The extensions go into template1, so that every database has them and the project's role needs
    no more rights than in production: it logs in, creates databases and roles, and is no superuser.
    """
    for database in ("template1", "postgres"):
        with _superuser(socket_dir, database) as connection:
            for extension in EXTENSIONS if database == "template1" else ():
                name = sql.Identifier(extension)
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(name))
            if database == "postgres":
                _ensure_role(connection, password)
                _ensure_database(connection)


def answers(socket_dir: Path) -> bool:
    """Whether the server takes connections now."""
    try:
        with _superuser(socket_dir, "postgres"):
            return True
    except psycopg.OperationalError:
        return False


def _ensure_role(connection: psycopg.Connection, password: str) -> None:
    role = sql.Identifier(ROLE)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
    secret = connection.pgconn.encrypt_password(
        password.encode(), ROLE.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL(
            "ALTER ROLE {} LOGIN CREATEDB CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD {}"
        ).format(role, sql.Literal(secret))
    )


def _ensure_database(connection: psycopg.Connection) -> None:
    query = "SELECT 1 FROM pg_database WHERE datname = %s"
    if connection.execute(query, [DATABASE]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _superuser(socket_dir: Path, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(socket_dir),
        port=PORT,
        user=SUPERUSER,
        dbname=database,
        autocommit=True,
        connect_timeout=10,
    )
