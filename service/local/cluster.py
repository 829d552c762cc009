"""A private PostgreSQL + PostGIS server for one checkout, under `.local/pg`.

`python -m service.local.cluster start|stop|status|url|remove`. It opens no TCP port, so nothing
that listens on 5432 is in its way, and survives being killed: whatever a pid file or a socket's
lock says, only a process that really works in the data folder counts. `DATABASE_URL` in the
environment wins: then nothing is started, stopped or looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from service.local import binaries, configuration, databases, processes, sockets
from service.local.layout import ClusterError, Layout, exclusive, find, find_or_make, forget

ROOT = Path(__file__).resolve().parents[2]
_PROVISION = "1"  # raise it when `databases.provision` does more
_READY_SECONDS = 60.0
_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """A server to use: its URL, and where it lives when it is this checkout's own."""

    url: str
    socket_dir: Path | None = None
    port: int | None = None
    data_dir: Path | None = None
    log_file: Path | None = None


def ensure_running(root: Path = ROOT) -> ClusterInfo:
    """The checkout's server, started (and made) when it is not running; it then stays running.

    With DATABASE_URL set, that server, untouched. Raises ClusterError.
    """
    external = os.environ.get("DATABASE_URL")
    if external:
        return ClusterInfo(url=external)
    with exclusive(root):
        started_by_run(root).unlink(missing_ok=True)
        return start_locked(root)


def stop(root: Path = ROOT) -> bool:
    """Stop the checkout's server; True when it was running. Open sessions are ended."""
    with exclusive(root):
        return stop_locked(root)


def status(root: Path = ROOT) -> ClusterInfo | None:
    """The checkout's server when it is running, else None. Starts nothing."""
    layout = find(root)
    if layout is None or processes.postmaster(layout.data) is None:
        return None
    folder = sockets.remembered(layout)
    return None if folder is None else _info(layout, folder)


def remove(root: Path = ROOT) -> None:
    """Stop the checkout's server and delete it with all its data."""
    with exclusive(root):
        stop_locked(root)
        layout = find(root)
        if layout is not None:
            _clear_away(layout)
            forget(layout)


def create_database(info: ClusterInfo, name: str, template: str | None = None) -> str:
    """Create a database, cloned from `template` when given; returns its URL."""
    return databases.create_database(info.url, name, template)


def drop_database(info: ClusterInfo, name: str) -> None:
    """Drop a database if it exists, ending its sessions."""
    databases.drop_database(info.url, name)


def started_by_run(root: Path) -> Path:
    """The mark of a server that the last of the runs using it stops (see `lease`)."""
    return root / ".local" / "started-by-run"


def start_locked(root: Path) -> ClusterInfo:
    """`ensure_running` for a caller that holds the checkout's lock."""
    is_new = find(root) is None
    layout = find_or_make(root)
    if is_new:
        _clear_away(layout)
    programs = _programs(layout)
    folder = _socket_in_use(layout, programs)
    if folder is None:
        folder = _start(layout, programs)
    password = _password(layout)
    mark = hashlib.sha256(f"{_PROVISION}:{password}".encode()).hexdigest()
    done = layout.home / "provisioned"
    if not done.exists() or done.read_text(encoding="utf-8") != mark:
        databases.provision(folder, password)
        layout.write(done, mark)
    return _info(layout, folder)


def stop_locked(root: Path) -> bool:
    """`stop` for a caller that holds the checkout's lock."""
    started_by_run(root).unlink(missing_ok=True)
    layout = find(root)
    if layout is None:
        return False
    running = processes.postmaster(layout.data) is not None
    if running:
        _shut_down(layout, _programs(layout))
    sockets.discard(layout)
    return running


def _clear_away(layout: Layout) -> None:
    """Empty the home: of a cluster to remove, or of a deleted checkout that was at this path."""
    processes.clear_orphans(layout.data)
    sockets.discard(layout)
    layout.empty()


def _programs(layout: Layout) -> Path:
    """The programs of the version that made the data, or of the newest usable one."""
    usable = binaries.usable_servers()
    version = layout.data / "PG_VERSION"
    if version.exists():
        major = int(version.read_text(encoding="utf-8"))
        if major not in usable:
            raise ClusterError(
                f"{layout.data} was made by PostgreSQL {major}, which is no longer installed with"
                " PostGIS; `make clean` removes it — 数据目录由旧版数据库创建, 可用 make clean 清除"
            )
        return binaries.bin_dir(major)
    if not usable:
        raise ClusterError(
            f"No PostgreSQL >= {binaries.FLOOR} with PostGIS is installed; run `make setup`"
            " — 未安装 PostgreSQL + PostGIS, 请先运行 make setup"
        )
    return binaries.bin_dir(usable[0])


