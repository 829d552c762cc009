"""Splitting grids over HTTP, and what holds for every change of them."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from geo.crs import Crs, geometry_from_canonical
from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.rules import case_id_of
from tests.areas import (
    TestVillage,
    changed,
    drawn,
    grid,
    halves,
    lineage,
    make_village,
    published,
    shape,
    walk,
)
from tests.people import People, Person

APPROVED = {"approval_document": "开网格〔2026〕7号", "crs": "cgcs2000"}
NUMBERS = iter(range(100))


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", "511723"))


@pytest.fixture(autouse=True, scope="module")
def same_process(app: Any) -> None:
    """Files are examined in a thread here; test_delineations does it as for strangers."""
    app.state.examiner = Examiner(lambda job: asyncio.to_thread(worker.run, job))


@pytest.fixture
async def village(admin: Person, database_url: str) -> TestVillage:
    """A village of four grids: 001 north-west, 002 north-east, 003 and 004 below."""
    made = make_village(database_url, next(NUMBERS))
    await published(admin, drawn(made), made.code)
    return made


async def test_a_split_retires_the_grid_and_its_parts_are_new(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    old = f"{village.code}001"
    answer = await admin.post(f"/v1/grids/{old}/split", {"parts": halves(village), **APPROVED})
    done = await changed(answer)
    assert (done.operation, done.retired) == ("split", [old])
    assert [(g.code[-3:], g.name, g.households, g.version) for g in done.grids] == [
        ("005", "西半", None, 1), ("006", "第06网格", 12, 1)
    ]  # fmt: skip
    ended = await grid(admin, old)
    assert (ended.status, ended.valid_to) == ("retired", ended.retired_at)
    assert [s.code[-3:] for s in ended.successors] == ["005", "006"]
    part = await grid(admin, f"{village.code}005")
    assert part.change is not None
    assert part.change.approval_document == "开网格〔2026〕7号"
    assert part.provenance is not None, "the base map is still the parent's"
    steps = (await lineage(admin, old)).descendants
    assert {s.child_code[-3:]: s.depth for s in steps} == {"005": 1, "006": 1}
    assert sum(s.overlap_m2 for s in steps) == pytest.approx(ended.area_m2, abs=1)
    with psycopg.connect(database_url) as connection:
        told = connection.execute(
            "SELECT seq, event, clauses FROM case_event WHERE case_id = %s ORDER BY seq",
            (case_id_of(old),),
        ).fetchall()
    assert told == [(1, "grid.created", ["23.2"]), (2, "grid.retired", ["23.2"])]


async def test_grid_then_and_grid_now_after_a_split_of_a_split(
    admin: Person, village: TestVillage
) -> None:
    old = f"{village.code}001"
    before = (await grid(admin, old)).valid_from.isoformat().replace("+", "%2B")
    await changed(
        await admin.post(f"/v1/grids/{old}/split", {"parts": halves(village), **APPROVED})
    )
    quarters = [{"geometry": shape(village.area(0, 0, 0.5, 0.5))},
                {"geometry": shape(village.area(0, 0.5, 0.5, 1))}]  # fmt: skip
    url = f"/v1/grids/{village.code}005/split"
    await changed(await admin.post(url, {"parts": quarters, **APPROVED}))
    now = await grid(admin, old)
    assert [s.code[-3:] for s in now.successors] == ["006", "007", "008"]
    then = await grid(admin, old, f"?as_of={before}")
    assert (then.status, then.retired_at is not None) == ("current", True)
    up = (await lineage(admin, f"{village.code}007")).ancestors
    assert [(s.parent_code[-3:], s.child_code[-3:], s.depth) for s in up] == [
        ("005", "007", 1), ("001", "005", 2)
    ]  # fmt: skip
    listed = await walk(admin, f"area={village.code}&as_of={before}")
    assert [row.code[-3:] for row in listed] == ["001", "002", "003", "004"]
    retired = await walk(admin, f"area={village.code}&status=retired")
    assert [row.code[-3:] for row in retired] == ["001", "005"]
    everything = await walk(admin, f"area={village.code}&status=all")
    assert [row.code[-3:] for row in everything] == [f"00{n}" for n in range(1, 9)]


@pytest.mark.parametrize(
    ("parts", "flaw"),
    [
        ([(0, 0, 0.5, 1), (0.6, 0, 1, 1)], "not_covered"),
        ([(0, 0, 0.6, 1), (0.5, 0, 1, 1)], "overlap"),
        ([(0, 0, 0.5, 1), (0.5, 0, 1.2, 1)], "outside_area"),
        ([(0, 0, 1, 1), (0, 0, 1, 1)], "duplicate_geometry"),
        ([(0, 0, 1, 1), (0, 0, 0.0001, 0.0001)], "too_small"),
    ],
)
async def test_parts_that_do_not_cover_the_grid_are_refused_with_the_place(
    admin: Person, village: TestVillage, parts: list[Any], flaw: str
) -> None:
    body = {"parts": [{"geometry": shape(village.area(*p))} for p in parts], **APPROVED}
    answer = await admin.post(f"/v1/grids/{village.code}001/split", body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "geometry_refused")
    assert flaw in [e["code"] for e in problem["errors"]]
    assert problem["findings"]["features"][0]["geometry"] is not None
    assert (await grid(admin, f"{village.code}001")).status == "current"


async def test_polygons_are_taken_in_any_declared_system_and_in_no_other(
    admin: Person, village: TestVillage
) -> None:
    url = f"/v1/grids/{village.code}001/split"
    parts = [village.area(0, 0, 0.5, 1), village.area(0.5, 0, 1, 1)]
    shifted = [{"geometry": shape(geometry_from_canonical(p, Crs.GCJ02))} for p in parts]
    body = {"parts": shifted, "approval_document": "批"}
    undeclared = await admin.post(url, body)
    assert (undeclared.status_code, undeclared.json()["code"]) == (422, "crs_undeclared")
    unknown = await admin.post(url, {**body, "crs": "EPSG:1"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "crs_unknown")
    misplaced = await admin.post(url, {**body, "crs": "wgs84"})
    assert misplaced.json()["code"] == "geometry_refused", "500 m beside the grid"
    assert (await admin.post(url, {**body, "crs": "gcj02"})).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"approval_document": None}, "invalid_input"),
        ({"approval_document": "  "}, "invalid_input"),
        ({"parts": []}, "invalid_input"),
        ({"parts": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}] * 2}, "invalid_input"),
        ({"parts": [{"geometry": {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}}] * 2},
         "invalid_input"),
        ({"parts": [{"geometry": {"type": "Polygon",
                                  "coordinates": [[[1, 2], [3, 4], [5, 6], [1, 2]]]}}] * 2},
         "bad_geometry"),
        ({"colour": "red"}, "invalid_input"),
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_a_problem(
    admin: Person, village: TestVillage, change: dict[str, Any], code: str
) -> None:
    body = {"parts": halves(village), **APPROVED, **change}
    answer = await admin.post(f"/v1/grids/{village.code}001/split", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_stale_version_is_refused_and_nothing_is_lost(
    admin: Person, village: TestVillage
) -> None:
    old = f"{village.code}001"
    rename = {"name": "新名", "approval_document": "批"}
    first = await admin.post(f"/v1/grids/{old}/adjust", rename, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    body = {"parts": halves(village), **APPROVED}
    for more in ({"headers": {"If-Match": '"1"'}}, {"json": {**body, "version": 1}}):
        sent = {"json": body, **more}
        stale = await admin.http.post(f"/v1/grids/{old}/split", **sent)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    odd = await admin.post(f"/v1/grids/{old}/split", body, headers={"If-Match": "two"})
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_if_match")
    merge = {"codes": [{"code": old, "version": 1}, f"{village.code}002"],
             "approval_document": "批"}  # fmt: skip
    assert (await admin.post("/v1/grids/merge", merge)).status_code == 412
    fresh = await admin.post(f"/v1/grids/{old}/split", body, headers={"If-Match": '"2"'})
    assert fresh.status_code == 200


async def test_of_two_splits_at_once_one_wins(admin: Person, village: TestVillage) -> None:
    url, body = f"/v1/grids/{village.code}001/split", {"parts": halves(village), **APPROVED}
    answers = await asyncio.gather(*(admin.post(url, body) for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409]
    lost = [a.json()["code"] for a in answers if a.status_code == 409]
    assert set(lost) <= {"grid_retired", "busy"}
    again = await admin.post(url, body)
    assert (again.status_code, again.json()["code"]) == (409, "grid_retired")
    assert f"{village.code}006" in again.json()["detail"]


async def test_a_replayed_split_is_one_split(admin: Person, village: TestVillage) -> None:
    url, body = f"/v1/grids/{village.code}001/split", {"parts": halves(village), **APPROVED}
    key = {"Idempotency-Key": f"split-{village.code}"}
    first = await admin.post(url, body, headers=key)
    again = await admin.post(url, body, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await admin.post(url, {**body, "note": "x"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_who_may_change_grids_and_where(
    people: People, admin: Person, village: TestVillage
) -> None:
    body = {"parts": halves(village), **APPROVED}
    url = f"/v1/grids/{village.code}001/split"
    for role in ("grid_worker", "county_dispatcher", "auditor"):
        person = people.make((role, "511723"))
        assert (await person.post(url, body)).status_code == 403
        assert (await person.get(f"/v1/grids/{village.code}001")).status_code == 200
    elsewhere = people.make(("administrator", "511723100"))
    refused = await elsewhere.post(url, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "outside_area")
    assert (await people.make(("administrator", village.code)).post(url, body)).status_code == 200


async def test_the_database_itself_keeps_history_and_areas(
    app: Any, people: People, village: TestVillage
) -> None:
    elsewhere = people.make(("administrator", "511723100"))
    added = (
        "INSERT INTO grid (code, village_code, kind, created_at)"
        f" VALUES ('{village.code}099', '{village.code}', 'basic', now())"
    )
    statements = ("DELETE FROM grid", "DELETE FROM grid_version", added)
    for statement in statements:
        async with app.state.db.session(elsewhere.id) as session:
            with pytest.raises(Exception, match=r"permission denied|row-level security"):
                await session.execute(text(statement))


async def test_each_change_counts_the_grids_data_epoch_up(
    app: Any, admin: Person, village: TestVillage
) -> None:
    before = (await app.state.grids.current()).epoch
    body = {"parts": halves(village), **APPROVED}
    await changed(await admin.post(f"/v1/grids/{village.code}001/split", body))
    assert app.state.grids.peek().epoch == before, "peek asks nobody"
    after = await app.state.grids.current()
    assert after.epoch == before + 1
    assert f"{village.code}005" in after.index.codes
    assert f"{village.code}001" not in after.index.codes
