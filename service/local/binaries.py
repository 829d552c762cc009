"""Where the distribution (Debian, Ubuntu) keeps PostgreSQL's programs and extensions."""

from __future__ import annotations

from pathlib import Path

FLOOR = 15
EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")
_PROGRAMS = Path("/usr/lib/postgresql")
_SHARED = Path("/usr/share/postgresql")


def bin_dir(major: int) -> Path:
    """The folder with `postgres`, `initdb`, `pg_ctl` and `pgbench` of a major version."""
    return _PROGRAMS / str(major) / "bin"


def servers() -> list[int]:
    """The installed major versions from the floor up, newest first."""
    names = [folder.name for folder in _PROGRAMS.glob("*") if folder.name.isdigit()]
    found = [int(name) for name in names if (bin_dir(int(name)) / "postgres").exists()]
    return sorted((major for major in found if major >= FLOOR), reverse=True)


def usable_servers() -> list[int]:
    """The installed major versions that also have every extension the service uses."""
    return [major for major in servers() if _has_extensions(major)]


def _has_extensions(major: int) -> bool:
    folder = _SHARED / str(major) / "extension"
    return all((folder / f"{name}.control").exists() for name in EXTENSIONS)
