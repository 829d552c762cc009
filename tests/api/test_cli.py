"""The `gridward` command: what an administrator sees, and what goes wrong in one line."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from service.cli import main
from service.commands.database import PARTS
from service.commands.serving import check_secrets
from service.config import Settings, get_settings
from service.schema_version import expected_revision
from tests.conftest import create_database, drop_database, migrate, server_url, with_database
from tests.flows.chains import incident

SAMPLE = Path(__file__).parents[1] / "domain" / "plan_sample.txt"
PASSWORD = "Lantern-quartz-71-willow"


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The only line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Gridward = Callable[..., Outcome]


@pytest.fixture
def gridward(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Gridward]:
    """Runs the command in this process: `gridward("db", "check", url=…)`."""
    for name in ("LC_ALL", "LC_MESSAGES", "GRIDWARD_SIGNING_KEY", "GRIDWARD_FIELD_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, url: str | None = None, given: str = "") -> Outcome:
        if url is not None:
            monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setattr(sys, "argv", ["gridward", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        get_settings.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else 0, *capsys.readouterr())

    yield run
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def empty_url() -> Iterator[str]:
    """A database with PostGIS and nothing else."""
    url = server_url()
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE datname IN ('gridward_template', 'gw_template')"
        ).fetchone()
    name = f"gw_cli_{uuid4().hex[:12]}"
    create_database(url, name, found[0] if found else "template1")
    yield with_database(url, name)
    drop_database(url, name)


def test_a_deployment_from_nothing_to_its_first_administrator(
    gridward: Gridward, empty_url: str
) -> None:
    refused = gridward("worker", url=empty_url)
    assert refused.code == 1
    assert "run gridward db upgrade" in refused.line

    assert gridward("db", "upgrade").out == f"schema: {expected_revision()}\n"
    assert gridward("db", "check").code == 0
    first = gridward("db", "seed")
    assert "synthetic grids: loaded" in first.out
    again = gridward("db", "seed")
    assert again.code == 0
    assert re.findall(r": (\w+)", again.out) == ["kept"] * len(PARTS)

    weak = gridward("admin", "create", "root", "--area", "511723", given="root\n")
    assert weak.code == 1
    assert "password" in weak.line
    made = gridward("admin", "create", "root", "--area", "511723", given=f"{PASSWORD}\n")
    assert made.out.startswith("created administrator root (")
    twice = gridward("admin", "create", "root", "--area", "511723", given=f"{PASSWORD}\n")
    assert twice.code == 1
    assert PASSWORD not in made.out + twice.err

    assert gridward("audit", "checkpoint").code == 0
    assert gridward("audit", "verify").code == 0
    assert gridward("db", "downgrade", "base", "--yes").out == "schema: empty\n"


def test_a_stale_schema_is_told_in_one_line(gridward: Gridward, empty_url: str) -> None:
    migrate(empty_url)
    for stored, told in (("0001", "run gridward db upgrade"), ("9999", "use the newer program")):
        with psycopg.connect(empty_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", (stored,))
        refused = gridward("audit", "verify", url=empty_url)
        assert refused.code == 1
        assert told in refused.line
        assert stored in refused.line


@pytest.mark.parametrize(
    "arguments",
    [
        ("db", "check"),
        ("db", "upgrade"),
        ("db", "seed"),
        ("worker",),
        ("audit", "verify"),
        ("plan", "import", str(SAMPLE)),
    ],
    ids=" ".join,
)
def test_a_database_that_does_not_answer_is_one_line(
    gridward: Gridward, arguments: tuple[str, ...]
) -> None:
    failed = gridward(*arguments, url="postgresql://gridward:s3cret@127.0.0.1:1/nowhere")
    assert failed.code == 1
    assert "connection" in failed.line
    assert "s3cret" not in failed.err


def test_a_wrong_setting_is_one_line_without_its_value(
    gridward: Gridward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWARD_READ_CONNECTIONS", "s3cret")
    failed = gridward("db", "check")
    assert failed.code == 1
    assert "read_connections" in failed.line
    assert "s3cret" not in failed.err


def test_the_terminals_language_is_spoken(
    gridward: Gridward, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert gridward("audit", "verify", url=database_url).out.endswith("未发现问题\n")


def test_a_revision_that_does_not_exist_is_one_line(gridward: Gridward, database_url: str) -> None:
    failed = gridward("db", "upgrade", "nowhere", url=database_url)
    assert failed.code == 1
    assert "nowhere" in failed.line


def test_drift_is_told_in_one_line(gridward: Gridward, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP INDEX ix_case_event_recorded_at_brin")
    drifted = gridward("db", "check", url=database_url)
    assert drifted.code == 1
    assert "ix_case_event_recorded_at_brin" in drifted.line


def test_an_import_reports_what_it_read(gridward: Gridward, database_url: str) -> None:
    done = gridward("plan", "import", str(SAMPLE), url=database_url)
    assert done.code == 0, done.err
    assert re.search(r"imported plan_sample\.txt \(.+\): \d+ sections, \d+ tasks", done.out)
    assert re.search(r"\d+ irregularities, \d+ differences", done.out)
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT filename, imported_by FROM plan_import").fetchall()
    assert stored == [("plan_sample.txt", None)]


def test_what_is_no_plan_is_refused_in_one_line(
    gridward: Gridward, database_url: str, tmp_path: Path
) -> None:
    missing = gridward("plan", "import", str(tmp_path / "missing.txt"), url=database_url)
    assert missing.code == 1
    assert missing.line.endswith("missing.txt: No such file or directory")
    nonsense = tmp_path / "nonsense.txt"
    nonsense.write_bytes(b"\0\1\2" * 50)
    assert gridward("plan", "import", str(nonsense)).code == 1
    assert gridward("plan", "import", str(tmp_path)).code == 1


def test_the_audit_ends_with_1_and_names_the_case(gridward: Gridward, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        changed, honest = incident(connection), incident(connection)
    assert gridward("audit", "verify", url=database_url).code == 0
    anchor = gridward("audit", "checkpoint").out.splitlines()[-1]
    assert gridward("audit", "checkpoint").out.startswith("no new events")
    assert gridward("audit", "verify", "--anchor", anchor).code == 0
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE case_event SET payload = '{}' WHERE case_id = %s AND seq = 2", (changed.id,)
        )
    found = gridward("audit", "verify")
    assert found.code == 1
    assert str(changed.id) in found.out
    assert "event 2 was changed" in found.out
    assert str(honest.id) not in found.out
    assert gridward("audit", "verify", "--case", str(honest.id)).code == 0
    assert gridward("audit", "verify", "--case", str(changed.id)).code == 1
    forged = anchor.partition(":")[0] + ":" + "00" * 32
    assert "kept elsewhere" in gridward("audit", "verify", "--anchor", forged).out
    for malformed in ("7", "x:00", "1:zz", "1:00"):
        assert gridward("audit", "verify", "--anchor", malformed).code == 2


def test_new_keys_are_different_each_time_and_suit_the_service(gridward: Gridward) -> None:
    first, second = (
        dict(line.split("=", 1) for line in gridward("keys", "generate").out.splitlines())
        for _ in range(2)
    )
    assert first.keys() == {"GRIDWARD_SIGNING_KEY", "GRIDWARD_FIELD_KEYS"}
    assert not set(first.values()) & set(second.values())
    check_secrets(
        Settings(
            signing_key=first["GRIDWARD_SIGNING_KEY"],
            field_keys=first["GRIDWARD_FIELD_KEYS"],
        )
    )


def test_the_contract_is_the_same_bytes_every_time(gridward: Gridward, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert gridward("openapi", "--check", "--file", str(file)).code == 1
    assert gridward("openapi", "--file", str(file)).code == 0
    again = subprocess.run(
        [sys.executable, "-m", "service.cli", "openapi", "--check", "--file", str(file)],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr


def test_a_contract_that_differs_is_named(gridward: Gridward, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    gridward("openapi", "--file", str(file))
    document = json.loads(file.read_text("utf-8"))
    assert list(document) == sorted(document)
    assert "\\u" not in file.read_text("utf-8")
    del document["paths"]["/readyz"]
    file.write_text(json.dumps(document), "utf-8")
    differing = gridward("openapi", "--check", "--file", str(file))
    assert differing.code == 1
    assert "/readyz" in differing.line
    file.write_text("{", "utf-8")
    assert gridward("openapi", "--check", "--file", str(file)).code == 1


def test_every_command_explains_itself(gridward: Gridward) -> None:
    for command in ("serve", "worker", "demo", "openapi", "db upgrade", "db downgrade", "db seed",
                    "db check", "admin create", "plan import", "audit verify", "audit checkpoint",
                    "keys generate"):  # fmt: skip
        shown = gridward(*command.split(), "--help")
        assert shown.code == 0
        assert "Usage" in shown.out
    assert gridward("nonsense").code == 2
