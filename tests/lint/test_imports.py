"""Imports go one way: the contracts hold, they forget no room, and they would find a breach."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.config import ROOT

CONTRACTS = ROOT / ".importlinter"
LINT = Path(sys.executable).with_name("lint-imports")
SERVICE = ROOT / "service"
# What kit may know of the service besides itself.
BELOW_KIT = {"config", "db", "errors", "kit", "schema_version"}
READERS = {"sync", "dispatch", "maps", "indicators"}
PURE_NAMES = {"rules", "workflow"}
IMPURE_NAMES = {"actions", "models", "routes", "schemas", "store"}


def contract(name: str, key: str) -> set[str]:
    """The modules that a contract lists under `key`."""
    parser = configparser.ConfigParser()
    parser.read(CONTRACTS, "utf-8")
    return set(parser[f"importlinter:contract:{name}"][key].split())


def rooms() -> list[str]:
    """The packages that have tables of their own."""
    return sorted(p.parent.name for p in SERVICE.glob("*/models.py") if p.parent.name != "kit")


def imports_of(source: str) -> set[str]:
    """The modules that a module names in its imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def impure_imports(source: str, room: str) -> set[str]:
    """What rules or a workflow of `room` import and may not."""
    tree = ast.parse(source)
    named = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    named |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return {name for name in named if not _is_pure(name, room)}


def _is_pure(name: str, room: str) -> bool:
    top, _, _ = name.partition(".")
    if top in sys.stdlib_module_names or top == "geo":
        return True
    if name == "service.errors" or name.startswith("service.kit."):
        return True
    return name.startswith(f"service.{room}.") and not IMPURE_NAMES & set(name.split("."))


def test_the_contracts_hold() -> None:
    checked = lint(ROOT)
    assert checked.returncode == 0, checked.stdout


def test_the_contracts_forget_no_room() -> None:
    modules = {
        p.stem for p in SERVICE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    known = {f"service.{name}" for name in modules - BELOW_KIT - {"__init__"}}
    assert contract("kit", "forbidden_modules") == known
    for room in rooms():
        assert f"service.{room}.store" in contract(f"store_{room}", "protected_modules")
        assert f"service.{room}.routes" in contract("routes", "protected_modules")


PURE = sorted(
    p
    for p in SERVICE.rglob("*.py")
    if PURE_NAMES & {p.stem, p.parent.name} and "kit" not in p.parts
)


@pytest.mark.parametrize("path", PURE, ids=lambda p: str(p.relative_to(SERVICE)))
def test_rules_and_workflows_are_pure(path: Path) -> None:
    room = path.relative_to(SERVICE).parts[0]
    assert impure_imports(path.read_text("utf-8"), room) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import fastapi", {"fastapi"}),
        ("from service.db import Session", {"service.db"}),
        ("from service.areas.store import grids", {"service.areas.store"}),
        ("from service.auth.permissions import Role", {"service.auth.permissions"}),
        ("def f():\n    import sqlalchemy.sql", {"sqlalchemy.sql"}),
        ("import re\nfrom geo.codes import parse\nfrom service.kit.workflow import Step", set()),
        ("from service.errors import AppError\nfrom service.areas.errors import X", set()),
    ],
)
def test_an_impure_rule_is_noticed(source: str, found: set[str]) -> None:
    assert impure_imports(source, "areas") == found


# Besides the list of routers: the lists of tables and of jobs.
LISTS = {"api.py", "tables.py", "jobs"}


def test_only_the_lists_of_routers_tables_and_jobs_know_the_readers() -> None:
    named = {f"service.{reader}" for reader in READERS}
    breaches = [
        str(path.relative_to(SERVICE))
        for path in SERVICE.rglob("*.py")
        if path.relative_to(SERVICE).parts[0] not in READERS | LISTS
        and named & imports_of(path.read_text("utf-8"))
    ]
    assert breaches == []


def test_an_import_is_found_however_it_is_written() -> None:
    for source in ("import service.maps", "from service import maps", "from service.maps import x"):
        assert "service.maps" in imports_of(source)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source, to be spoiled."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("geo", "service"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONTRACTS, folder)
    return folder


@pytest.mark.parametrize(
    ("place", "line", "told"),
    [
        ("geo/breach.py", "import service.errors", "geo knows nothing"),
        ("geo/breach.py", "import sqlalchemy", "geo knows nothing"),
        ("service/kit/breach.py", "import service.auth.rules", "kit knows no room"),
        ("service/auth/breach.py", "import service.incidents.rules", "imports go one way"),
        ("service/areas/breach.py", "import service.attachments.models", "imports go one way"),
        ("service/incidents/breach.py", "import service.areas.store", "the store of areas"),
        ("service/plan/breach.py", "import service.areas.routes", "routes are for"),
        ("service/areas/breach.py", "import service.local.cluster", "nothing needs the scripts"),
    ],
)
def test_a_breach_is_found(copy: Path, place: str, line: str, told: str) -> None:
    breach = copy / place
    breach.write_text(f'"""A breach."""\n\n{line}\n', "utf-8")
    try:
        checked = lint(copy)
    finally:
        breach.unlink()
    assert checked.returncode == 1
    broken = [text for text in checked.stdout.splitlines() if text.endswith(" BROKEN")]
    assert any(told in text for text in broken), checked.stdout


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the source in `folder`."""
    return subprocess.run(
        [LINT, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False
    )
