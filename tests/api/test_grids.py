"""Published grids over HTTP: reading them, their lists and their codes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
import shapely

from geo.codes import display
from service.areas.rules import case_id_of
from service.areas.schemas import grids as schemas
from service.areas.store import grids, past
from service.kit import clock
from tests.areas import (
    grid,
    walk,
)
from tests.people import People, Person

VILLAGE = "511723001003"
GRID = f"{VILLAGE}005"


@pytest.fixture(scope="module")
def reader(people: People) -> Person:
    return people.make(("grid_worker", VILLAGE))


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
