"""What the check of a delineation finds, and where."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import shapely
from fastapi import FastAPI

from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.schemas import delineations as schemas
from tests.areas import (
    TestVillage,
    codes_in_force,
    drawn,
    feature,
    findings,
    geojson,
    make_village,
    submit,
)
from tests.people import People, Person

COUNTY = "511723"
NUMBERS = iter(range(100))


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(autouse=True, scope="module")
def same_process(app: FastAPI) -> None:
    """Files are examined by the same code in a thread: a process costs half a second to start."""
    app.state.examiner = Examiner(lambda job: asyncio.to_thread(worker.run, job))


@pytest.fixture
def village(database_url: str) -> TestVillage:
    """A village of four cells that nobody has drawn yet."""
    return make_village(database_url, next(NUMBERS))


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}


def bow_tie(village: TestVillage) -> dict[str, Any]:
    west, south, east, north = village.cell(0, 0).bounds
    ring = [[west, south], [east, north], [east, south], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def wrong(village: TestVillage, what: str) -> list[dict[str, Any]]:
    """The village's cells with one thing wrong."""
    good = [feature(cell, village.code) for cell in village.cells()]
    first = village.cell(0, 0)
    changed: dict[str, list[dict[str, Any]]] = {
        "invalid_geometry": [feature(bow_tie(village), village.code)],
        "empty_geometry": [feature(None, village.code)],
        "wrong_geometry_type": [feature(first.centroid, village.code)],
        "multipart": [feature(shapely.MultiPolygon([village.area(0, 0, 0.4, 1),
                                                    village.area(0.6, 0, 1, 1)]), village.code)],
        "outside_country": [feature(SQUARE, village.code)],
        "outside_village": [feature(village.area(-0.5, 0, 1, 1), village.code)],
        "overlap": [feature(village.area(0, 0, 1.2, 1), village.code)],
        "gap": [feature(village.area(0, 0, 0.8, 1), village.code)],
        "unknown_village": [feature(first, "511723001899")],
        "village_outside_area": [feature(first, "511723100200")],
        "village_code_bad": [feature(first, "５11723001901")],
        "village_not_one": [feature(first, "511723001")],
        "village_missing": [feature(first, None, village_code="")],
        "kind_unknown": [feature(first, village.code, kind="片区")],
        "households_bad": [feature(first, village.code, households=-4)],
        "name_too_long": [feature(first, village.code, name="长" * 201)],
        "grid_code_unknown": [feature(first, village.code, grid_code=f"{village.code}077")],
        "grid_code_bad": [feature(first, village.code, grid_code=f"{village.code}0０1")],
        "geometry_unreadable": [feature({"type": "Polygon", "coordinates": [[[1, 2], [3]]]},
                                        village.code)],
    }  # fmt: skip
    if what == "duplicate_geometry":
        return [*good, good[0]]
    if what == "micro_outside_grid":
        return [*good, feature(village.area(0.5, 0, 1.5, 0.5), village.code, kind="micro")]
    if what == "parent_unclear":
        micro = feature(village.area(0, 0, 0.5, 0.5), village.code, kind="micro", parent="没有")
        return [*good, micro]
    return changed[what] + good[1:]


@pytest.mark.parametrize(
    "what",
    [
        "invalid_geometry", "empty_geometry", "wrong_geometry_type", "multipart",
        "outside_country", "outside_village", "overlap", "gap", "unknown_village",
        "village_outside_area", "village_code_bad", "village_not_one", "village_missing",
        "kind_unknown", "households_bad", "name_too_long", "grid_code_unknown", "grid_code_bad",
        "geometry_unreadable", "duplicate_geometry", "micro_outside_grid", "parent_unclear",
    ],
)  # fmt: skip
async def test_what_is_wrong_is_found_and_keeps_all_of_it_from_being_published(
    admin: Person, village: TestVillage, what: str
) -> None:
    sent = await submit(admin, geojson(wrong(village, what)), "511723001")
    assert sent.status_code == 201, sent.text
    draft = sent.json()
    assert draft["status"] == "refused"
    assert what in await findings(admin, draft["id"])
    told = await admin.get(f"/v1/delineations/{draft['id']}/findings")
    shown = schemas.Findings.model_validate_json(told.content)
    found = [f for f in shown.features if f.properties.code == what]
    assert found[0].properties.severity == "error"
    assert found[0].properties.message_zh != found[0].properties.message_en
    done = await admin.post(f"/v1/delineations/{draft['id']}/publish")
    assert (done.status_code, done.json()["code"]) == (409, "delineation_refused")
    assert await codes_in_force(admin, village) == []


async def test_findings_show_where_on_a_map(admin: Person, village: TestVillage) -> None:
    sent = await submit(admin, geojson(wrong(village, "overlap")), village.code)
    told = (await admin.get(f"/v1/delineations/{sent.json()['id']}/findings")).json()
    assert told["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::4490"
    place = shapely.from_geojson(json.dumps(told["features"][0]["geometry"]))
    assert place.symmetric_difference(village.area(1, 0, 1.2, 1)).area < 1e-12


async def test_a_village_that_is_full_says_so(admin: Person, database_url: str) -> None:
    village = make_village(database_url, next(NUMBERS), columns=20, rows=10)
    sent = await submit(admin, drawn(village), village.code)
    assert sent.json()["status"] == "refused"
    assert await findings(admin, sent.json()["id"]) == ["codes_exhausted"]
