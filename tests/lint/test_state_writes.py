"""Nothing but `service.kit.advance` writes a case's state, and `service.kit.parts` a part's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.commands import audit
from service.config import ROOT
from service.plan.fulfilment import KINDS
from service.tables import metadata

GATE = ROOT / "service" / "kit" / "advance.py"
PARTS_GATE = ROOT / "service" / "kit" / "parts.py"
SOURCES = sorted(p for p in (ROOT / "service").rglob("*.py") if p not in (GATE, PARTS_GATE))

# A case is a row with a state and the head of a chain.
CASE_TABLES = sorted(
    table.name for table in metadata.sorted_tables if {"state", "head_hash"} <= set(table.c.keys())
)
CASE_CLASSES = {"".join(part.title() for part in name.split("_")) for name in CASE_TABLES}
_TABLE = rf'(?:only\s+)?(?:public\.)?"?(?:{"|".join(CASE_TABLES)})"?(?![\w.])'
WRITING_SQL = re.compile(
    rf"\b(?:update|insert\s+into|merge\s+into|delete\s+from|truncate|copy)\s+{_TABLE}"
    r'|\bset\b(?:(?!\bwhere\b|\bfrom\b|;)[\s\S])*?(?<![\w.])"?state"?\s*=',
    re.IGNORECASE,
)
WRITING_CALLS = {"insert", "update", "delete"}


def state_writes(source: str) -> list[str]:
    """The places in a module that write a case's state or row, as `line: code`."""
    tree = ast.parse(source)
    prose = {id(node) for node in _docstrings(tree)}
    inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    found = []
    for node in ast.walk(tree):
        if id(node) in prose | inside:
            continue
        if _writes_by_sql(node) or _writes_by_attribute(node) or _writes_by_call(node):
            found.append(f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)[:80]}")
    return found


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _writes_by_sql(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    elif isinstance(node, ast.JoinedStr):
        text = "".join(
            v.value if isinstance(v, ast.Constant) and isinstance(v.value, str) else " ? "
            for v in node.values
        )
    else:
        return False
    return WRITING_SQL.search(text) is not None


def _writes_by_attribute(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    else:
        return False
    return any(
        isinstance(part, ast.Attribute) and part.attr == "state"
        for target in targets
        for part in ast.walk(target)
        if isinstance(getattr(part, "ctx", None), ast.Store)
    )


def _writes_by_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
    keywords = {keyword.arg for keyword in node.keywords}
    constants = {a.value for a in node.args if isinstance(a, ast.Constant)}
    names = {getattr(a, "id", None) or getattr(a, "attr", "") for a in node.args}
    return (
        name in CASE_CLASSES
        or (name in WRITING_CALLS and bool(names & CASE_CLASSES))
        or (name in {"values", "replace"} and "state" in keywords)
        or (name in {"setattr", "__setattr__"} and "state" in constants)
        or (name == "copy_records_to_table" and bool(constants & set(CASE_TABLES)))
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_gate_writes_a_state(path: Path) -> None:
    assert state_writes(path.read_text("utf-8")) == []


def test_the_gate_itself_is_where_states_are_written() -> None:
    assert state_writes(GATE.read_text("utf-8"))
    assert len(state_writes(PARTS_GATE.read_text("utf-8"))) == 1
    assert {"activation", "dispatch_approval", "incident"} <= set(CASE_TABLES)


def test_the_audit_checks_the_heads_of_every_case_there_is() -> None:
    assert sorted(audit.CASE_TABLES) == CASE_TABLES
    kinds = [kind for named in audit.CASE_TABLES.values() for kind in named]
    assert sorted(kinds) == sorted(KINDS)


@pytest.mark.parametrize(
    "snippet",
    [
        "SQL = 'UPDATE incident SET tier = 2'",
        "SQL = 'update  only public.incident as i set version = 1'",
        'SQL = """\nINSERT INTO incident (id) VALUES ($1)"""',
        "SQL = 'WITH x AS (DELETE FROM incident RETURNING 1) SELECT 1'",
        "SQL = 'TRUNCATE incident'",
        "SQL = f'UPDATE {table} SET version = 1, state = $1 WHERE id = $2'",
        "SQL = f'UPDATE {table} AS c ' 'SET state=$1'",
        "SQL = 'INSERT INTO x VALUES (1) ON CONFLICT (id) DO UPDATE SET \"state\" = 1'",
        "case.state = 'closed'",
        "case.state: str = 'closed'",
        "case.version, case.state = 2, 'closed'",
        "setattr(case, 'state', 'closed')",
        "session.add(Incident(id=1, state='closed'))",
        "session.add(models.Incident(id=1))",
        "update(Incident).where(True)",
        "sa.insert(models.Incident)",
        "query.values(state='closed')",
        "msgspec.structs.replace(case, state='closed')",
        "await c.copy_records_to_table('incident', records=rows)",
    ],
)
def test_a_state_written_elsewhere_is_noticed(snippet: str) -> None:
    assert len(state_writes(snippet)) >= 1


@pytest.mark.parametrize(
    "snippet",
    [
        '"""Docs may say UPDATE incident SET state = 1."""',
        "SQL = 'SELECT i.state FROM incident i WHERE i.state = ANY ($1)'",
        "SQL = 'SELECT FROM incident FOR UPDATE'",
        "SQL = 'INSERT INTO incident_contact (incident_id) VALUES ($1)'",
        "SQL = 'UPDATE category_set SET status = $1 WHERE state = 1'",
        "app.state.db = db",
        "state = case.state",
        "found = case.state == 'closed'",
        "show(state='closed')",
    ],
)
def test_reading_a_state_is_no_writing(snippet: str) -> None:
    assert state_writes(snippet) == []
