"""`gridward plan`: import a deployment's official text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.commands.base import in_session, require_schema, settings
from service.commands.speech import language, out, refuse, say
from service.kit import clock
from service.plan.actions import import_plan
from service.plan.imports import ImportReport

plan = typer.Typer(no_args_is_help=True, help="Import the plan's official text.")


@plan.callback()
def group() -> None:
    """Import the plan's official text."""


@plan.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The text, UTF-8 or GB 18030.")],
) -> None:
    """Parse and store a plan, and print what was read with every irregularity that was met."""
    chosen = settings()
    data = _read(file, chosen.upload_max_bytes)
    require_schema(chosen)
    report = in_session(
        chosen, lambda session: import_plan(session, data, file.name, None, clock.now())
    )
    _show(report)


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(most + 1)
    if len(data) > most:
        refuse(f"{file} 超过 {most} 字节", f"{file} is larger than {most} bytes")
    return data


def _show(report: ImportReport) -> None:
    counts = report.counts
    say(
        f"已导入 {report.filename}（{report.encoding}）：{counts['sections']} 章、"
        f"{counts['tasks']} 项任务、{counts['measures']} 条措施",
        f"imported {report.filename} ({report.encoding}): {counts['sections']} sections, "
        f"{counts['tasks']} tasks, {counts['measures']} measures",
    )
    chinese = language() == "zh"
    table = Table("行" if chinese else "line", "条款" if chinese else "clause",
                  "次" if chinese else "times", "疑点" if chinese else "irregularity")  # fmt: skip
    for one in report.irregularities:
        line = "" if one["line"] is None else str(one["line"])
        text = one["zh"] if chinese else one["en"]
        table.add_row(line, one["ref"] or "", str(one["count"]), text)
    if report.irregularities:
        out.print(table)
    told, differing = counts["irregularities"], counts["differences"]
    say(
        f"{told} 处疑点，{differing} 处与登记册不同；导入编号 {report.id}",
        f"{told} irregularities, {differing} differences from the registry; import {report.id}",
    )
