"""Importing the official text over HTTP: stored as written, every oddity told, nothing dropped."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import asyncpg
import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.kit import clock
from service.plan import actions, schemas
from service.plan.errors import PlanRefused
from service.plan.imports import clean_filename
from service.plan.parser import parse_plan_bytes
from service.plan.parsing.shapes import Role
from tests.people import People, Person
from tests.plans import (
    OFFICIAL,
    SAMPLE,
    TINY,
    content_of,
    count_imports,
    imported,
    read,
    send,
)

COUNTY = "511723"


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", "511723100200001"))


async def test_the_official_text_is_read_whole_and_its_irregularities_are_told(
    admin: Person, worker: Person
) -> None:
    report = await imported(admin, content_of(OFFICIAL))
    assert (report.counts.sections, report.counts.tasks, report.counts.measures) == (24, 46, 129)
    assert sum(report.by_kind.values()) == report.counts.irregularities == 120
    told = {(i.kind, i.ref) for i in report.irregularities}
    assert {("numbering_gap", "13.9"), ("unclosed_bracket", "12.3")} <= told
    assert {"joined_lines", "masked_year", "ocr_slip", "broken_line"} <= report.by_kind.keys()
    assert all(i.zh and i.en for i in report.irregularities)
    kept = await read(worker, report)
    assert kept.irregularities == report.irregularities
    assert kept.differences == report.differences


async def test_the_official_text_differs_from_the_registry_only_in_noted_slips(
    admin: Person,
) -> None:
    report = await imported(admin, content_of(OFFICIAL))
    found = {(d.kind, d.ref): d for d in report.differences}
    assert found.keys() == {
        ("cooperating", "12.3"),
        ("leads", "14.2"),
        ("cooperating", "20.1"),
    }
    assert all(d.explained for d in found.values())
    slip = found["leads", "14.2"]
    assert (slip.written, slip.registered) == (["县卫键局"], ["县卫健局"])
    assert "县卫键局" in slip.zh
    assert "县卫键局" in slip.en


async def test_clauses_show_the_text_of_the_newest_import_as_written(
    admin: Person, worker: Person
) -> None:
    await imported(admin, TINY)
    newest = await imported(admin, content_of(OFFICIAL), name="a/b\\方案.txt")
    plan = parse_plan_bytes(content_of(OFFICIAL))
    raw = {m.clause: m.raw_text for m in plan.measures} | {
        str(t.number): t.raw_text for t in plan.tasks
    }
    listed = schemas.ClausePage.model_validate((await worker.get("/v1/plan/clauses")).json())
    assert {m.clause: m.official_text for m in listed.items} == {
        m.clause: raw[m.clause] for m in plan.measures
    }
    assert {t.clause: t.official_text for t in listed.tasks} == {
        str(t.number): raw[str(t.number)] for t in plan.tasks
    }
    body = (await worker.get("/v1/plan/clauses/12.3")).json()
    official = schemas.MeasureDetail.model_validate(body).official
    assert official is not None
    assert (official.import_id, official.filename) == (newest.id, "方案.txt")
    [piece] = official.pieces
    assert (piece.raw_text, piece.ordinal) == (raw["12.3"], 1)
    assert "各乡镇（街" in piece.cooperating
    body = (await worker.get("/v1/plan/clauses/23")).json()
    assert schemas.TaskDetail.model_validate(body).official_text == raw["23"]


@pytest.mark.parametrize("path", [SAMPLE, OFFICIAL], ids=["sample", "official"])
async def test_the_pieces_of_an_import_hold_every_line_of_the_file(
    admin: Person, path: Path
) -> None:
    data = content_of(path)
    kept = await read(admin, await imported(admin, data), "?pieces=true")
    assert kept.pieces is not None
    plan = parse_plan_bytes(data)
    held = Counter(line for p in kept.pieces for line in p.raw_text.split("\n"))
    labelled = {p.clause: p for p in kept.pieces if p.kind == "measure"}
    for fragment in plan.fragments:
        if fragment.role is Role.UNITS:
            stated = labelled[fragment.ref].units_text
            assert fragment.text.partition("：")[2] in stated or fragment.text in stated
        elif fragment.role is Role.DEADLINE:
            completion = labelled[fragment.ref].completion
            assert completion is not None
            assert fragment.text.endswith(completion.text)
        else:
            assert held[fragment.text] > 0, fragment
            held[fragment.text] -= 1
    assert held.total() == 0


async def test_a_foreign_text_is_kept_and_compared_with_the_registry(admin: Person) -> None:
    report = await imported(admin, content_of(SAMPLE))
    assert (report.counts.tasks, report.counts.measures) == (4, 9)
    kinds = {(d.kind, d.level, d.ref) for d in report.differences}
    assert {("missing", "measure", "23.2"), ("missing", "task", "46")} <= kinds
    assert ("extra", "measure", "1.5") in kinds
    assert ("completion", "measure", "1.1") in kinds
    assert not any(d.explained for d in report.differences)
    assert len(report.differences) == report.counts.differences


async def test_a_number_that_stands_twice_is_kept_twice_and_told(
    admin: Person, worker: Person
) -> None:
    report = await imported(admin, TINY + "（1）再查一遍灯。\n完成时限：持续推进\n")
    [told] = [d for d in report.differences if d.kind == "repeated"]
    assert (told.ref, told.line) == ("1.1", 4)
    assert "4、7" in told.zh
    assert "numbering_repeated" in report.by_kind
    body = (await worker.get("/v1/plan/clauses/1.1")).json()
    found = schemas.MeasureDetail.model_validate(body)
    assert found.official_text == "（1）查灯。\n（1）再查一遍灯。"
    assert found.official is not None
    assert [(p.ordinal, p.line) for p in found.official.pieces] == [(1, 4), (2, 7)]
    body = (await worker.get("/v1/plan/clauses/23.2")).json()
    absent = schemas.MeasureDetail.model_validate(body)
    assert absent.official_text is None
    assert absent.official is not None
    assert absent.official.pieces == []


async def test_a_text_in_gb18030_is_read_and_that_is_told(admin: Person) -> None:
    report = await imported(admin, TINY.encode("gb18030"))
    assert report.encoding == "gb18030"
    assert report.irregularities[0].kind == "encoding_fallback"
    marked = await imported(admin, b"\xef\xbb\xbf" + TINY.replace("\n", "\r\n").encode())
    assert (marked.encoding, marked.counts.measures) == ("utf-8-sig", 1)


async def test_a_replay_adds_nothing_and_gets_the_first_answer(admin: Person) -> None:
    first = await send(admin, TINY, key="import-1")
    before = await count_imports(admin)
    again = await send(admin, TINY, key="import-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    other = await send(admin, TINY + "（2）又一条。\n", key="import-1")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await count_imports(admin) == before


async def test_many_replays_at_once_import_once(admin: Person) -> None:
    before = await count_imports(admin)
    answers = await asyncio.gather(*(send(admin, TINY, key="import-2") for _ in range(6)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert await count_imports(admin) == before + 1


async def test_only_who_may_import_imports_and_everybody_reads(
    admin: Person, worker: Person, client: httpx.AsyncClient
) -> None:
    report = await imported(admin, TINY)
    assert (await send(worker, TINY)).status_code == 403
    files = {"file": ("plan.txt", TINY.encode(), "text/plain")}
    assert (await client.post("/v1/plan/imports", files=files)).status_code == 401
    assert (await read(worker, report)).imported_by == admin.id


async def test_imports_are_listed_newest_first_page_by_page(admin: Person) -> None:
    made = [await imported(admin, TINY) for _ in range(3)]
    first = schemas.ImportPage.model_validate((await admin.get("/v1/plan/imports?limit=2")).json())
    assert [i.id for i in first.items] == [made[2].id, made[1].id]
    assert first.items[0].counts == made[2].counts
    rest = await admin.get(f"/v1/plan/imports?limit=2&cursor={first.next}")
    assert schemas.ImportPage.model_validate(rest.json()).items[0].id == made[0].id
    answer = await admin.get("/v1/plan/imports?cursor=abc")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_an_import_that_does_not_exist_is_not_found(admin: Person) -> None:
    for path, status in (("018f0000-0000-7000-8000-000000000000", 404), ("x", 422)):
        assert (await admin.get(f"/v1/plan/imports/{path}")).status_code == status


async def test_an_import_leaves_an_event(admin: Person, database_url: str) -> None:
    report = await imported(admin, TINY)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT event, action, actor_id, clauses, payload ->> 'measures' FROM case_event"
            " WHERE case_id = %s",
            (report.id,),
        ).fetchall()
    assert rows == [("plan.imported", "import", admin.id, ["36.2"], "1")]


async def test_the_command_line_imports_by_the_same_action(app: FastAPI, admin: Person) -> None:
    async with app.state.db.session(None) as session:
        report = await actions.import_plan(session, TINY.encode(), "x.txt", None, clock.now())
        await session.commit()
    assert report.counts["measures"] == 1
    answer = await admin.get(f"/v1/plan/imports/{report.id}")
    kept = schemas.ImportDetail.model_validate(answer.json())
    assert (kept.imported_by, kept.filename) == (None, "x.txt")
    async with app.state.db.session(None) as session:
        with pytest.raises(PlanRefused) as refused:
            await actions.import_plan(session, b"\0", "x.txt", None, clock.now())
    assert refused.value.code == "plan_nul_byte"


async def test_an_import_is_kept_as_it_was_made(app: FastAPI) -> None:
    for statement in ("DELETE FROM plan_import", "UPDATE plan_text SET text = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.state.db.reads.execute(statement)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "plan.txt"),
        ("", "plan.txt"),
        ("../../etc/方案.txt", "方案.txt"),
        ("C:\\plans\\a.txt", "a.txt"),
        ("a\x00b\ud800\n.txt", "ab.txt"),
        ("长" * 300, "长" * 200),
    ],
)
def test_a_file_name_is_kept_without_its_folders(given: str | None, kept: str) -> None:
    assert clean_filename(given) == kept
