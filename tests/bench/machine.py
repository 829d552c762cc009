"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from tests.bench import pgbench

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "effective_cache_size",
    "work_mem",
    "random_page_cost",
    "max_connections",
    "jit",
)
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "asyncpg", "msgspec",
            "shapely")  # fmt: skip


def facts(connection: psycopg.Connection, client: str) -> dict[str, Any]:
    """Processor, memory, versions and the server's settings that decide over speed."""
    query = "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name"
    settings: dict[str, str] = dict(connection.execute(query, (list(SETTINGS),)).fetchall())
    server = connection.execute("SELECT version(), postgis_lib_version()").fetchone()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": server[0].split(" on ")[0] if server else "",
        "postgis": server[1] if server else "",
        "settings": settings,
        "pgbench": _first_line([pgbench.program(), "--version"]),
        "client": _first_line(["wrk", "-v"]) if client == "wrk" else "a client in Python",
    }


def is_durable(found: dict[str, Any]) -> bool:
    """Whether a commit is on disk before it is answered; else figures of writes do not count."""
    return all(found["settings"][name] == "on" for name in DURABLE)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0].split(" Copyright")[0] if lines else ""
