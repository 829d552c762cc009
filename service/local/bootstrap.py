"""Installs what the project needs on this machine; quick when everything is there.

`python3 -m service.local.bootstrap`, or `python3 service/local/bootstrap.py`, with the system's
Python and nothing installed. Everything goes into the checkout (`.venv`, `.local`), apart from the
distribution's packages. Where packages come from is the machine's own configuration.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator  # noqa: UP035 - an older Python must get as far as the version check

ROOT = Path(__file__).resolve().parents[2]
if not __package__:  # run as a file: the package is not on the path yet
    sys.path[0] = str(ROOT)

from service.local import packages  # noqa: E402 - after the path is right
from service.local.packages import SetupError, run_logged, say  # noqa: E402 - as above

LOCAL = ROOT / ".local"
TOOLS = LOCAL / "tools"
VENV = ROOT / ".venv"
STAMP = VENV / "gridward.json"
LOCK = ROOT / "requirements.lock"
RUNTIME_LOCK = ROOT / "requirements-runtime.lock"
LOG = LOCAL / "setup.log"
# pip's settings that uv does not read, and how uv is told the same.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "trusted-host": "UV_INSECURE_HOST",
}


def main(arguments: list[str] | None = None) -> int:
    """Install what is missing; returns the exit status, 1 with one line when it cannot."""
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument("--with", dest="programs", action="append", default=[], metavar="PROGRAM")
    parser.add_argument("--lock", action="store_true", help="write the lock files instead")
    parser.add_argument("--upgrade", action="store_true", help="with --lock: the newest versions")
    options = parser.parse_args(arguments)
    try:
        _check_python()
        with _alone():
            if options.lock:
                write_locks(upgrade=options.upgrade)
            else:
                ensure_machine(options.programs)
    except SetupError as problem:
        say(str(problem))
        return 1
    except OSError as problem:
        say(f"Setup cannot write here — 安装失败: {problem}")
        return 1
    return 0


def ensure_machine(programs: list[str]) -> None:
    """Install the Python environment, a database server unless one is given, and programs.

    Raises SetupError when something is missing and cannot be installed.
    """
    ensure_environment()
    if not os.environ.get("DATABASE_URL"):
        packages.ensure_server(LOG)
    for program in programs:
        packages.ensure_program(program, LOG)


def write_locks(*, upgrade: bool) -> None:
    """Write `requirements.lock` (everything) and from it `requirements-runtime.lock` (the image's).

    Versions that still fit are kept unless `upgrade`. Raises SetupError when there is no solution.
    """
    uv, env = _ensure_uv(), _uv_environment()
    compile_ = [uv, "pip", "compile", str(ROOT / "pyproject.toml"), "--universal"]
    compile_ += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    compile_ += ["--no-annotate", "--no-header", "--quiet"]
    newest = ["--upgrade"] if upgrade else []
    _step([*compile_, *newest, "--group", "dev", "--output-file", str(LOCK)], env)
    RUNTIME_LOCK.unlink(missing_ok=True)  # nothing but the first lock decides on versions
    fixed = ["--constraints", str(LOCK), "--output-file", str(RUNTIME_LOCK)]
    _step([*compile_, *fixed], env)


def ensure_environment() -> None:
    """Bring `.venv` to exactly what the lock file says, with the project itself editable.

    Raises SetupError when a step fails.
    """
    wanted = _wanted()
    recorded = _recorded()
    if recorded == wanted and (VENV / "bin" / "python").exists():
        return
    uv = _ensure_uv()
    env = _uv_environment()
    kept = recorded.get("root", str(ROOT)) == wanted["root"]
    if not kept or not (VENV / "bin" / "python").exists():
        _step([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)], env)
    say("Installing the Python packages of requirements.lock …")
    STAMP.unlink(missing_ok=True)
    pip = [uv, "pip"]
    target = ["--python", str(VENV / "bin" / "python")]
    # Compiled now, once, and not by every process that starts where bytecode may not be written.
    compiled = ["--compile-bytecode", "--require-hashes"]
    _step([*pip, "sync", *target, *compiled, str(LOCK)], env)
    _step([*pip, "install", *target, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], env)
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")


def _check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the system's Python may be older than ours
        raise SetupError(
            "gridward needs Python 3.11 or newer (this is {}.{}); try: make PYTHON=python3.11"
            " — 需要 Python 3.11 或更新版本".format(*sys.version_info[:2])
        )


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other setup of this checkout is at work."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "bootstrap.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wanted() -> dict[str, str]:
    if not LOCK.exists():
        raise SetupError(f"{LOCK} is missing; `make lock` writes it — 缺少锁定文件")
    content = LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return {"root": str(ROOT), "content": hashlib.sha256(content).hexdigest()}


def _recorded() -> dict[str, str]:
    try:
        recorded: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded


def _ensure_uv() -> str:
    """The path of uv in the project's own tool environment, made when it is missing."""
    uv = TOOLS / "bin" / "uv"
    if uv.exists() and (TOOLS / "bin" / "python").exists():
        return str(uv)
    if importlib.util.find_spec("ensurepip") is None:
        major, minor = sys.version_info[:2]
        packages.install([f"python{major}.{minor}-venv"], LOG, purpose="Python's venv")
    say("Installing uv into .local/tools …")
    shutil.rmtree(TOOLS, ignore_errors=True)
    _step([sys.executable, "-m", "venv", str(TOOLS)], dict(os.environ))
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    _step([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv>=0.8"], env)
    return str(uv)


def _uv_environment() -> dict[str, str]:
    """This process's environment, with pip's index, proxy and certificates told to uv as well."""
    env = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", **os.environ}
    chosen = {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ)
    for name, value in _pip_settings().items():
        variable = _PIP_TO_UV.get(name)
        if variable and not (name == "index-url" and chosen):
            env.setdefault(variable, value)
    return env


def _pip_settings() -> dict[str, str]:
    """pip's effective settings by bare name; the environment beats `install`, that `global`."""
    listed = subprocess.run(  # noqa: S603 - the project's own Python
        [str(TOOLS / "bin" / "python"), "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    ranked: dict[str, tuple[int, str]] = {}
    for line in listed.stdout.splitlines():
        key, _, literal = line.partition("=")
        section, _, name = key.rpartition(".")
        rank = {"global": 0, "install": 1, ":env:": 2}.get(section)
        if rank is not None and (name not in ranked or ranked[name][0] <= rank):
            ranked[name] = (rank, str(ast.literal_eval(literal)))
    return {name: value for name, (_, value) in ranked.items()}


def _step(command: list[str], env: dict[str, str]) -> None:
    if not run_logged(command, LOG, env=env):
        last = LOG.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise SetupError(f"Setup failed ({' '.join(last)}); see {LOG} — 安装失败, 详见 {LOG}")


if __name__ == "__main__":
    sys.exit(main())
