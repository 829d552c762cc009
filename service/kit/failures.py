"""What a failure of the database means for the caller."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.db import connection_lost
from service.errors import AppError, Busy, Unavailable


def database_problem(error: Exception) -> AppError | None:
    """The problem that a database error means for the caller; None when it is our fault."""
    original = error.orig if isinstance(error, DBAPIError) else None
    cause = original if isinstance(original, Exception) else error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
    if state in ("55P03", "40P01", "40001"):
        return Busy()
    if connection_lost(cause) or isinstance(error, (PoolTimeout, OperationalError)):
        return Unavailable()
    return None
