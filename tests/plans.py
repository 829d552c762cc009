"""Plans to import, and how a person imports them over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from service.plan import schemas
from tests.conftest import SHARED
from tests.people import Person

OFFICIAL = SHARED / "data" / "plan.txt"
SAMPLE = Path(__file__).parent / "domain" / "plan_sample.txt"
TINY = (
    "一、工作\n（一）小事。\n1.修灯。\n（1）查灯。\n"
    "责任单位：县住建局，县财政局\n完成时限：2022年底\n"
)


def content_of(path: Path) -> bytes:
    """The file's bytes; skips the test where the official text is absent."""
    if not path.exists():
        pytest.skip("the official text is absent")
    return path.read_bytes()


async def send(
    who: Person, data: bytes | str, name: str = "plan.txt", key: str | None = None, **more: Any
) -> httpx.Response:
    """What POST /v1/plan/imports answers to a file with this content."""
    headers = {"idempotency-key": key} if key else {}
    content = data.encode() if isinstance(data, str) else data
    files = {"file": (name, content, "text/plain")}
    return await who.post("/v1/plan/imports", files=files, headers=headers, **more)


async def imported(who: Person, data: bytes | str, **more: Any) -> schemas.ImportReportOut:
    """The report of an import that succeeds."""
    answer = await send(who, data, **more)
    assert answer.status_code == 201, answer.text
    report = schemas.ImportReportOut.model_validate(answer.json())
    assert answer.headers["location"] == f"/v1/plan/imports/{report.id}"
    return report


async def read(
    who: Person, report: schemas.ImportReportOut, query: str = ""
) -> schemas.ImportDetail:
    """The stored import."""
    answer = await who.get(f"/v1/plan/imports/{report.id}{query}")
    assert answer.status_code == 200, answer.text
    return schemas.ImportDetail.model_validate(answer.json())


async def count_imports(who: Person) -> int:
    """How many imports there are, up to 200."""
    found = schemas.ImportPage.model_validate((await who.get("/v1/plan/imports?limit=200")).json())
    return len(found.items)
