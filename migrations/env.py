"""Alembic environment: the owner's connection, one transaction, PostGIS-aware autogeneration."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import context
from geoalchemy2 import alembic_helpers

from service.config import get_settings
from service.tables import metadata

# Objects that belong to extensions and to the job queue's own schema, not to our models.
FOREIGN_TABLES = {"spatial_ref_sys"}


def include_object(obj: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave out what is not ours; the rest is PostGIS's own rule."""
    if kind == "table" and name in FOREIGN_TABLES:
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, other))


def run() -> None:
    """Run migrations over the connection given by the caller, or over DATABASE_URL."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    dsn = get_settings().dsn
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    with engine.connect() as connection:
        _migrate(connection)
    engine.dispose()


def _migrate(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
