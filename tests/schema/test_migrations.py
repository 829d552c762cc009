"""The migrations: up, no drift, down to nothing, up again; named by convention; safe to run."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager

from service.config import ROOT
from service.schema_version import alembic_config
from tests.conftest import create_database, drop_database, migrate, server_url, with_database

VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))
EMPTY_TEMPLATES = ("gridward_template", "gw_template")
MAY_IMPORT = {"alembic", "geoalchemy2", "procrastinate", "sqlalchemy"}

OBJECTS = """
SELECT catalog::text || ' ' || (pg_identify_object(catalog, oid, 0)).identity
FROM (
  SELECT 'pg_class'::regclass AS catalog, oid FROM pg_class
  UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
  UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
  UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy
  UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
  UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace
) AS everything
WHERE (pg_identify_object(catalog, oid, 0)).schema IS DISTINCT FROM 'pg_toast'
"""
GRANTS = """
SELECT r.rolname, pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
WHERE r.rolname IN ('gridward_app', 'gridward_writer')
  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
CONSTRAINTS = """
SELECT c.contype::text, c.conname, t.relname, f.relname,
  ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k(number, ord)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.ord)
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
LEFT JOIN pg_class f ON f.oid = c.confrelid
WHERE c.connamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
"""
INDEXES = """
SELECT i.relname, t.relname, x.indisunique
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE i.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.oid)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
"""


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The URL of a database with PostGIS and nothing else."""
    url = server_url()
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE datname = ANY(%s)", (list(EMPTY_TEMPLATES),)
        ).fetchone()
    name = f"gw_migrations_{uuid4().hex[:12]}"
    create_database(url, name, found[0] if found else "template1")
    with psycopg.connect(with_database(url, name)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    yield with_database(url, name)
    drop_database(url, name)


@pytest.fixture(scope="module")
def migrated(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to a migrated database."""
    with psycopg.connect(database_url) as connection:
        yield connection


def test_the_schema_goes_up_without_drift_down_to_nothing_and_up_again(empty_database: str) -> None:
    nothing = objects(empty_database)
    migrate(empty_database)
    complain_about_drift(empty_database)
    everything = objects(empty_database)

    migrate(empty_database, "base")
    left = objects(empty_database) - nothing
    assert {name for name in left if not name_is_of_alembic(name)} == set()
    with psycopg.connect(empty_database) as connection:
        assert connection.execute(GRANTS).fetchall() == []
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)

    migrate(empty_database)
    complain_about_drift(empty_database)
    assert objects(empty_database) == everything


def test_a_database_with_data_goes_down_too(database_url: str) -> None:
    name = f"gw_migrations_{uuid4().hex[:12]}"
    source = database_url.partition("?")[0].rpartition("/")[2]
    create_database(server_url(), name, source)
    try:
        migrate(with_database(server_url(), name), "base")
    finally:
        drop_database(server_url(), name)


def test_drift_is_noticed(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("DROP INDEX ix_case_event_recorded_at_brin")
    with pytest.raises(Exception, match="ix_case_event_recorded_at_brin"):
        complain_about_drift(empty_database)


def test_constraints_are_named_by_the_convention(
    migrated: psycopg.Connection[tuple[object, ...]],
) -> None:
    wrong = []
    for kind, name, table, referred, columns in migrated.execute(CONSTRAINTS):
        joined = "_".join(columns)  # type: ignore[call-overload]
        expected = {
            "p": f"pk_{table}",
            "u": f"uq_{table}_{joined}",
            "f": f"fk_{table}_{joined}_{referred}",
        }.get(str(kind))
        fits = name == expected if expected else str(name).startswith(f"ck_{table}_")
        if not fits:
            wrong.append((table, name, expected))
    assert wrong == []


def test_indexes_are_named_by_the_convention(
    migrated: psycopg.Connection[tuple[object, ...]],
) -> None:
    wrong = [
        (table, name)
        for name, table, unique in migrated.execute(INDEXES)
        if not str(name).startswith(f"{'uq' if unique else 'ix'}_{table}_")
    ]
    assert wrong == []


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


@pytest.mark.parametrize("path", VERSIONS, ids=lambda p: p.stem)
def test_a_migration_never_waits_long_for_a_lock(path: Path) -> None:
    assert unguarded(path.read_text("utf-8")) == []


def test_a_migration_that_waits_for_ever_is_noticed() -> None:
    guarded = "def upgrade():\n    op.execute(\"SET LOCAL lock_timeout = '5s'\")\n"
    assert unguarded(guarded + "def downgrade():\n    op.drop_table('x')\n") == ["downgrade"]
    assert unguarded(guarded) == ["downgrade"]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda p: p.stem)
def test_a_migration_knows_nothing_of_the_code_of_today(path: Path) -> None:
    assert foreign_imports(path.read_text("utf-8")) == set()


def test_a_migration_that_imports_a_model_is_noticed() -> None:
    assert foreign_imports("from service.areas.models import Grid") == {"service"}
    assert foreign_imports("import geo.codes, sqlalchemy") == {"geo"}
    assert foreign_imports("def upgrade():\n    from service import tables") == {"service"}


def test_the_queue_in_the_migrations_is_the_queue_of_the_installed_package() -> None:
    """When this fails, add a migration with what the package changed, and note the new digest."""
    script = SchemaManager.get_schema().encode()
    source = next(p for p in VERSIONS if p.name == "0040_jobs.py").read_text("utf-8")
    assert hashlib.sha256(script).hexdigest() in source


def complain_about_drift(url: str) -> None:
    """Raise when the tables of the code are not those of the database."""
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=sa.NullPool
    )
    config = alembic_config()
    config.print_stdout = lambda *_args: None
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def objects(url: str) -> set[str]:
    """Every object of the database, named."""
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(OBJECTS)}


def name_is_of_alembic(name: str) -> bool:
    """Alembic's own table stays, empty."""
    return "alembic_version" in name


def unguarded(source: str) -> list[str]:
    """The functions of a migration that do not begin with a lock_timeout."""
    functions = {
        node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
    }
    return [
        name
        for name in ("upgrade", "downgrade")
        if name not in functions
        or "SET LOCAL lock_timeout" not in ast.unparse(functions[name].body[0])
    ]


def foreign_imports(source: str) -> set[str]:
    """The packages that a migration imports and may not."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found - MAY_IMPORT - set(sys.stdlib_module_names)
