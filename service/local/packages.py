"""Installs what is missing from the distribution, as root or with password-less sudo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from service.local import binaries

_APT_OPTIONS = ("-o", "DPkg::Lock::Timeout=600", "-y", "-qq", "--no-install-recommends")


class SetupError(Exception):
    """The machine lacks something that only its owner can give; the message is one line."""


def say(text: str) -> None:
    """Write one line of progress for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run_logged(command: list[str], log: Path, *, env: dict[str, str] | None = None) -> bool:
    """Run a command with its output appended to `log`; True when it succeeded."""
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(  # noqa: S603 - fixed programs, arguments from this package
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, check=False
        )
    return done.returncode == 0


def ensure_server(log: Path) -> None:
    """Make sure that a PostgreSQL >= 15 with PostGIS is installed.

    Raises SetupError when it is not and cannot be installed.
    """
    if not binaries.usable_servers():
        install(_server_packages(), log, purpose="PostgreSQL 15+ with PostGIS")
    if not binaries.usable_servers():
        raise SetupError(
            f"This distribution has no PostgreSQL >= {binaries.FLOOR} with PostGIS; set "
            "DATABASE_URL to a server that has. 本机软件源没有合适的 PostgreSQL + PostGIS, "
            "请用 DATABASE_URL 指向已有的服务器。"
        )


def ensure_program(program: str, log: Path) -> None:
    """Make sure that a program of the package of the same name is on the path.

    Raises SetupError when it is not and cannot be installed.
    """
    if shutil.which(program) is None:
        install([program], log, purpose=program)


def install(packages: list[str], log: Path, *, purpose: str) -> None:
    """Install packages with apt-get, telling what for.

    Raises SetupError, naming the packages, without apt-get, without the right to use it, or when
    it fails.
    """
    prefix = _privilege()
    wanted = " ".join(packages)
    if prefix is None or shutil.which("apt-get") is None:
        raise SetupError(
            f"gridward needs {purpose}; please run: sudo apt-get install {wanted}"
            f" — 缺少 {purpose}, 请先安装: {wanted}"
        )
    say(f"Installing {purpose} (apt-get install {wanted}) …")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "apt-get"]
    run_logged([*apt, "update", "-qq"], log)
    if not run_logged([*apt, "install", *_APT_OPTIONS, *packages], log):
        raise SetupError(f"apt-get could not install {wanted}; see {log} — 安装失败, 详见 {log}")


def _privilege() -> list[str] | None:
    """What goes before a command to run it as root; None when we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(
        ["sudo", "-n", "true"],  # noqa: S607 - sudo is found by the user's own path
        capture_output=True,
        check=False,
    )
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _server_packages() -> list[str]:
    """PostGIS for the server that is there, or else the distribution's own pair."""
    for major in binaries.servers():
        package = f"postgresql-{major}-postgis-3"
        if _offered(package):
            return [f"postgresql-{major}", package]
    return ["postgresql", "postgresql-postgis"]


def _offered(package: str) -> bool:
    if shutil.which("apt-cache") is None:
        return False
    shown = subprocess.run(  # noqa: S603 - the package name is made of a number
        ["apt-cache", "show", package],  # noqa: S607 - the distribution's own program
        capture_output=True,
        check=False,
    )
    return shown.returncode == 0
