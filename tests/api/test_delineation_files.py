"""Files of delineations: formats, coordinate systems, and hostile ones."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from pyproj import Transformer

from geo.crs import Crs, geometry_from_canonical
from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.checks.types import FileJob, Surroundings
from service.areas.files.errors import FileTooComplex
from service.areas.files.limits import LIMITS, Limits
from tests.areas import (
    TestVillage,
    count,
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
