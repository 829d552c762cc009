"""How the command speaks: in the terminal's language, failures in one line."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]*@")


class CommandFailed(Exception):
    """An expected failure: told in one line, exit code 1."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def language() -> str:
    """`"zh"` when the terminal's locale is Chinese, else `"en"`."""
    chosen = next((v for n in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(n))), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def say(zh: str, en: str) -> None:
    """Print a line in the terminal's language; its values are not read as markup."""
    out.print(zh if language() == "zh" else en, markup=False)


def warn(zh: str, en: str) -> None:
    """Print a warning to stderr."""
    err.print(f"[yellow]{escape(zh if language() == 'zh' else en)}[/yellow]")


def complain(zh: str, en: str) -> None:
    """Print a failure to stderr in one line, without passwords."""
    text = " ".join((zh if language() == "zh" else en).split())
    safe = _PASSWORD.sub(r"\1:***@", text)
    err.print(f"[red]{escape(safe)}[/red]")


def refuse(zh: str, en: str) -> NoReturn:
    """End with a line that says why."""
    raise CommandFailed(zh, en)


def first_problem(failure: ValidationError) -> str:
    """Where and what, of the first thing that is wrong; never the value, which may be a secret."""
    problem = failure.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
