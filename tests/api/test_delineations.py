"""Delineations over HTTP: submit, check, publish, draw again."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from fastapi import FastAPI
from pyproj import Transformer
from sqlalchemy import text

from geo.crs import Crs, geometry_from_canonical
from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.checks.types import FileJob, Surroundings
from service.areas.files.errors import FileTooComplex
from service.areas.files.limits import LIMITS, Limits
from service.areas.schemas import delineations as schemas
from tests.areas import (
    TestVillage,
    drawn,
    feature,
    findings,
    geojson,
    make_village,
    published,
    submit,
    table_file,
    zipped,
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
def own_process(app: FastAPI) -> Iterator[None]:
    """Files are examined in a process of their own, as they are for strangers."""
    before, app.state.examiner = app.state.examiner, Examiner()
    yield
    app.state.examiner = before


@pytest.fixture
def village(database_url: str) -> TestVillage:
    """A village of four cells that nobody has drawn yet."""
    return make_village(database_url, next(NUMBERS))


async def codes_in_force(person: Person, village: TestVillage) -> list[str]:
    answer = await person.get(f"/v1/grids?area={village.code}&limit=200")
    return [grid["code"] for grid in answer.json()["items"]]


async def test_a_first_delineation_is_checked_published_and_numbered_from_the_north_west(
    admin: Person, village: TestVillage
) -> None:
    cells = village.cells()
    shuffled = [3, 1, 0, 2]
    content = geojson([feature(cells[i], village.code, households=10 + i) for i in shuffled])
    sent = await submit(admin, content, village.code)
    assert sent.status_code == 201, sent.text
    draft = schemas.Delineation.model_validate_json(sent.content)
    assert sent.headers["location"] == f"/v1/delineations/{draft.id}"
    assert (draft.status, draft.source_crs, draft.feature_count) == ("checked", "EPSG:4490", 4)
    assert draft.report.plan == schemas.Plan(new=4, keep=0, adjust=0, retire=0)
    assert draft.report.households == 46
    assert await codes_in_force(admin, village) == [], "a draft makes no grids"

    done = await admin.post(f"/v1/delineations/{draft.id}/publish")
    assert done.status_code == 200, done.text
    result = schemas.Published.model_validate_json(done.content)
    assert result.status == "published"
    assert {g.feature: g.code for g in result.grids} == {
        place: f"{village.code}0{cell + 1:02}" for place, cell in enumerate(shuffled)
    }
    one = (await admin.get(f"/v1/grids/{village.code}001")).json()
    assert one["provenance"]["map_review_number"] == "测审〔2025〕001号"
    assert (one["name"], one["households"], one["synthetic"]) == ("第01网格", 10, False)


async def test_the_published_grids_answer_for_positions_at_once(
    admin: Person, village: TestVillage
) -> None:
    await published(admin, drawn(village), village.code)
    point = village.cell(1, 1).centroid
    answer = await admin.get(f"/v1/grids/locate?lon={point.x}&lat={point.y}&crs=cgcs2000")
    assert answer.json()["code"] == f"{village.code}004"


async def test_every_kind_is_numbered_in_its_own_type_and_micro_grids_inside_their_parent(
    admin: Person, village: TestVillage
) -> None:
    features = [feature(c, village.code, kind="basic", ref=str(i))
                for i, c in enumerate(village.cells())]  # fmt: skip
    features += [
        feature(village.area(0.2, 0.2, 0.4, 0.4), village.code, kind="dedicated", name="小学"),
        feature(village.area(0, 1, 0.5, 2), village.code, kind="微网格", parent="2"),
        feature(village.area(0.5, 1, 1, 2), village.code, kind="micro"),
        feature(village.area(1.2, 1.2, 1.4, 1.4), village.code, kind="临时"),
    ]
    result = await published(admin, geojson(features), village.code)
    made = [grid["code"].removeprefix(village.code) for grid in result["grids"]]
    assert made == ["001", "002", "003", "004", "801", "00301", "00302", "901"]
    parent = (await admin.get(f"/v1/grids/{village.code}003")).json()
    assert parent["micro_grids"] == [f"{village.code}00301", f"{village.code}00302"]


def in_system(village: TestVillage, crs: Crs) -> list[Any]:
    return [geometry_from_canonical(cell, crs) for cell in village.cells()]


def in_projection(village: TestVillage) -> list[Any]:
    to_metres = Transformer.from_crs(4490, 4545, always_xy=True)
    return [shapely.transform(c, lambda xy: _moved(to_metres, xy)) for c in village.cells()]


def _moved(transformer: Transformer, xy: Any) -> Any:
    return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))


@pytest.mark.parametrize(
    ("file_crs", "form_crs", "stored"),
    [
        ("EPSG:4490", "", "EPSG:4490"),
        ("urn:ogc:def:crs:EPSG::4490", "", "EPSG:4490"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "", "EPSG:4326"),
        (None, "wgs84", "EPSG:4326"),
        (None, "cgcs2000", "EPSG:4490"),
        (None, "EPSG:4490", "EPSG:4490"),
        (None, "gcj02", "gcj02"),
        ("EPSG:4326", "gcj02", "gcj02"),
        (None, "bd09", "bd09"),
        ("EPSG:4545", "", "EPSG:4545"),
        (None, "EPSG:4545", "EPSG:4545"),
    ],
)
async def test_any_declared_system_lands_on_the_same_ground(
    admin: Person, village: TestVillage, file_crs: str | None, form_crs: str, stored: str
) -> None:
    if stored == "EPSG:4545":
        cells = in_projection(village)
    else:
        cells = in_system(village, Crs(stored) if stored in ("gcj02", "bd09") else Crs.CGCS2000)
    content = geojson([feature(cell, village.code) for cell in cells], file_crs)
    sent = await submit(admin, content, village.code, crs=form_crs)
    assert sent.status_code == 201, sent.text
    body = sent.json()
    assert (body["status"], body["source_crs"]) == ("checked", stored), await findings(
        admin, body["id"]
    )


@pytest.mark.parametrize(
    ("driver", "encoding"),
    [("GPKG", None), ("ESRI Shapefile", "UTF-8"), ("ESRI Shapefile", "GBK")],
)
async def test_geopackages_and_zipped_shapefiles_are_read_with_their_chinese_names(
    admin: Person, village: TestVillage, driver: str, encoding: str | None
) -> None:
    names = ["东头网格", "西头网格", "河边网格", "街上网格"]
    fields = {"village_code": [village.code] * 4, "name": names, "households": [7, 8, 9, 10]}
    content = table_file(village.cells(), fields, driver=driver, encoding=encoding)
    result = await published(admin, content, COUNTY)
    assert result["report"]["households"] == 34
    found = (await admin.get(f"/v1/grids?area={village.code}")).json()["items"]
    assert sorted(grid["name"] for grid in found) == sorted(names)


async def test_a_shapefile_without_cpg_in_gbk_is_read_by_its_bytes(
    admin: Person, village: TestVillage
) -> None:
    fields = {"村编码": [village.code] * 4, "名称": ["一", "二", "三", "四"]}
    content = table_file(village.cells(), fields, driver="ESRI Shapefile", encoding="GBK")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if not n.endswith(".cpg")}
    sent = await submit(admin, zipped(members), village.code)
    assert sent.status_code == 201, sent.text
    assert sent.json()["status"] == "checked"


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


def bad_archive(what: str, village: TestVillage) -> bytes:
    fields = {"village_code": [village.code] * 4}
    good = table_file(village.cells(), fields, driver="ESRI Shapefile")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if what == "no_prj":
        return zipped({n: c for n, c in members.items() if not n.endswith(".prj")})
    if what == "no_dbf":
        return zipped({n: c for n, c in members.items() if not n.endswith(".dbf")})
    if what == "bomb":
        return zipped({**members, "grids.shp": members["grids.shp"] + bytes(40_000_000)})
    if what == "nested":
        return zipped({**members, "more.zip": good})
    if what == "cut":
        return good[: len(good) // 2]
    if what == "two":
        return zipped({**members, **{f"b{n}": c for n, c in members.items()}})
    return zipped({f"{what}{name}": content for name, content in members.items()})


def whole_files(village: TestVillage) -> dict[str, tuple[bytes, dict[str, str], int, str]]:
    """Bad files as a whole: content, form, status, code."""
    good, code = drawn(village), village.code
    archive = {what: bad_archive(what, village) for what in (
        "no_prj", "no_dbf", "bomb", "nested", "cut", "two", "../", "/etc/", "folder/", "..\\",
        "C:\\",
    )}  # fmt: skip
    return {
        "no crs": (drawn(village, None), {}, 422, "crs_undeclared"),
        "null crs": (good.replace(b'{"type": "name"', b'null, "x": {"type": "name"'), {}, 422,
                     "crs_undeclared"),
        "shapefile without prj": (archive["no_prj"], {}, 422, "crs_undeclared"),
        "odd crs": (drawn(village, None), {"crs": "my own"}, 422, "crs_unknown"),
        "proj string": (drawn(village, "+proj=merc"), {}, 422, "crs_unknown"),
        "crs that disagree": (drawn(village, "EPSG:4545"), {"crs": "wgs84"}, 422, "crs_conflict"),
        "projected gcj02": (drawn(village, "EPSG:4545"), {"crs": "gcj02"}, 422, "crs_conflict"),
        "an old datum": (drawn(village, "EPSG:4610"), {}, 422, "crs_not_convertible"),
        "nothing": (b"", {}, 422, "file_empty"),
        "no features": (geojson([]), {}, 422, "no_features"),
        "broken json": (good[:-40], {}, 422, "file_unreadable"),
        "a geometry alone": (json.dumps(SQUARE).encode(), {}, 422, "file_unreadable"),
        "gbk json": (geojson([feature(c, code, name="东") for c in village.cells()])
                     .decode().encode("gbk"), {}, 422, "file_encoding"),
        "a picture": (b"\x89PNG\r\n\x1a\n", {}, 415, "unsupported_file"),
        "half a zip": (archive["cut"], {}, 422, "file_unreadable"),
        "half a geopackage": (b"SQLite format 3\0" + bytes(500), {}, 422, "file_unreadable"),
        "zip bomb": (archive["bomb"], {}, 422, "zip_bomb"),
        "zip in zip": (archive["nested"], {}, 422, "zip_nested"),
        "path up": (archive["../"], {}, 422, "zip_path"),
        "absolute path": (archive["/etc/"], {}, 422, "zip_path"),
        "folder": (archive["folder/"], {}, 422, "zip_path"),
        "windows path up": (archive["..\\"], {}, 422, "zip_path"),
        "drive": (archive["C:\\"], {}, 422, "zip_path"),
        "half a shapefile": (archive["no_dbf"], {}, 422, "zip_content"),
        "two shapefiles": (archive["two"], {}, 422, "zip_content"),
        "no village field": (geojson([feature(c) for c in village.cells()]), {}, 422,
                             "attribute_missing"),
        "two village fields": (geojson([feature(c, code, 村编码=code) for c in village.cells()]),
                               {}, 422, "attribute_ambiguous"),
    }  # fmt: skip


async def test_a_file_that_is_wrong_as_a_whole_is_a_problem_and_nothing_is_stored(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    before = count(database_url, "delineation")
    wrong_answers = {}
    for what, (content, form, status, code) in whole_files(village).items():
        answer = await submit(admin, content, "511723001", **form)
        if (answer.status_code, answer.json().get("code")) != (status, code):
            wrong_answers[what] = (answer.status_code, answer.text[:300])
    assert wrong_answers == {}
    assert count(database_url, "delineation") == before


def count(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else -1


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize(
    "what", ["no crs", "half a geopackage", "zip bomb", "path up", "broken json"]
)
async def test_a_process_of_its_own_says_the_same_of_a_bad_file(
    admin: Person, village: TestVillage, what: str
) -> None:
    content, form, status, code = whole_files(village)[what]
    answer = await submit(admin, content, "511723001", **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize("driver", ["GeoJSON", "GPKG", "ESRI Shapefile"])
async def test_a_process_of_its_own_reads_a_good_file(
    admin: Person, village: TestVillage, driver: str
) -> None:
    fields = {"village_code": [village.code] * 4}
    content = drawn(village)
    if driver != "GeoJSON":
        content = table_file(village.cells(), fields, driver=driver)
    await published(admin, content, village.code)


@pytest.mark.parametrize("limits", [Limits(seconds=0), Limits(memory_bytes=1 << 20)])
async def test_whoever_costs_too_much_is_stopped(
    tmp_path: Path, village: TestVillage, limits: Limits
) -> None:
    path = tmp_path / "file"
    path.write_bytes(drawn(village) + b" " * 30_000_000)
    around = Surroundings(village.code, "cn15", [], [])
    with pytest.raises(FileTooComplex):
        await Examiner().examine(FileJob(str(path), None, None, around, limits))


@pytest.mark.usefixtures("own_process")
async def test_three_million_vertices_are_refused_by_count_and_not_by_exhaustion(
    admin: Person, village: TestVillage
) -> None:
    west, south, *_ = village.boundary.bounds
    ring = f"[{west:.1f},{south:.1f}]," * 3_000_000
    head = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":'
    content = f'{head}{{"type":"Polygon","coordinates":[[{ring[:-1]}]]}}}}]}}'.encode()
    assert len(content) < 50_000_000, "it must be the count that is refused, not the size"
    answer = await submit(admin, content, village.code, crs="cgcs2000")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_vertices")
    assert "3000000" in answer.json()["detail"]
    assert str(LIMITS.vertices) in answer.json()["detail"]


async def test_too_many_features_are_refused(admin: Person, village: TestVillage) -> None:
    one = json.dumps(feature(None, village.code))
    rows = ",".join([one] * (LIMITS.features + 1))
    content = f'{{"type":"FeatureCollection","features":[{rows}]}}'.encode()
    answer = await submit(admin, content, village.code, crs="cgcs2000")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_features")


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("base_map", "", "/base_map"),
        ("base_map", "sketch", "/base_map"),
        ("scale", "", "/scale"),
        ("scale", "ten", "/scale"),
        ("scale", "0", "/scale"),
        ("surveyed_on", "", "/surveyed_on"),
        ("surveyed_on", "2999-01-01", "/surveyed_on"),
        ("surveyed_on", "05/01/2025", "/surveyed_on"),
        ("map_review_number", "", "/map_review_number"),
        ("map_review_number", "   ", "/map_review_number"),
        ("area_code", "", "/area_code"),
        ("colour", "red", "/colour"),
    ],
)
async def test_provenance_is_not_optional(
    admin: Person, village: TestVillage, field: str, value: str, pointer: str
) -> None:
    answer = await submit(admin, drawn(village), village.code, **{field: value})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("area", "status", "code"),
    [
        ("51172", 422, "bad_code"),
        ("511723001９01", 422, "bad_code"),
        ("511723001998", 422, "unknown_area"),
        ("511723001001001", 422, "unknown_area"),
    ],
)
async def test_the_area_must_be_one(
    admin: Person, village: TestVillage, area: str, status: int, code: str
) -> None:
    answer = await submit(admin, drawn(village), area)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_deployment_takes_its_own_code_scheme_only(
    admin: Person, village: TestVillage
) -> None:
    answer = await submit(admin, drawn(village), village.code, scheme="db11")
    assert (answer.status_code, answer.json()["code"]) == (422, "scheme_not_in_use")
    assert (await submit(admin, drawn(village), village.code, scheme="cn15")).status_code == 201


async def test_who_may_draw_and_publish_and_where(
    people: People, admin: Person, village: TestVillage
) -> None:
    worker = people.make(("grid_worker", village.code))
    elsewhere = people.make(("administrator", "511723100"))
    local = people.make(("administrator", village.code))
    assert (await submit(worker, drawn(village), village.code)).status_code == 403
    outside = await submit(elsewhere, drawn(village), village.code)
    assert (outside.status_code, outside.json()["code"]) == (403, "outside_area")
    sent = await submit(local, drawn(village), village.code)
    assert sent.status_code == 201
    url = f"/v1/delineations/{sent.json()['id']}"
    for stranger in (worker, elsewhere):
        assert (await stranger.get(url)).status_code == 404, "a draft is not for everybody"
        assert (await stranger.get(f"{url}/findings")).status_code == 404
        listed = (await stranger.get("/v1/delineations")).json()["items"]
        assert all(item["status"] != "checked" for item in listed)
    assert (await elsewhere.post(f"{url}/publish")).status_code == 404
    assert (await worker.post(f"{url}/publish")).status_code == 403
    assert (await admin.get(url)).status_code == 200
    assert (await local.post(f"{url}/publish")).status_code == 200
    assert (await worker.get(url)).status_code == 200, "what is published is for everybody"


async def test_a_draft_is_walled_off_by_the_database_too(
    app: FastAPI, people: People, admin: Person, village: TestVillage
) -> None:
    sent = await submit(admin, drawn(village), village.code)
    draft = sent.json()["id"]
    stranger = people.make(("grid_worker", village.code))
    async with app.state.db.session(stranger.id) as session:
        query = text("SELECT count(*) FROM delineation_feature WHERE delineation_id = :id")
        assert await session.scalar(query, {"id": draft}) == 0
        changed = await session.execute(
            text("UPDATE grid SET retired_at = now() WHERE code = '511723001001001'")
        )
        assert changed.rowcount == 0


async def test_a_replay_gets_the_first_answer_and_another_file_under_the_key_is_refused(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    key = {"Idempotency-Key": f"draw-{village.code}"}
    first = await submit(admin, drawn(village), village.code, headers=key)
    before = count(database_url, "delineation")
    again = await submit(admin, drawn(village), village.code, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await submit(admin, drawn(village, None), village.code, headers=key, crs="wgs84")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert count(database_url, "delineation") == before


async def test_a_client_made_id_counts_once(admin: Person, village: TestVillage) -> None:
    own = "01a20aa7-0000-7000-8000-0000000000aa"
    first = await submit(admin, drawn(village), village.code, id=own)
    again = await submit(admin, drawn(village), village.code, id=own)
    assert first.json()["id"] == again.json()["id"] == own
    assert again.headers["idempotency-replayed"] == "true"
    other = await submit(admin, drawn(village, None), village.code, id=own, crs="gcj02")
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")


async def test_a_delineation_is_published_once(admin: Person, village: TestVillage) -> None:
    done = await published(admin, drawn(village), village.code)
    again = await admin.post(f"/v1/delineations/{done['id']}/publish")
    assert (again.status_code, again.json()["code"]) == (409, "already_published")


async def test_of_two_publications_at_once_one_wins_and_the_other_must_be_checked_again(
    admin: Person, village: TestVillage
) -> None:
    drafts = [(await submit(admin, drawn(village), village.code)).json()["id"] for _ in range(3)]
    answers = await asyncio.gather(
        *(admin.post(f"/v1/delineations/{draft}/publish") for draft in drafts)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 409, 409]
    refused = {a.json()["code"] for a in answers if a.status_code == 409}
    assert refused <= {"delineation_stale", "busy"}
    assert len(await codes_in_force(admin, village)) == 4

    stale = next(d for d, a in zip(drafts, answers, strict=True) if a.status_code == 409)
    checked = await admin.post(f"/v1/delineations/{stale}/check")
    assert checked.status_code == 200
    assert checked.json()["report"]["plan"] == {"new": 0, "keep": 4, "adjust": 0, "retire": 0}
    assert (await admin.post(f"/v1/delineations/{stale}/publish")).status_code == 200
    assert len(await codes_in_force(admin, village)) == 4


async def test_drawing_again_keeps_what_is_equal_corrects_what_is_named_and_retires_the_rest(
    admin: Person, village: TestVillage
) -> None:
    first = await published(admin, drawn(village), village.code)
    # Top row: equal, and corrected by its code; bottom row: drawn anew in three parts.
    again = geojson([
        feature(village.cell(0, 0), village.code),
        feature(village.area(1, 0, 2, 1.1), village.code, grid_code=f"{village.code}002"),
        feature(village.area(0, 1, 0.6, 2), village.code),
        feature(village.area(0.6, 1, 1, 2), village.code),
        feature(village.area(1, 1.1, 2, 2), village.code),
    ])  # fmt: skip
    sent = await submit(admin, again, village.code)
    assert sent.json()["report"]["plan"] == {"new": 3, "keep": 1, "adjust": 1, "retire": 2}
    url = f"/v1/delineations/{sent.json()['id']}/publish"
    missing = await admin.post(url)
    assert (missing.status_code, missing.json()["code"]) == (422, "approval_document_missing")
    done = await admin.post(url, {"approval_document": "开网格〔2026〕2号"})
    assert done.status_code == 200, done.text
    made = {g["feature"]: (g["decision"], g["code"][-3:]) for g in done.json()["grids"]}
    assert made == {
        0: ("keep", "001"), 1: ("adjust", "002"), 2: ("new", "005"), 3: ("new", "006"),
        4: ("new", "007"),
    }  # fmt: skip
    assert done.json()["retired"] == [f"{village.code}003", f"{village.code}004"]

    kept = (await admin.get(f"/v1/grids/{village.code}001")).json()
    corrected = (await admin.get(f"/v1/grids/{village.code}002")).json()
    assert (kept["version"], corrected["version"]) == (1, 2)
    assert kept["provenance"]["delineation_id"] == first["id"]
    assert corrected["provenance"]["delineation_id"] == done.json()["id"]
    assert corrected["change"]["approval_document"] == "开网格〔2026〕2号"

    ended = (await admin.get(f"/v1/grids/{village.code}003")).json()
    assert ended["status"] == "retired"
    assert [s["code"][-3:] for s in ended["successors"]] == ["005", "006"]
    # What the corrected grid took from a retired one is told as well.
    other = (await admin.get(f"/v1/grids/{village.code}004/lineage")).json()
    steps = {s["child_code"][-3:]: s["overlap_m2"] for s in other["descendants"]}
    assert steps.keys() == {"002", "007"}
    assert steps["007"] > 8 * steps["002"]


async def test_codes_are_never_used_again(admin: Person, village: TestVillage) -> None:
    halves = geojson([feature(village.area(0, 0, 2, 1), village.code),
                      feature(village.area(0, 1, 2, 2), village.code)])  # fmt: skip
    await published(admin, drawn(village), village.code)
    for expected in (["005", "006"], ["007", "008", "009", "010"], ["011", "012"]):
        content = halves if len(expected) == 2 else drawn(village)
        done = await published(admin, content, village.code, approval_document="批〔1〕")
        assert [g["code"][-3:] for g in done["grids"]] == expected


async def test_a_delineation_without_effect_any_more_is_superseded(
    admin: Person, village: TestVillage
) -> None:
    first = await published(admin, drawn(village), village.code)
    one = geojson([feature(village.boundary, village.code)])
    await published(admin, one, village.code, approval_document="批〔2〕")
    assert (await admin.get(f"/v1/delineations/{first['id']}")).json()["status"] == "superseded"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("elsewhere", "grid_code_moved"),
        ("twice", "grid_code_twice"),
        ("other kind", "grid_code_unknown"),
    ],
)
async def test_a_correction_is_a_correction(
    admin: Person, village: TestVillage, change: str, code: str
) -> None:
    await published(admin, drawn(village), village.code)
    first = f"{village.code}001"
    cells = [feature(cell, village.code) for cell in village.cells()]
    if change == "elsewhere":
        cells[3]["properties"]["grid_code"] = first
    if change == "twice":
        cells[0] = feature(village.area(0, 0, 0.6, 1), village.code, grid_code=first)
        cells.append(feature(village.area(0.6, 0, 1, 1), village.code, grid_code=first))
    if change == "other kind":
        cells.append(feature(village.cell(0, 0), village.code, kind="dedicated", grid_code=first))
    sent = await submit(admin, geojson(cells), village.code)
    assert sent.json()["status"] == "refused"
    assert code in await findings(admin, sent.json()["id"])


async def test_a_village_that_is_full_says_so(admin: Person, database_url: str) -> None:
    village = make_village(database_url, next(NUMBERS), columns=20, rows=10)
    sent = await submit(admin, drawn(village), village.code)
    assert sent.json()["status"] == "refused"
    assert await findings(admin, sent.json()["id"]) == ["codes_exhausted"]


async def test_a_part_of_an_area_may_be_drawn_and_the_rest_is_named(
    admin: Person, village: TestVillage
) -> None:
    sent = await submit(admin, drawn(village), "511723001")
    assert sent.json()["status"] == "checked"
    assert sent.json()["village_codes"] == [village.code]
    assert "villages_not_drawn" in await findings(admin, sent.json()["id"])


async def test_lists_are_pages_that_can_be_walked(admin: Person, village: TestVillage) -> None:
    sent = [(await submit(admin, drawn(village), village.code)).json()["id"] for _ in range(3)]
    seen: list[str] = []
    url = f"/v1/delineations?area={village.code}&status=checked&limit=2"
    cursor = ""
    while cursor is not None:
        page = await admin.get(url + (f"&cursor={cursor}" if cursor else ""))
        shown = schemas.DelineationPage.model_validate_json(page.content)
        seen += [str(item.id) for item in shown.items]
        cursor = shown.next
    assert seen == sent[::-1]
    stale = await admin.get("/v1/delineations?cursor=" + "A" * 30)
    assert (stale.status_code, stale.json()["code"]) == (400, "bad_cursor")


async def test_what_is_synthetic_stays_labelled(admin: Person, village: TestVillage) -> None:
    await published(admin, drawn(village), village.code, synthetic="true")
    listed = (await admin.get(f"/v1/grids?area={village.code}")).json()["items"]
    assert all(grid["synthetic"] for grid in listed)


async def test_each_step_leaves_an_event_in_the_chain(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    done = await published(admin, drawn(village), village.code)
    with psycopg.connect(database_url) as connection:
        told = connection.execute(
            "SELECT event, clauses FROM case_event WHERE case_id = %s ORDER BY seq", (done["id"],)
        ).fetchall()
        grids = connection.execute(
            "SELECT event FROM case_event WHERE case_kind = 'grid' AND payload->>'code' LIKE %s",
            (f"{village.code}%",),
        ).fetchall()
    assert told == [("delineation.submitted", ["23.2"]), ("delineation.published", ["23.2"])]
    assert grids == [("grid.created",)] * 4
