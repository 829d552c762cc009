"""`gridward openapi`: the API's contract as a file, the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from service.commands.base import settings
from service.commands.speech import refuse, say
from service.config import ROOT

CONTRACT = ROOT / "openapi" / "openapi.json"
NAMED = 5


def openapi(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the file; exit code 1 when it differs.")
    ] = False,
    file: Annotated[Path, typer.Option(help="The file to write or compare.")] = CONTRACT,
) -> None:
    """Write the OpenAPI document, or check that the committed one is up to date."""
    text = contract()
    if not check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        say(f"已写入 {file}", f"written to {file}")
        return
    if not file.exists():
        refuse(f"缺少 {file}：请运行 gridward openapi", f"{file} is missing: run gridward openapi")
    stored = file.read_text(encoding="utf-8")
    if stored != text:
        places = "、".join(differences(stored, text)[:NAMED])
        refuse(
            f"{file} 与代码不一致（{places}）：请运行 gridward openapi",
            f"{file} is not what the code says ({places}): run gridward openapi",
        )
    say("接口文件与代码一致", "the contract is up to date")


def contract() -> str:
    """The OpenAPI document as text: sorted keys, UTF-8, two spaces, a line end."""
    from service.main import create_app  # the whole application: slow to import

    document = create_app(settings()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def differences(stored: str, wanted: str) -> list[str]:
    """Where two documents differ: paths, schemas or other top-level parts."""
    try:
        old: dict[str, Any] = json.loads(stored)
    except ValueError:
        return ["no JSON"]
    new: dict[str, Any] = json.loads(wanted)
    found = _changed(old.get("paths", {}), new.get("paths", {}))
    found += _changed(
        old.get("components", {}).get("schemas", {}), new.get("components", {}).get("schemas", {})
    )
    return found or _changed(old, new) or ["layout"]


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
