"""Fields, coordinate systems and archives of polygon files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from pyproj import CRS

from service.areas.errors import CrsUndeclared, CrsUnknown
from service.areas.files.archive import unpack_shapefile
from service.areas.files.attributes import attributes_of, columns_of
from service.areas.files.declared_crs import resolve
from service.areas.files.errors import (
    AttributeAmbiguous,
    AttributeMissing,
    CrsConflict,
    CrsNotConvertible,
    ZipBomb,
    ZipPath,
)
from service.areas.files.layer import Layer, RawFeature
from service.areas.files.limits import Limits
from service.errors import AppError

VILLAGE = "511723001901"


def layer(**properties: Any) -> Layer:
    return Layer([RawFeature(0, properties, None)], None)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"village_code": VILLAGE}, (VILLAGE, "basic", "", None)),
        ({"VILLAGE_CO": float(VILLAGE), "KIND": "8"}, (VILLAGE, "dedicated", "", None)),
        ({"村编码": VILLAGE, "类型": "微网格", "名称": " 东 ", "户数": 12.0},
         (VILLAGE, "micro", "东", 12)),
        ({"village_code": VILLAGE, "households": "", "name": None}, (VILLAGE, "basic", "", None)),
        ({"village_code": VILLAGE, "name": "a\0b\ud800"}, (VILLAGE, "basic", "ab", None)),
    ],
)  # fmt: skip
def test_fields_are_read_under_their_names_in_both_languages(
    properties: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    found = layer(**properties)
    meaning = attributes_of(found.features[0], columns_of(found, "511723"), "511723")
    assert (meaning.village_code, meaning.kind, meaning.name, meaning.households) == expected
    assert meaning.faults == ()


@pytest.mark.parametrize(
    ("properties", "fault"),
    [
        ({"village_code": None}, "village_missing"),
        ({"village_code": "５11723001901"}, "village_code_bad"),
        ({"village_code": "511723001"}, "village_not_one"),
        ({"village_code": "510000001901"}, "village_outside_area"),
        ({"village_code": VILLAGE, "kind": "square"}, "kind_unknown"),
        ({"village_code": VILLAGE, "households": "１２"}, "households_bad"),
        ({"village_code": VILLAGE, "households": 2.5}, "households_bad"),
        ({"village_code": VILLAGE, "households": 10**9}, "households_bad"),
        ({"village_code": VILLAGE, "name": "x" * 201}, "name_too_long"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_fault_of_its_feature(
    properties: dict[str, Any], fault: str
) -> None:
    found = layer(**properties)
    meaning = attributes_of(found.features[0], columns_of(found, "511723"), "511723")
    assert [f.code for f in meaning.faults] == [fault]


def test_a_file_of_one_village_need_not_name_it() -> None:
    found = layer(name="东")
    meaning = attributes_of(found.features[0], columns_of(found, VILLAGE), VILLAGE)
    assert meaning.village_code == VILLAGE
    with pytest.raises(AttributeMissing):
        columns_of(found, "511723001")
    with pytest.raises(AttributeAmbiguous):
        columns_of(layer(name="a", 名称="b"), VILLAGE)


@pytest.mark.parametrize(
    ("form", "file", "label"),
    [
        (None, 4490, "EPSG:4490"),
        (None, 4545, "EPSG:4545"),
        ("wgs84", None, "EPSG:4326"),
        ("WGS84", 4490, "EPSG:4326"),
        ("EPSG:4545", 4545, "EPSG:4545"),
        ("urn:ogc:def:crs:EPSG::32648", None, "EPSG:32648"),
        ("gcj02", 4326, "gcj02"),
        ("BD09", None, "bd09"),
    ],
)
def test_a_declared_system_is_taken(form: str | None, file: int | None, label: str) -> None:
    assert resolve(form, CRS.from_epsg(file) if file else None).label == label


@pytest.mark.parametrize(
    ("form", "file", "failure"),
    [
        (None, None, CrsUndeclared),
        ("EPSG:999999", None, CrsUnknown),
        ("+proj=longlat", None, CrsUnknown),
        ("/etc/passwd", None, CrsUnknown),
        ("wgs84", 4545, CrsConflict),
        ("gcj02", 4545, CrsConflict),
        ("EPSG:4544", 4545, CrsConflict),
        (None, 4214, CrsNotConvertible),
        ("EPSG:2343", None, CrsNotConvertible),
        ("EPSG:5703", None, CrsNotConvertible),
    ],
)
def test_a_system_that_is_none_or_disagrees_is_refused(
    form: str | None, file: int | None, failure: type[AppError]
) -> None:
    with pytest.raises(failure):
        resolve(form, CRS.from_epsg(file) if file else None)


def test_an_archive_is_judged_before_anything_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, failure in (("../a.shp", ZipPath), ("a.shp", ZipBomb)):
        path = tmp_path / "upload.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.dbf", b"x")
            archive.writestr("a.shx", b"x")
            archive.writestr(name, bytes(2_000_000))
        with pytest.raises(failure):
            unpack_shapefile(path, folder, Limits(unpacked_bytes=1_000_000))
        assert list(folder.iterdir()) == []
