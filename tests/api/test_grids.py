"""Published grids over HTTP: reading, codes, and the changes that approval documents allow."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import shapely
from sqlalchemy import text

from geo.codes import display
from geo.crs import Crs, geometry_from_canonical
from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.rules import case_id_of
from service.areas.schemas import changes as change_schemas
from service.areas.schemas import grids as schemas
from service.areas.store import grids, past
from service.kit import clock
from tests.areas import TestVillage, drawn, feature, geojson, make_village, published
from tests.people import People, Person

VILLAGE = "511723001003"
GRID = f"{VILLAGE}005"
APPROVED = {"approval_document": "开网格〔2026〕7号", "crs": "cgcs2000"}
NUMBERS = iter(range(100))


@pytest.fixture(scope="module")
def reader(people: People) -> Person:
    return people.make(("grid_worker", VILLAGE))


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


def shape(polygon: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shapely.to_geojson(polygon))
    return found


def halves(village: TestVillage) -> list[dict[str, Any]]:
    """The first grid in a western and an eastern half."""
    return [{"geometry": shape(village.area(0, 0, 0.5, 1)), "name": "西半"},
            {"geometry": shape(village.area(0.5, 0, 1, 1)), "households": 12}]  # fmt: skip


async def grid(person: Person, code: str, more: str = "") -> schemas.Grid:
    answer = await person.get(f"/v1/grids/{code}{more}")
    assert answer.status_code == 200, answer.text
    shown = schemas.Grid.model_validate_json(answer.content)
    assert answer.headers["etag"] == f'"{shown.version}"'
    return shown


async def lineage(person: Person, code: str) -> schemas.Lineage:
    return schemas.Lineage.model_validate_json(
        (await person.get(f"/v1/grids/{code}/lineage")).content
    )


async def changed(answer: httpx.Response) -> change_schemas.GridChange:
    assert answer.status_code == 200, answer.text
    return change_schemas.GridChange.model_validate_json(answer.content)


async def test_a_grid_tells_where_it_is_and_where_that_comes_from(reader: Person) -> None:
    one = await grid(reader, GRID)
    assert (one.code, one.display, one.scheme) == (GRID, display(GRID), "cn15")
    assert (one.village.code, one.county.name) == (VILLAGE, "开江县")
    assert (one.synthetic, one.status, one.kind) == (True, "current", "basic")
    assert one.micro_grids == [f"{GRID}01", f"{GRID}02", f"{GRID}03"]
    assert one.provenance is not None
    assert "synthetic" in one.provenance.map_review_number
    assert one.geometry is not None
    assert one.area_m2 > 0
    micro = await grid(reader, f"{GRID}01")
    assert (micro.kind, micro.parent_code) == ("micro", GRID)


async def test_a_code_is_taken_with_its_check_character(reader: Person) -> None:
    assert (await grid(reader, display(GRID))).code == GRID


BAD_CODES = [
    ("51172300100300５", "code_full_width"),
    (f" {GRID}", "code_whitespace"),
    ("511723 001003005", "code_whitespace"),
    (f"{GRID}-{(int(display(GRID)[-1]) + 1) % 10}", "code_check_character"),
    (f"{GRID}-", "code_check_form"),
    ("51172300100300", "code_length"),
    ("511723001003705", "code_grid_type"),
    ("511723001003000", "code_sequence_zero"),
    ("511723001000001", "code_no_village"),
    ("5117230010030O5", "code_character"),
    ("网格", "code_character"),
]


@pytest.mark.parametrize(("code", "problem"), BAD_CODES)
async def test_a_malformed_code_is_a_problem_that_says_why(
    reader: Person, code: str, problem: str
) -> None:
    for url in (f"/v1/grids/{code}", f"/v1/grids/{code}/versions", f"/v1/grids/{code}/lineage"):
        answer = await reader.get(url)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_code")
        assert [e["code"] for e in answer.json()["errors"]] == [problem]


@pytest.mark.parametrize(("code", "problem"), BAD_CODES)
async def test_the_explanation_of_a_bad_code_is_an_answer(
    reader: Person, code: str, problem: str
) -> None:
    answer = await reader.get(f"/v1/grid-codes/{code}")
    assert answer.status_code == 200, answer.text
    told = schemas.GridCode.model_validate_json(answer.content)
    assert (told.valid, told.text) == (False, code)
    assert problem in [p.code for p in told.problems]
    assert all(p.message_zh and p.message_en for p in told.problems)


async def test_a_badly_typed_code_is_led_to_the_grid_that_was_meant(reader: Person) -> None:
    told = (await reader.get("/v1/grid-codes/５11723001003005 ")).json()
    assert (told["valid"], told["suggestion"]) == (False, GRID)
    assert told["grid"]["href"] == f"/v1/grids/{GRID}"
    wrong = (await reader.get(f"/v1/grid-codes/{GRID}-9")).json()
    right = display(GRID)[-1]
    assert wrong["check_character"] == {"given": "9", "computed": right, "matches": False}
    assert wrong["grid"] is None, "a digit may be wrong: nobody is sent to another grid"


async def test_a_good_code_is_taken_apart_and_checked(reader: Person) -> None:
    told = schemas.GridCode.model_validate_json(
        (await reader.get(f"/v1/grid-codes/{display(GRID)}")).content
    )
    assert (told.valid, told.problems, told.display) == (True, [], display(GRID))
    assert told.parts is not None
    assert (told.parts.village, told.parts.kind, told.parts.sequence) == (VILLAGE, "basic", 5)
    assert told.parts.village_name == "清河社区居民委员会"
    assert told.check_character is not None
    assert told.check_character.matches is True
    assert told.grid is not None
    assert told.grid.status == "current"
    unused = (await reader.get(f"/v1/grid-codes/{VILLAGE}099")).json()
    assert (unused["valid"], unused["grid"]) == (True, None)
    slash = (await reader.get("/v1/grid-codes/511723/001")).json()
    assert slash["problems"][0]["code"] == "code_character"


async def walk(person: Person, query: str) -> list[schemas.GridRow]:
    rows: list[schemas.GridRow] = []
    cursor = None
    while True:
        answer = await person.get(f"/v1/grids?{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        page = schemas.GridPage.model_validate_json(answer.content)
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows


async def test_all_grids_of_the_county_can_be_walked_page_by_page(
    reader: Person, database_url: str
) -> None:
    rows = await walk(reader, "area=511723&limit=200")
    codes = [row.code for row in rows]
    assert codes == sorted(set(codes))
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT code FROM grid WHERE retired_at IS NULL").fetchall()
    assert set(codes) == {code for (code,) in stored}


async def test_filters_narrow_a_list(reader: Person) -> None:
    township = await walk(reader, "area=511723001&limit=200")
    assert {row.code[:9] for row in township} == {"511723001"}
    micro = await walk(reader, f"area={VILLAGE}&kind=micro&limit=200")
    assert {row.parent_code for row in micro} == {GRID}
    one = await grid(reader, GRID)
    assert one.geometry is not None
    border = shapely.geometry.shape(one.geometry.model_dump(exclude_none=True))
    west, south, east, north = border.representative_point().buffer(1e-6).bounds
    near = await walk(reader, f"bbox={west},{south},{east},{north}&kind=basic&geometry=true")
    assert [row.code for row in near] == [GRID]
    assert near[0].geometry is not None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("area=5117", 422, "bad_code"),
        ("area=51172３", 422, "bad_code"),
        (f"area={GRID}", 422, "bad_code"),
        ("kind=school", 422, "invalid_input"),
        ("status=old", 422, "invalid_input"),
        ("bbox=1,2,3", 422, "bad_bbox"),
        ("bbox=108,31,107,32", 422, "bad_bbox"),
        ("bbox=nan,31,108,32", 422, "bad_bbox"),
        ("bbox=107,31,108,9e99", 422, "bad_bbox"),
        ("limit=0", 422, "invalid_input"),
        ("limit=201", 422, "invalid_input"),
        ("as_of=yesterday", 422, "invalid_input"),
        ("cursor=AAAA", 400, "bad_cursor"),
    ],
)
async def test_a_filter_that_is_none_is_a_problem(
    reader: Person, query: str, status: int, code: str
) -> None:
    answer = await reader.get(f"/v1/grids?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_cursor_belongs_to_its_filters(reader: Person) -> None:
    first = await reader.get("/v1/grids?area=511723001&limit=1")
    other = await reader.get(f"/v1/grids?area=511723100&cursor={first.json()['next']}")
    assert (other.status_code, other.json()["code"]) == (400, "bad_cursor")


async def test_an_unknown_grid_is_not_found(reader: Person) -> None:
    for url in ("", "/versions", "/lineage"):
        assert (await reader.get(f"/v1/grids/{VILLAGE}099{url}")).status_code == 404
    assert (await reader.get(f"/v1/grids/{GRID}?as_of=2001-01-01T00:00:00Z")).status_code == 404


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


async def test_micro_grids_go_with_their_grid(admin: Person, database_url: str) -> None:
    village = make_village(database_url, next(NUMBERS))
    content = [feature(c, village.code) for c in village.cells()]
    content.append(feature(village.area(0.6, 0.2, 0.9, 0.8), village.code, kind="micro"))
    await published(admin, geojson(content), village.code)
    micro = f"{village.code}00101"
    url = f"/v1/grids/{village.code}001/split"
    done = await changed(await admin.post(url, {"parts": halves(village), **APPROVED}))
    assert done.retired == [f"{village.code}001", micro]
    assert [s.code[-3:] for s in (await grid(admin, micro)).successors] == ["006"]


async def test_a_micro_grid_is_split_and_merged_inside_its_parent(
    admin: Person, database_url: str
) -> None:
    village = make_village(database_url, next(NUMBERS))
    content = [feature(c, village.code) for c in village.cells()]
    content.append(feature(village.cell(0, 0), village.code, kind="micro"))
    await published(admin, geojson(content), village.code)
    url = f"/v1/grids/{village.code}00101/split"
    done = await changed(await admin.post(url, {"parts": halves(village), **APPROVED}))
    assert [g.code[12:] for g in done.grids] == ["00102", "00103"]
    codes = [g.code for g in done.grids]
    body = {"codes": codes, "approval_document": "批"}
    merged = await changed(await admin.post("/v1/grids/merge", body))
    assert [(g.code[12:], g.kind, g.name) for g in merged.grids] == [
        ("00104", "micro", "第01网格第4微网格")
    ]


async def test_a_merge_makes_one_new_grid_of_adjoining_ones(
    admin: Person, village: TestVillage
) -> None:
    codes = [f"{village.code}001", f"{village.code}002"]
    body = {"codes": codes, "name": "合并网格", "approval_document": "批〔4〕", "note": "人口减少"}
    done = await changed(await admin.post("/v1/grids/merge", body))
    assert (done.operation, done.retired, done.note) == ("merge", codes, "人口减少")
    made = await grid(admin, f"{village.code}005")
    assert made.geometry is not None
    border = shapely.geometry.shape(made.geometry.model_dump(exclude_none=True))
    assert border.symmetric_difference(village.area(0, 0, 2, 1)).area < 1e-12
    up = (await lineage(admin, made.code)).ancestors
    assert {s.parent_code for s in up} == set(codes)
    assert {s.operation for s in up} == {"merge"}


@pytest.mark.parametrize(
    ("cells", "status", "code"),
    [
        (["001", "004"], 422, "geometry_refused"),
        (["001", "001"], 422, "not_one_village"),
        (["001", "elsewhere"], 422, "not_one_village"),
        (["001", "077"], 404, "not_found"),
        (["001", "0０2"], 422, "bad_code"),
        (["001"], 422, "invalid_input"),
    ],
)
async def test_grids_that_do_not_belong_together_are_not_merged(
    admin: Person, village: TestVillage, cells: list[str], status: int, code: str
) -> None:
    codes = [GRID if cell == "elsewhere" else village.code + cell for cell in cells]
    answer = await admin.post("/v1/grids/merge", {"codes": codes, "approval_document": "批"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_correction_moves_a_border_between_neighbours(
    admin: Person, village: TestVillage
) -> None:
    body = {
        "geometry": shape(village.area(0, 0, 1.1, 1)),
        "neighbours": [
            {"code": f"{village.code}002", "geometry": shape(village.area(1.1, 0, 2, 1))}
        ],
        **APPROVED,
    }
    done = await changed(await admin.post(f"/v1/grids/{village.code}001/adjust", body))
    assert (done.operation, done.retired) == ("adjust", [])
    assert [(g.code[-3:], g.version) for g in done.grids] == [("001", 2), ("002", 2)]
    answer = await admin.get(f"/v1/grids/{village.code}001/versions?geometry=true")
    versions = schemas.GridVersions.model_validate_json(answer.content).items
    assert [(v.version, v.valid_to is None) for v in versions] == [(2, True), (1, False)]
    assert versions[1].valid_to == versions[0].valid_from
    assert versions[0].area_m2 == pytest.approx(1.1 * versions[1].area_m2, rel=1e-3)
    point = village.area(1, 0, 1.1, 1).centroid
    now = await admin.get(f"/v1/grids/locate?lon={point.x}&lat={point.y}&crs=wgs84")
    assert now.json()["code"] == f"{village.code}001"
    assert (await lineage(admin, f"{village.code}001")).descendants == []


@pytest.mark.parametrize(
    ("own", "neighbour", "flaw"),
    [
        ((0, 0, 1.1, 1), None, "outside_area"),
        ((0, 0, 0.9, 1), None, "not_covered"),
        ((0, 0, 1.1, 1), (1, 0, 2, 1), "overlap"),
        ((0, 0, 1.7, 1), (1.7, 0, 2, 1), "not_a_correction"),
        ((0, 0, 1, 1.1), (1, 0, 2, 1), "outside_area"),
    ],
)
async def test_a_correction_loses_no_ground_and_takes_none(
    admin: Person, village: TestVillage, own: Any, neighbour: Any, flaw: str
) -> None:
    body: dict[str, Any] = {"geometry": shape(village.area(*own)), **APPROVED}
    if neighbour:
        body["neighbours"] = [
            {"code": f"{village.code}002", "geometry": shape(village.area(*neighbour))}
        ]
    answer = await admin.post(f"/v1/grids/{village.code}001/adjust", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "geometry_refused")
    assert flaw in [e["code"] for e in answer.json()["errors"]]
    assert (await grid(admin, f"{village.code}001")).version == 1


async def test_a_dedicated_grid_moves_inside_its_village_and_a_micro_grid_in_its_parent(
    admin: Person, database_url: str
) -> None:
    village = make_village(database_url, next(NUMBERS))
    content = [feature(c, village.code) for c in village.cells()]
    content += [
        feature(village.area(0.2, 0.2, 0.6, 0.6), village.code, kind="dedicated"),
        feature(village.area(1, 1, 1.5, 2), village.code, kind="micro"),
        feature(village.area(1.5, 1, 2, 2), village.code, kind="micro"),
    ]
    await published(admin, geojson(content), village.code)
    cases = [
        ("801", (0.2, 0.2, 0.7, 0.6), None),
        ("801", (-0.2, 0.2, 0.6, 0.6), "outside_area"),
        ("00401", (1, 1, 1.4, 2), None),
        ("00401", (0.9, 1, 1.4, 2), "outside_area"),
        ("00401", (1, 1, 1.6, 2), "overlap"),
        ("004", (1, 1.1, 2, 2), "not_covered"),
    ]
    for code, area, flaw in cases:
        body = {"geometry": shape(village.area(*area)), **APPROVED}
        answer = await admin.post(f"/v1/grids/{village.code}{code}/adjust", body)
        if flaw is None:
            assert answer.status_code == 200, answer.text
        else:
            assert answer.json()["errors"][0]["code"] == flaw, (code, answer.text)


async def test_a_parent_is_not_drawn_away_from_under_its_micro_grids(
    admin: Person, database_url: str
) -> None:
    village = make_village(database_url, next(NUMBERS))
    content = [feature(c, village.code) for c in village.cells()]
    content.append(feature(village.area(0.8, 0, 1, 1), village.code, kind="micro"))
    await published(admin, geojson(content), village.code)
    body = {
        "geometry": shape(village.area(0, 0, 0.9, 1)),
        "neighbours": [
            {"code": f"{village.code}002", "geometry": shape(village.area(0.9, 0, 2, 1))}
        ],
        **APPROVED,
    }
    answer = await admin.post(f"/v1/grids/{village.code}001/adjust", body)
    assert [e["code"] for e in answer.json()["errors"]] == ["micro_outside_parent"]


async def test_an_adjustment_changes_something(admin: Person, village: TestVillage) -> None:
    url = f"/v1/grids/{village.code}001/adjust"
    empty = await admin.post(url, {"approval_document": "批"})
    assert (empty.status_code, empty.json()["code"]) == (422, "nothing_to_change")
    counted = await changed(await admin.post(url, {"approval_document": "批", "households": 0}))
    assert (counted.grids[0].households, counted.grids[0].version) == (0, 2)


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


async def test_the_hot_queries_use_their_indexes_under_row_level_security(app: Any) -> None:
    async with app.state.db.reads.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        for query, arguments in (
            (past.AT, ([107.86], [31.08], clock.now())),
            (grids.CURRENT, ("511723", "511723:", "", None, 107.8, 31.0, 107.9, 31.1, False, 50)),
        ):
            rows = await connection.fetch(f"EXPLAIN {query}", *arguments)
            plan = "\n".join(row[0] for row in rows)
            assert "ix_grid_version_geom" in plan, plan


def test_a_grid_s_case_is_known_by_its_code() -> None:
    assert case_id_of(GRID) == case_id_of(GRID) != case_id_of(f"{GRID}01")
    assert isinstance(case_id_of(GRID), UUID)
