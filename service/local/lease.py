"""Who is using the checkout's server: the last run that needs it stops it, if a run started it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from service.local import cluster
from service.local.cluster import ClusterInfo
from service.local.layout import exclusive


@contextmanager
def leased(root: Path) -> Iterator[ClusterInfo]:
    """Use the checkout's server inside the block, started for it when it is not running.

    A server started by `cluster start` stays; one started by a run is stopped by the last run
    that leaves, also after a failure. A run that was killed leaves it to the next one. With
    DATABASE_URL set, that server is given and left alone. Raises ClusterError.
    """
    external = os.environ.get("DATABASE_URL")
    if external:
        yield ClusterInfo(url=external)
        return
    local = root / ".local"
    local.mkdir(exist_ok=True)
    with (local / "users.lock").open("a", encoding="utf-8") as users:
        try:
            with exclusive(root):
                fcntl.flock(users, fcntl.LOCK_SH)
                if cluster.status(root) is None:
                    cluster.started_by_run(root).touch()
                info = cluster.start_locked(root)
            yield info
        finally:
            with exclusive(root):
                if _is_last(users) and cluster.started_by_run(root).exists():
                    cluster.stop_locked(root)


def _is_last(users: TextIO) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
