"""A file is about one thing, a function about one step, and what is public explains itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.config import ROOT

FILE_LINES = 300
FUNCTION_LINES = 40
SOURCES = sorted(p for folder in ("service", "geo") for p in (ROOT / folder).rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def faults(source: str) -> list[str]:
    """What is too long or not explained in a module."""
    tree = ast.parse(source)
    lines = len(source.splitlines())
    found = [f"{lines} lines"] if lines > FILE_LINES else []
    if tree.body and ast.get_docstring(tree) is None:
        found.append("the module has no docstring")
    found += [
        f"{node.name}: {length} lines"
        for node in ast.walk(tree)
        if isinstance(node, Function) and (length := _length(node)) > FUNCTION_LINES
    ]
    return found + [f"{name}: no docstring" for name in _unexplained(tree.body)]


def _length(node: Function) -> int:
    """The lines of a function from `def` to its end, without its docstring."""
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        first = node.body[0]
        assert first.end_lineno is not None
        length -= first.end_lineno - first.lineno + 1
    return length


def _unexplained(body: list[ast.stmt]) -> Iterator[str]:
    """Public functions and classes without a docstring, down through public classes."""
    for node in body:
        if not isinstance(node, (Function, ast.ClassDef)) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not _is_a_mere_signature(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from _unexplained(node.body)


def _is_a_mere_signature(node: ast.stmt) -> bool:
    """A member of a protocol, or an overload: explained where it is implemented."""
    return isinstance(node, Function) and ast.unparse(node.body[-1]) == "..."


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_code_is_short_and_explained(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


MODULE = '"""Says what it is."""\n'
LONG = "\n".join(f"    x{n} = {n}" for n in range(FUNCTION_LINES))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1\n", "the module has no docstring"),
        (MODULE + "x = 1\n" * FILE_LINES, "301 lines"),
        (MODULE + f"def _long():\n{LONG}\n", "_long: 41 lines"),
        (MODULE + f"class _A:\n  async def b(self):\n{LONG}\n", "b: 41 lines"),
        (MODULE + "def told(): pass\n", "told: no docstring"),
        (MODULE + "class Told: x = 1\n", "Told: no docstring"),
        (MODULE + 'class Told:\n  """A."""\n  def method(self): pass\n', "method: no docstring"),
    ],
)
def test_what_is_long_or_unexplained_is_noticed(source: str, told: str) -> None:
    assert any(told in fault for fault in faults(source))


@pytest.mark.parametrize(
    "source",
    [
        "",
        MODULE + "x = 1\n" * (FILE_LINES - 1),
        MODULE + f'def _f():\n    """{"Long prose. " * 9}\n\n    More.\n    """\n{LONG[:-10]}\n',
        MODULE + "def _own(): pass\nclass _Own:\n  def method(self): pass\n",
        MODULE + 'class P:\n  """A."""\n  def method(self) -> int: ...\n',
        MODULE + 'def f():\n  """A."""\n  def inner(): return 1\n  return inner\n',
    ],
)
def test_what_is_short_and_explained_passes(source: str) -> None:
    assert faults(source) == []
