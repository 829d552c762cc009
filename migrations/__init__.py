"""Alembic migrations of the gridward database."""
