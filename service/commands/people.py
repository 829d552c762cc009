"""`gridward admin`: the first administrator of a deployment."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from service.auth.bootstrap import create_administrator
from service.commands.base import in_session, require_schema, settings
from service.commands.speech import first_problem, language, refuse, say

admin = typer.Typer(no_args_is_help=True, help="Make administrators.")


@admin.callback()
def group() -> None:
    """Make administrators."""


@admin.command("create")
def create(
    login: Annotated[str, typer.Argument(help="What the administrator logs in with.")],
    area: Annotated[str, typer.Option(help="County (6 digits) or township (9) to administer.")],
) -> None:
    """Create an administrator; the password is asked for, or is the first line of the input."""
    chosen = settings()
    require_schema(chosen)
    password = _password()
    try:
        account = in_session(
            chosen, lambda session: create_administrator(session, login, password, area)
        )
    except ValidationError as failure:
        problem = first_problem(failure)
        refuse(f"登录名有误：{problem}", f"the login is wrong: {problem}")
    say(f"已创建管理员 {login}（{account}）", f"created administrator {login} ({account})")


def _password() -> str:
    if sys.stdin.isatty():
        asked = "密码" if language() == "zh" else "Password"
        return str(typer.prompt(asked, hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        refuse("没有密码：请从终端输入或写入标准输入", "no password: type it, or pipe it in")
    return line
