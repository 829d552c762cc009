"""The folder of the server's socket: short enough for the kernel, closed to everybody else."""

from __future__ import annotations

import stat
from pathlib import Path

from service.local.configuration import PORT
from service.local.layout import Layout

# A socket's path may have 107 bytes, a checkout's may have more. The folder is made by the
# cluster's account with mode 0700 and an unguessable name, so nobody can be there first.
_PLACE = Path("/tmp")  # noqa: S108 - see above; TMPDIR may be closed to the cluster's account


def socket_file(folder: Path) -> Path:
    """The socket inside its folder."""
    return folder / f".s.PGSQL.{PORT}"


def remembered(layout: Layout) -> Path | None:
    """The folder in use, or used last; None before the first start."""
    try:
        return Path(layout.socket_note.read_text(encoding="utf-8").strip())
    except OSError:
        return None


def prepare(layout: Layout) -> Path:
    """A safe, empty folder for a server that is about to start: the last one when possible."""
    folder = remembered(layout)
    if folder is not None and (_is_ours(layout, folder) or _made_again(layout, folder)):
        _empty(layout, folder)
        return folder
    template = str(_PLACE / "gridward-XXXXXXXX")
    folder = Path(layout.must_run("mktemp", "-d", template).strip())
    layout.write(layout.socket_note, f"{folder}\n")
    return folder


def discard(layout: Layout) -> None:
    """Remove the folder of a stopped server; its name stays remembered."""
    folder = remembered(layout)
    if folder is not None and _is_ours(layout, folder):
        _empty(layout, folder)
        layout.run("rmdir", str(folder))


def _is_ours(layout: Layout, folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    closed = stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    return stat.S_ISDIR(found.st_mode) and closed and found.st_uid == layout.owner.pw_uid


def _made_again(layout: Layout, folder: Path) -> bool:
    return layout.run("mkdir", "-m", "700", str(folder)).returncode == 0


def _empty(layout: Layout, folder: Path) -> None:
    socket = socket_file(folder)
    layout.run("rm", "-f", str(socket), f"{socket}.lock")
