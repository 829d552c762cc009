"""Merging and adjusting grids over HTTP, and what becomes of micro-grids."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import shapely

from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.schemas import grids as schemas
from tests.areas import (
    TestVillage,
    changed,
    drawn,
    feature,
    geojson,
    grid,
    halves,
    lineage,
    make_village,
    published,
    shape,
)
from tests.people import People, Person

VILLAGE = "511723001003"
GRID = f"{VILLAGE}005"
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
