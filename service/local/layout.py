"""Where a checkout's private cluster lives, and which account of the system it belongs to.

PostgreSQL refuses to run as root. For root the cluster therefore belongs to the distribution's
`postgres` account, and everything inside its folder is done as that account; when that account
cannot reach the checkout, the folder is under /var/lib and `.local/pg` is a link to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/gridward")
_SERVER_ACCOUNT = "postgres"
# Nothing of the caller's own PG* settings may reach the server's programs.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class ClusterError(Exception):
    """The private cluster cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one checkout's cluster, and its account."""

    local: Path
    home: Path
    owner: pwd.struct_passwd

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; complete as soon as it exists."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self.home / "server.log"

    @property
    def socket_note(self) -> Path:
        """The file that remembers the folder of the server's socket."""
        return self.home / "socket"

    @property
    def password_file(self) -> Path:
        """The project role's password, readable by the checkout's owner alone."""
        return self.local / "pg-password"

    def run(self, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program as the cluster's account; the exit status is the caller's to judge."""
        return run_as(self.owner, *command, text=text)

    def must_run(self, *command: str, text: str | None = None) -> str:
        """The same, returning what it printed; ClusterError when it failed."""
        done = self.run(*command, text=text)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise ClusterError(f"{Path(command[0]).name} failed: {said}")
        return done.stdout

    def write(self, path: Path, text: str) -> None:
        """Write a file inside the home as the cluster's account, readable by it alone."""
        self.must_run("/bin/sh", "-c", 'umask 077; cat >"$1"', "sh", str(path), text=text)

    def empty(self) -> None:
        """Delete everything in the home of a stopped cluster."""
        self.must_run("find", str(self.home), "-mindepth", "1", "-delete")


def run_as(
    account: pwd.struct_passwd, *command: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program as an account: our own, or any when we are root."""
    uid: int | None = None
    gid: int | None = None
    if os.geteuid() != account.pw_uid:
        uid, gid = account.pw_uid, account.pw_gid
    return subprocess.run(  # noqa: S603 - programs of the system, paths of this checkout
        command,
        input=text or "",
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        cwd="/",
        user=uid,
        group=gid,
        extra_groups=None if gid is None else [gid],
        check=False,
    )


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the checkout's cluster lock: one process at a time starts, stops or changes it."""
    local = root / ".local"
    local.mkdir(exist_ok=True)
    with (local / "cluster.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find(root: Path) -> Layout | None:
    """The layout of the cluster that this checkout has, or None.

    Raises ClusterError when it belongs to another account and we are not root.
    """
    link = root / ".local" / "pg"
    if _is_copied_link(root, link) or not link.is_dir():
        return None
    home = link.resolve()
    owner = pwd.getpwuid(home.stat().st_uid)
    if os.geteuid() not in {0, owner.pw_uid}:
        raise ClusterError(
            f"{home} belongs to {owner.pw_name}; run as that account, or set DATABASE_URL"
            f" — 数据库目录属于 {owner.pw_name}, 请用该账号运行或设置 DATABASE_URL"
        )
    return Layout(local=root / ".local", home=home, owner=owner)


def find_or_make(root: Path) -> Layout:
    """The layout of this checkout's cluster, its folder made when it is missing.

    Raises ClusterError as `find` does, or when root finds no account to run the server as.
    """
    found = find(root)
    if found is not None:
        return found
    link = root / ".local" / "pg"
    link.unlink(missing_ok=True)  # a dangling link, or one copied from another checkout
    if os.geteuid() == 0:
        _make_home_as_root(root, link)
    else:
        link.mkdir(mode=0o700)
    made = find(root)
    if made is None:
        raise ClusterError(f"{link} could not be made")
    return made


def forget(layout: Layout) -> None:
    """Delete a stopped cluster with all its data."""
    layout.empty()
    layout.home.rmdir()
    link = layout.local / "pg"
    if link.is_symlink():
        link.unlink()
    layout.password_file.unlink(missing_ok=True)


def _make_home_as_root(root: Path, link: Path) -> None:
    account = _server_account()
    _make_owned(link, account)
    if run_as(account, "test", "-w", str(link)).returncode == 0:
        return
    link.rmdir()
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o711)
    home = _outside(root)
    _make_owned(home, account)
    link.symlink_to(home)


def _make_owned(folder: Path, account: pwd.struct_passwd) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.pw_uid, account.pw_gid)


def _server_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SERVER_ACCOUNT)
    except KeyError:
        raise ClusterError(
            f"PostgreSQL does not run as root and there is no account {_SERVER_ACCOUNT}; "
            "run as an ordinary account — 数据库不能以 root 运行, 请使用普通账号"
        ) from None


def _is_copied_link(root: Path, link: Path) -> bool:
    """Whether the link came along when another checkout was copied or moved to this place."""
    return (
        link.is_symlink() and link.readlink().parent == STATE and link.readlink() != _outside(root)
    )


def _outside(root: Path) -> Path:
    """The place of this checkout's cluster when its account cannot reach the checkout."""
    return STATE / hashlib.sha256(str(root).encode()).hexdigest()[:16]
