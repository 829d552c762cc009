"""Files that are no plan: each is refused with a clear problem, and nothing is stored."""

from __future__ import annotations

import pytest

from service.plan.imports import MAX_IRREGULARITIES
from service.plan.parsing.decode import MAX_BYTES
from tests.people import People, Person
from tests.plans import TINY, count_imports, send

COUNTY = "511723"


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "plan_without_tasks"),
        ("写给县里的一封信。\n".encode(), 422, "plan_without_tasks"),
        (b"PK\x03\x04" + b"\x00" * 50, 422, "plan_nul_byte"),
        (TINY.encode("utf-16"), 422, "plan_nul_byte"),
        (TINY.encode() + b"\xff\xfe\xff", 422, "plan_undecodable"),
        (b"1.\n" * 50_001, 413, "plan_too_large"),
        (TINY.encode() + b" " * MAX_BYTES, 413, "plan_too_large"),
        (TINY.encode() + b"x<(\n" * MAX_IRREGULARITIES, 422, "plan_too_irregular"),
        (TINY.encode() + "（2）修。\n".encode() * 6_000, 422, "plan_too_irregular"),
    ],
    ids=["empty", "letter", "zip", "utf-16", "bytes", "lines", "long", "odd", "items"],
)
async def test_what_is_no_plan_is_refused_and_changes_nothing(
    admin: Person, data: bytes, status: int, code: str
) -> None:
    before = await count_imports(admin)
    answer = await send(admin, data)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert await count_imports(admin) == before


async def test_a_refusal_is_told_in_the_language_that_was_asked_for(admin: Person) -> None:
    files = {"file": ("a.txt", b"a letter", "text/plain")}
    for language, word in (("en", "no plan"), ("zh-CN", "不是方案")):
        answer = await admin.post(
            "/v1/plan/imports", files=files, headers={"accept-language": language}
        )
        assert word in answer.json()["detail"]


async def test_a_body_that_is_no_form_with_a_file_is_refused(admin: Person) -> None:
    answer = await admin.post("/v1/plan/imports", json={"file": "text"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    answer = await admin.post("/v1/plan/imports", files={"plan": ("a.txt", b"1.", "text/plain")})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    answer = await admin.post(
        "/v1/plan/imports", content=b"no parts", headers={"content-type": "multipart/form-data"}
    )
    assert answer.status_code == 400
