"""The `gridward` command: serve, work, migrate, administer, audit."""

from __future__ import annotations

import sys

import asyncpg
import psycopg
import typer
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from service.commands import contract, serving
from service.commands.audit import audit
from service.commands.database import database
from service.commands.keys import keys
from service.commands.people import admin
from service.commands.plan import plan
from service.commands.speech import CommandFailed, complain
from service.errors import AppError

INTERRUPTED = 130

app = typer.Typer(
    name="gridward",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="gridward: coded grids and tiered incident response for a county.",
)
app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("demo")(serving.demo)
app.command("openapi")(contract.openapi)
app.add_typer(database, name="db")
app.add_typer(admin, name="admin")
app.add_typer(plan, name="plan")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command; an expected failure is one line on stderr and exit code 1."""
    try:
        app()
    except CommandFailed as failure:
        complain(failure.zh, failure.en)
    except AppError as failure:
        complain(failure.text("zh"), failure.text("en"))
    except CommandError as failure:
        complain(f"数据库迁移：{failure}", f"migrations: {failure}")
    except OSError as failure:
        complain(*_of_system(failure))
    except (psycopg.Error, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as failure:
        complain(*_of_database(failure))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(1)


def _of_system(failure: OSError) -> tuple[str, str]:
    """A file that is not there, or a server that does not answer."""
    if failure.filename is not None:
        told = f"{failure.filename}: {failure.strerror}"
        return told, told
    return f"无法连接：{failure}", f"cannot connect: {failure}"


def _of_database(failure: Exception) -> tuple[str, str]:
    """The first line of what the server said; the rest may show data."""
    cause = getattr(failure, "orig", None) or failure
    told = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return f"数据库：{told}", f"database: {told}"


if __name__ == "__main__":
    main()