def _socket_in_use(layout: Layout, programs: Path) -> Path | None:
    """The socket's folder of the running server; a server that has lost it is shut down."""
    if processes.postmaster(layout.data) is None:
        return None
    folder = sockets.remembered(layout)
    deadline = time.monotonic() + _READY_SECONDS
    while folder is not None and processes.postmaster(layout.data) is not None:
        if databases.answers(folder):
            return folder
        lost = not folder.exists()  # somebody tidied up
        if lost or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if processes.postmaster(layout.data) is not None:
        _shut_down(layout, programs)
    return None


def _start(layout: Layout, programs: Path) -> Path:
    processes.clear_orphans(layout.data)
    if not layout.data.exists():
        _initialise(layout, programs)
    if processes.noted_but_foreign(layout.data):
        layout.must_run("rm", "-f", str(layout.data / "postmaster.pid"))
    if layout.log.exists() and layout.log.stat().st_size > _LOG_BYTES:
        layout.must_run("mv", "-f", str(layout.log), f"{layout.log}.old")
    folder = sockets.prepare(layout)
    configuration.write(layout, folder)
    pg_ctl = [str(programs / "pg_ctl"), "--silent", "--pgdata", str(layout.data)]
    started = layout.run(*pg_ctl, "--log", str(layout.log), "--wait", "--timeout", "300", "start")
    if started.returncode != 0:
        raise ClusterError(f"PostgreSQL did not start; its last words: {_last_words(layout)}")
    return folder


def _initialise(layout: Layout, programs: Path) -> None:
    """Make the data folder beside its place and move it there, so that a half one is never met."""
    partial = layout.home / "data.partial"
    layout.must_run("rm", "-rf", str(partial))
    layout.must_run(
        str(programs / "initdb"),
        *("--pgdata", str(partial), "--username", configuration.SUPERUSER),
        *("--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"),
        *("--auth-local", "peer", "--auth-host", "scram-sha-256", "--no-instructions"),
    )
    configuration.include(layout, partial)
    layout.must_run("rm", "-f", str(layout.home / "provisioned"))
    layout.must_run("mv", str(partial), str(layout.data))


def _shut_down(layout: Layout, programs: Path) -> None:
    pg_ctl = [str(programs / "pg_ctl"), "--silent", "--pgdata", str(layout.data)]
    for mode in ("fast", "immediate"):
        if layout.run(*pg_ctl, "--mode", mode, "--timeout", "60", "stop").returncode == 0:
            return
    processes.clear_orphans(layout.data)


def _last_words(layout: Layout) -> str:
    try:
        lines = layout.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "none"
    return " | ".join(lines[-3:])


def _password(layout: Layout) -> str:
    """The project role's password, made at random at the first call."""
    path = layout.password_file
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        partial.replace(path)
    return path.read_text(encoding="utf-8")


def _info(layout: Layout, folder: Path) -> ClusterInfo:
    return ClusterInfo(
        url=databases.url_of(folder, _password(layout)),
        socket_dir=folder,
        port=configuration.PORT,
        data_dir=layout.data,
        log_file=layout.log,
    )


def main(arguments: list[str] | None = None) -> int:
    """The command: prints what it did; returns 1 when the server is not there or cannot be used."""
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status", "url", "remove"])
    action = parser.parse_args(arguments).action
    try:
        line = _perform(action)
    except ClusterError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{line}\n")
    return 1 if line == "not running" and action in {"status", "url"} else 0


def _perform(action: str) -> str:
    if action == "start":
        info = ensure_running()
        return f"running, data in {info.data_dir}" if info.data_dir else "DATABASE_URL is in use"
    if action == "stop":
        return "stopped" if stop() else "not running"
    if action == "remove":
        remove()
        return "removed"
    found = status()
    if found is None:
        return "not running"
    return found.url if action == "url" else f"running, data in {found.data_dir}"


if __name__ == "__main__":
    sys.exit(main())
