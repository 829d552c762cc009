"""Makefile, Dockerfile, compose.yaml and lock files name only what exists, and agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name in SERVICES if name != "db")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = sorted(re.findall(r"^([a-z]+):.*## ", MAKEFILE, flags=re.MULTILINE))
PASSWORDS = re.compile(r"\$\{(\w*(?:PASSWORD|KEYS?))(.*?)\}")


def cli_calls() -> list[tuple[str, ...]]:
    """Every call of the `gridward` command in the delivery files, without its values."""
    by_make = re.findall(r"gridward ([a-z]+(?: --check)?)(?= |$)", MAKEFILE, flags=re.MULTILINE)
    calls = {tuple(call.split()) for call in by_make}
    quoted = re.search(r"^CMD \[(.*)\]$", DOCKERFILE, flags=re.MULTILINE)
    assert quoted is not None
    commands = [re.findall(r'"([^"]*)"', quoted[1]), *(SERVICES[name]["command"] for name in OURS)]
    for command in commands:
        assert command[0] == "gridward"
        calls.add(tuple(word for word in command[1:] if re.fullmatch(r"(--)?[a-z]+", word)))
    return sorted(calls)


def pins(name: str) -> dict[str, str]:
    text = (PROJECT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_can_be_read(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_promised_make_targets_exist() -> None:
    assert {"demo", "test", "check", "bench", "setup", "lock", "openapi", "stop"} <= set(TARGETS)


def test_ci_runs_the_two_targets_and_ends_with_the_tests() -> None:
    script = PROJECT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert re.findall(r"^make (\w+)", script.read_text(encoding="utf-8"), flags=re.MULTILINE) == [
        "check",
        "test",
    ]


@pytest.mark.parametrize("call", cli_calls(), ids=" ".join)
def test_every_gridward_command_that_is_called_exists(call: tuple[str, ...]) -> None:
    words = [word for word in call if not word.startswith("-")]
    script = "import sys; from service.cli import main; sys.argv[0] = 'gridward'; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *words, "--help"],
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", "TERM": "dumb", "COLUMNS": "200", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for option in set(call) - set(words):
        assert option in done.stdout


@pytest.mark.parametrize("folder", re.findall(r"^COPY ([^-].*) \S+$", DOCKERFILE, re.MULTILINE))
def test_what_the_image_copies_exists_and_is_not_ignored(folder: str) -> None:
    allowed = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in folder.split():
        assert (PROJECT / name).exists()
        assert f"!{name}" in allowed


def test_the_image_runs_as_an_ordinary_account_and_tells_its_health() -> None:
    final = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "/readyz" in final
    assert "STOPSIGNAL SIGTERM" in final
    port = re.search(r"^EXPOSE (\d+)$", final, re.MULTILINE)
    assert port is not None
    assert final.count(port[1]) == 3, "exposed, asked for its health and served: one port"


def test_the_images_are_pinned_and_the_stage_that_compose_builds_exists() -> None:
    images = re.findall(r"^FROM (\S+) AS (\w+)$", DOCKERFILE, re.MULTILINE)
    assert len(images) == DOCKERFILE.count("\nFROM ")
    assert all(re.search(r":\d+\.\d+-", image) for image, _ in images)
    stages = {stage for _, stage in images}
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) <= stages
    assert {SERVICES[name]["build"]["target"] for name in OURS} <= stages
    assert re.fullmatch(r"postgis/postgis:\d+-\d+\.\d+", SERVICES["db"]["image"])


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_closed_and_starts_after_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    conditions = {key: value["condition"] for key, value in service["depends_on"].items()}
    expected = {"db": "service_healthy"}
    if name != "migrate":
        expected["migrate"] = "service_completed_successfully"
    assert conditions == expected


def test_every_volume_and_config_that_is_used_is_declared() -> None:
    used = {volume.split(":")[0] for item in SERVICES.values() for volume in item["volumes"]}
    assert used == set(COMPOSE["volumes"])
    configs = {config["source"] for item in SERVICES.values() for config in item.get("configs", [])}
    assert configs == set(COMPOSE["configs"])


def test_no_secret_is_written_down_and_each_is_required() -> None:
    text = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    required = PASSWORDS.findall(text)
    assert {name for name, _ in required} == {
        "POSTGRES_PASSWORD",
        "GRIDWARD_DB_PASSWORD",
        "GRIDWARD_SIGNING_KEY",
        "GRIDWARD_FIELD_KEYS",
    }
    assert all(rest.startswith(":?") for _, rest in required)


@pytest.mark.parametrize("variable", sorted(SERVICES["api"]["environment"]))
def test_every_variable_that_compose_sets_is_a_setting(variable: str) -> None:
    from service.config import Settings

    known = {f"GRIDWARD_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL"}
    assert variable in known


def test_the_image_gets_the_versions_that_were_tested() -> None:
    tested, shipped = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert shipped
    assert shipped.items() <= tested.items()
    assert not {"pytest", "ruff", "mypy"} & set(shipped)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-runtime.lock"])
def test_a_lock_file_has_a_hash_for_everything_and_no_address(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block
