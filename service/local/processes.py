"""Which processes really belong to a data folder.

A number in a pid file proves nothing: after a crash or a reboot it may be anybody's. A PostgreSQL
process is known by its working directory, which is the data folder.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE = {None: 1.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}  # seconds after each
_STEP_SECONDS = 0.05


def postmaster(data: Path) -> int | None:
    """The process id of the server that is running on the data folder, or None."""
    pid = _noted(data)
    return pid if pid is not None and _works_in(pid, data) else None


def noted_but_foreign(data: Path) -> bool:
    """True when the pid file names a living process that is not this cluster's."""
    pid = _noted(data)
    return pid is not None and Path(f"/proc/{pid}").exists() and not _works_in(pid, data)


def clear_orphans(data: Path) -> None:
    """Wait for what a killed server left behind to end, then end it.

    A new server must not start while an old back end still writes to the same memory.
    """
    for sent, seconds in _PATIENCE.items():
        for pid in _all_in(data):
            if sent is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, sent)
        if _gone(data, seconds):
            return


def _gone(data: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _all_in(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP_SECONDS)
    return True


def _noted(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _all_in(data: Path) -> list[int]:
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if _works_in(pid, data) and _is_server(pid)]


def _works_in(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:  # gone, a zombie, or not ours to see
        return False


def _is_server(pid: int) -> bool:
    """Whether the program is PostgreSQL, so that a shell standing in the folder is spared."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)") == "postgres"
    except OSError:
        return False
