"""What `make setup` says when it cannot help, and what it tells uv about this machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.local import binaries, bootstrap, packages
from service.local.packages import SetupError

PROJECT = Path(__file__).parents[2]
# What has to be readable by an older Python, so that it can say that it is too old.
EARLY = ["__init__", "local/__init__", "local/binaries", "local/bootstrap", "local/packages"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "setup.log"


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda name: None if name == "sudo" else name)


@pytest.mark.usefixtures("unprivileged")
@pytest.mark.parametrize(
    ("installed", "offered", "wanted"),
    [
        ([], False, "postgresql postgresql-postgis"),
        ([17], True, "postgresql-17 postgresql-17-postgis-3"),
        ([17], False, "postgresql postgresql-postgis"),
    ],
)
def test_without_the_right_to_install_one_line_names_the_packages(
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: list[int],
    offered: bool,
    wanted: str,
) -> None:
    monkeypatch.setattr(binaries, "usable_servers", list)
    monkeypatch.setattr(binaries, "servers", lambda: installed)
    monkeypatch.setattr(packages, "_offered", lambda _: offered)
    with pytest.raises(SetupError) as failure:
        packages.ensure_server(log)
    message = str(failure.value)
    assert f"apt-get install {wanted} " in message
    assert "\n" not in message


def test_an_installed_server_is_enough(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "usable_servers", lambda: [15])
    packages.ensure_server(log)
    assert not log.exists()


def test_a_server_without_postgis_or_below_the_floor_is_not_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_PROGRAMS", tmp_path / "lib")
    monkeypatch.setattr(binaries, "_SHARED", tmp_path / "share")
    for major, extensions in {
        "13": binaries.EXTENSIONS,
        "15": binaries.EXTENSIONS,
        "16": binaries.EXTENSIONS,
        "17": ("btree_gist", "pg_trgm"),
    }.items():
        (tmp_path / "lib" / major / "bin").mkdir(parents=True)
        (tmp_path / "lib" / major / "bin" / "postgres").touch()
        (tmp_path / "share" / major / "extension").mkdir(parents=True)
        for name in extensions:
            (tmp_path / "share" / major / "extension" / f"{name}.control").touch()
    assert binaries.servers() == [17, 16, 15]
    assert binaries.usable_servers() == [16, 15]


def test_an_older_python_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    with pytest.raises(SetupError, match=r"^gridward needs Python 3\.11 .* \(this is 3\.9\).*$"):
        bootstrap._check_python()


@pytest.mark.parametrize("module", EARLY)
def test_what_runs_first_needs_only_the_standard_library_and_old_syntax(module: str) -> None:
    text = (PROJECT / "service" / f"{module}.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 8))
    imported = re.findall(r"^(?:from|import) ([\w.]+)", text, flags=re.MULTILINE)
    foreign = [
        name
        for name in imported
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith("service.local")
    ]
    assert foreign == []


@pytest.mark.parametrize(
    ("listed", "environment", "expected"),
    [
        ("global.index-url='https://a.test/'", {}, {"UV_DEFAULT_INDEX": "https://a.test/"}),
        (
            "global.index-url='https://a.test/'\n:env:.index-url='https://b.test/'",
            {},
            {"UV_DEFAULT_INDEX": "https://b.test/"},
        ),
        (
            ":env:.index-url='https://b.test/'\nglobal.index-url='https://a.test/'",
            {},
            {"UV_DEFAULT_INDEX": "https://b.test/"},
        ),
        (
            "global.index-url='https://a.test/'",
            {"UV_DEFAULT_INDEX": "https://own.test/"},
            {"UV_DEFAULT_INDEX": "https://own.test/"},
        ),
        (
            "global.cert='/etc/ca.pem'\nglobal.proxy='http://p.test:3128'",
            {},
            {"SSL_CERT_FILE": "/etc/ca.pem", "ALL_PROXY": "http://p.test:3128"},
        ),
        ("", {}, {}),
    ],
)
def test_uv_is_told_what_pip_is_configured_with(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
    environment: dict[str, str],
    expected: dict[str, str],
) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}\nEND\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(bootstrap, "TOOLS", tmp_path)
    told = {*bootstrap._PIP_TO_UV.values(), "UV_INDEX_URL"}
    for name in told:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    env = bootstrap._uv_environment()
    assert {name: env[name] for name in told if name in env} == expected


def test_the_bootstrap_runs_as_a_file_from_anywhere(tmp_path: Path) -> None:
    script = PROJECT / "service" / "local" / "bootstrap.py"
    done = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
