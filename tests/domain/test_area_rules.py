"""Rules of areas: codes, versions, what becomes of grids that are drawn again, files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from geo.codes import SCHEME_15, SCHEME_DB11
from geo.coverage import SLIVER_M2
from geo.projection import to_projected
from service.areas import rules
from service.areas.checks.examine import examine
from service.areas.checks.types import Feature, PresentGrid, Surroundings, Village
from service.areas.errors import BadIfMatch, CrsUndeclared, CrsUnknown, NoCodesLeft, StaleVersion
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
from service.areas.locating import responsible
from service.areas.rules import Wanted, assign_codes
from service.errors import AppError
from tests.areas import TestVillage

VILLAGE = "511723001901"


def wanted(*kinds: str) -> list[Wanted]:
    places: dict[str, int] = {}
    made = []
    for ord_, kind in enumerate(kinds):
        places[kind] = places.get(kind, -1) + 1
        parent = 0 if kind == "micro" else None
        made.append(Wanted(ord_, VILLAGE, kind, places[kind], parent))
    return made


@pytest.mark.parametrize(
    ("scheme", "kinds", "highest", "codes"),
    [
        (SCHEME_15, ("basic", "basic"), {}, ("001", "002")),
        (SCHEME_15, ("basic", "basic"), {"0": 7}, ("008", "009")),
        (SCHEME_15, ("basic", "basic"), {"0": 98}, ("099", "101")),
        (SCHEME_15, ("basic",), {"0": 99, "1": 3}, ("104",)),
        (SCHEME_15, ("basic", "dedicated", "temporary"), {"8": 1}, ("001", "802", "901")),
        (SCHEME_15, ("basic", "micro", "micro"), {}, ("001", "00101", "00102")),
        (SCHEME_DB11, ("dedicated", "basic", "temporary"), {"": 4}, ("006", "005", "007")),
    ],
)
def test_new_grids_are_numbered_after_the_highest_ever_used(
    scheme: Any, kinds: tuple[str, ...], highest: dict[str, int], codes: tuple[str, ...]
) -> None:
    made = assign_codes(wanted(*kinds), {VILLAGE: highest}, {}, scheme)
    assert tuple(made[i].removeprefix(VILLAGE) for i in range(len(kinds))) == codes


def test_a_micro_grid_of_a_grid_in_force_goes_on_with_its_numbers() -> None:
    parent = f"{VILLAGE}004"
    grids = [Wanted(0, VILLAGE, "micro", 0, parent_code=parent)]
    assert assign_codes(grids, {}, {parent: 8}, SCHEME_15) == {0: f"{parent}09"}


@pytest.mark.parametrize(
    ("kinds", "highest", "micro"),
    [(("dedicated",), {"8": 99}, {}), (("basic",), {"0": 99, "1": 99}, {}),
     (("basic", "micro"), {}, {f"{VILLAGE}001": 99})],
)  # fmt: skip
def test_used_up_numbers_are_never_used_again(
    kinds: tuple[str, ...], highest: dict[str, int], micro: dict[str, int]
) -> None:
    with pytest.raises(NoCodesLeft):
        assign_codes(wanted(*kinds), {VILLAGE: highest}, micro, SCHEME_15)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["basic", "dedicated", "temporary"]), max_size=30),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_no_two_grids_ever_get_one_code(kinds: list[str], basic: int, dedicated: int) -> None:
    highest = {"0": basic, "8": dedicated}
    made = assign_codes(wanted(*kinds), {VILLAGE: highest}, {}, SCHEME_15)
    assert len(set(made.values())) == len(kinds)
    for code in made.values():
        digit, number = rules.split_code(code, SCHEME_15)
        assert number > highest.get(digit, 0)


@pytest.mark.parametrize(
    ("code", "scheme", "name"),
    [
        (f"{VILLAGE}007", SCHEME_15, "第07网格"),
        (f"{VILLAGE}112", SCHEME_15, "第12网格"),
        (f"{VILLAGE}00703", SCHEME_15, "第07网格第3微网格"),
        (f"{VILLAGE}112", SCHEME_DB11, "第112网格"),
    ],
)
def test_a_grid_without_a_name_is_named_by_its_number(code: str, scheme: Any, name: str) -> None:
    assert rules.default_name(code, scheme) == name


@pytest.mark.parametrize(
    ("header", "version"),
    [(None, None), ("*", None), ('"3"', 3), ('W/"12"', 12), ("4", 4), (' "5" ', 5)],
)
def test_if_match_names_a_version(header: str | None, version: int | None) -> None:
    assert rules.expected_version(header) == version


@pytest.mark.parametrize("header", ['"x"', '"1", "2"', '"-1"', '""', '"１"', '"12345678901"'])
def test_if_match_that_names_none_is_refused(header: str) -> None:
    with pytest.raises(BadIfMatch):
        rules.expected_version(header)


def test_only_the_expected_version_passes() -> None:
    rules.require_version("g", 3, None)
    rules.require_version("g", 3, 3)
    with pytest.raises(StaleVersion):
        rules.require_version("g", 3, 2)


# Drawing again.

PLAN = TestVillage(VILLAGE, 107.9, 31.0, 4, 3)


def around(grids: list[PresentGrid], scheme: str = "cn15") -> Surroundings:
    village = Village(VILLAGE, shapely.to_wkb(PLAN.boundary), {"0": len(grids)})
    return Surroundings(VILLAGE, scheme, [village], grids)


def polygons(cuts: list[list[int]]) -> list[shapely.Polygon]:
    """Each row cut at these columns."""
    made = []
    for row, places in enumerate(cuts):
        edges = [0, *sorted(set(places)), PLAN.columns]
        made += [PLAN.area(a, row, b, row + 1) for a, b in zip(edges, edges[1:], strict=False)]
    return made


def features(shapes: list[shapely.Polygon], **more: Any) -> list[Feature]:
    return [
        Feature(i, VILLAGE, "basic", "", None, None, None, None, shapely.to_wkb(s), **more)
        for i, s in enumerate(shapes)
    ]


def present(shapes: list[shapely.Polygon]) -> list[PresentGrid]:
    return [
        PresentGrid(f"{VILLAGE}0{i + 1:02}", VILLAGE, "basic", None, f"n{i}", 5, shapely.to_wkb(s))
        for i, s in enumerate(shapes)
    ]


CUTS = st.lists(st.lists(st.integers(1, PLAN.columns - 1), max_size=3), min_size=3, max_size=3)


@settings(deadline=None, max_examples=40)
@given(CUTS, CUTS)
def test_drawing_again_keeps_equal_grids_and_hands_over_all_ground_of_the_others(
    before: list[list[int]], after: list[list[int]]
) -> None:
    old, new = polygons(before), polygons(after)
    outcome = examine(features(new), around(present(old)), "EPSG:4490")
    assert outcome.publishable
    equal = {shape.wkb for shape in old} & {shape.wkb for shape in new}
    kept = [f for f in outcome.features if f.decision == "keep"]
    assert {f.wkb for f in kept} == equal
    assert all(f.decision == "new" for f in outcome.features if f not in kept)
    retiring = outcome.report["retiring"]
    assert len(retiring) == len(old) - len(kept)
    for grid in present(old):
        if grid.code in retiring:
            handed = sum(f.takes_over.get(grid.code, 0) for f in outcome.features)
            size = to_projected(shapely.from_wkb(grid.wkb)).area
            assert handed == pytest.approx(size, abs=len(new) * SLIVER_M2)


def test_what_the_file_does_not_say_of_a_kept_grid_stays() -> None:
    grids = present(polygons([[], [], []]))
    same = examine(features(polygons([[], [], []])), around(grids), "EPSG:4490")
    assert [f.decision for f in same.features] == ["keep"] * 3
    counted = features(polygons([[], [], []]))
    counted[1].households = 6
    counted[2].name = "n9"
    changed = examine(counted, around(grids), "EPSG:4490")
    assert [f.decision for f in changed.features] == ["keep", "adjust", "adjust"]


def test_a_difference_of_less_than_a_square_metre_is_none() -> None:
    grids = present(polygons([[], [], []]))
    shifted = polygons([[], [], []])
    shifted[0] = shapely.box(*(shifted[0].bounds[:3] + (shifted[0].bounds[3] - 1e-10,)))
    outcome = examine(features(shifted), around(grids), "EPSG:4490")
    assert [f.decision for f in outcome.features] == ["keep"] * 3


def test_a_scheme_without_micro_grids_takes_none() -> None:
    drawn = features(polygons([[], [], []]))
    drawn.append(Feature(3, VILLAGE, "micro", "", None, None, None, None, drawn[0].wkb))
    assert examine(drawn, around([]), "EPSG:4490").publishable
    outcome = examine(drawn, around([], "db11"), "EPSG:4490")
    assert {f.code for f in outcome.findings if f.severity == "error"} == {"micro_not_in_scheme"}


def test_a_village_without_a_boundary_cannot_be_checked() -> None:
    unknown = Surroundings(VILLAGE, "cn15", [Village(VILLAGE, None)], [])
    outcome = examine(features(polygons([[], [], []])), unknown, "EPSG:4490")
    assert [f.code for f in outcome.findings if f.severity == "error"] == [
        "village_boundary_missing"
    ]


# Files.


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


@pytest.mark.parametrize(
    ("hits", "grid", "micro"),
    [
        ([], None, None),
        (["basic:02", "basic:01"], "01", None),
        (["temporary:01", "basic:02"], "02", None),
        (["basic:01", "dedicated:09"], "09", None),
        (["temporary:05"], "05", None),
        (["basic:01", "micro:0101", "micro:0201"], "01", "0101"),
        (["basic:01", "dedicated:09", "micro:0102", "micro:0101"], "09", "0101"),
    ],
)
def test_the_most_specific_grid_is_responsible(
    hits: list[str], grid: str | None, micro: str | None
) -> None:
    rows = [dict(zip(("kind", "code"), hit.split(":"), strict=True)) for hit in hits]
    found, small = responsible(rows)
    assert (found["code"] if found else None, small) == (grid, micro)
