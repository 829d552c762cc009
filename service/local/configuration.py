"""The server's settings and who may connect: the project's own files in the data folder."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from service.local.layout import Layout

SUPERUSER = "postgres"
ROLE = "gridward"
DATABASE = "gridward"
PORT = 5432  # part of the socket's name only: no TCP port is opened

_MEGABYTE = 1024 * 1024
_SETTINGS = """\
# Written at every start by service/local/configuration.py.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket_dir}'
max_connections = 200
shared_buffers = {shared_mb}MB
effective_cache_size = {cache_mb}MB
maintenance_work_mem = 128MB
work_mem = 16MB
random_page_cost = 1.1
effective_io_concurrency = 64
jit = off
# What was acknowledged stays: the same durability as in production.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = on
max_wal_size = 4GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
log_temp_files = 64MB
log_min_duration_statement = 5s
"""
_ACCESS = f"""\
# Written at every start by service/local/configuration.py.
local all {SUPERUSER} peer map=owner
local all all scram-sha-256
"""


def write(layout: Layout, socket_dir: Path) -> None:
    """Write settings, access rules and the map of accounts into the data folder."""
    memory = _memory_bytes() // _MEGABYTE
    settings = _SETTINGS.format(
        port=PORT,
        socket_dir=socket_dir,
        shared_mb=max(64, min(512, memory // 8)),
        cache_mb=max(128, memory // 2),
    )
    layout.write(layout.data / "gridward.conf", settings)
    layout.write(layout.data / "pg_hba.conf", _ACCESS)
    accounts = sorted({layout.owner.pw_name, "root", _own_name()})
    lines = [f'owner "{account}" {SUPERUSER}\n' for account in accounts]
    layout.write(layout.data / "pg_ident.conf", "".join(lines))


def include(layout: Layout, data: Path) -> None:
    """Make a new data folder read the project's settings last, over its own."""
    main = data / "postgresql.conf"
    layout.must_run(
        "/bin/sh", "-c", 'cat >>"$1"', "sh", str(main), text="\ninclude_if_exists 'gridward.conf'\n"
    )


def _own_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _memory_bytes() -> int:
    """The memory of the machine, or of the container when that has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total
