"""The checks of a delineation, rule by rule: bad shapes, what may lie over what, figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage import (
    Feature,
    FeatureKind,
    FindingCode,
    Severity,
    check,
    is_publishable,
)
from geo.projection import to_projected
from tests.geo.lattice import (
    STEP,
    VILLAGES,
    area_m2,
    flaws,
    only_flaw,
    plain,
    square,
)

BOW_TIE = Polygon([(107.85, 31.05), (107.86, 31.06), (107.86, 31.05), (107.85, 31.06)])
with np.errstate(invalid="ignore"):  # what a broken file makes of it
    NAN = Polygon([(107.85, 31.05), (107.86, np.nan), (107.86, 31.06), (107.85, 31.05)])

BAD_SHAPES: list[tuple[str, BaseGeometry | None, FindingCode, str]] = [
    ("nothing", None, FindingCode.EMPTY_GEOMETRY, "no geometry"),
    ("an empty polygon", Polygon(), FindingCode.EMPTY_GEOMETRY, "no geometry"),
    ("a point", Point(107.85, 31.05), FindingCode.WRONG_GEOMETRY_TYPE, "Point"),
    ("a line", square(0, 0).exterior, FindingCode.WRONG_GEOMETRY_TYPE, "LinearRing"),
    (
        "a collection",
        shapely.GeometryCollection([square(0, 0)]),
        FindingCode.WRONG_GEOMETRY_TYPE,
        "GeometryCollection",
    ),
    ("a bow tie", BOW_TIE, FindingCode.INVALID_GEOMETRY, "Self-intersection"),
    (
        "a spike only",
        Polygon([(107.85, 31.05), (107.86, 31.05), (107.85, 31.05)]),
        FindingCode.INVALID_GEOMETRY,
        "Too few points",
    ),
    ("not a number", NAN, FindingCode.INVALID_GEOMETRY, "Invalid Coordinate"),
    (
        "latitude before longitude",
        shapely.transform(square(0, 0), lambda xy: xy[:, ::-1]),
        FindingCode.INVALID_GEOMETRY,
        "outside the country",
    ),
    ("metres", to_projected(square(0, 0)), FindingCode.INVALID_GEOMETRY, "outside the country"),
    ("a crumb", square(0, 0, 0.003), FindingCode.TOO_SMALL, "0.4 m2"),
    ("too detailed", square(0, 0).segmentize(STEP / 50), FindingCode.TOO_MANY_VERTICES, "201"),
]


@pytest.mark.parametrize(
    ("geometry", "code", "said"),
    [case[1:] for case in BAD_SHAPES],
    ids=[case[0] for case in BAD_SHAPES],
)
def test_a_bad_shape_is_the_only_flaw_of_its_village(
    geometry: BaseGeometry | None, code: FindingCode, said: str
) -> None:
    lattice = plain()
    features = lattice.features
    features[0] = replace(features[0], geometry=geometry)
    findings = check(features, lattice.villages, max_vertices=200)
    (one,) = flaws(findings)
    assert (one.code, one.feature_indexes, one.village_code) == (code, (0,), VILLAGES[0])
    assert said in one.message_en
    assert one.message_zh != one.message_en
    assert not is_publishable(findings)


def test_a_self_crossing_border_is_shown_where_it_crosses() -> None:
    lattice = plain()
    features = [replace(lattice.features[0], geometry=BOW_TIE), *lattice.features[1:]]
    one = only_flaw(features, lattice.villages)
    assert one.geometry.distance(Point(107.855, 31.055)) < 1e-9
    assert "自相交" in one.message_zh


def test_a_grid_in_two_parts_is_refused_and_leaves_no_gap() -> None:
    lattice = plain()
    first, *rest = lattice.features
    last = rest.pop(2)  # the same village, not a neighbour
    parts = MultiPolygon([first.geometry, last.geometry])
    one = only_flaw([replace(first, geometry=parts), *rest], lattice.villages)
    assert (one.code, one.feature_indexes) == (FindingCode.MULTIPART, (0,))
    assert one.details["parts"] == 2


def test_a_multipolygon_of_one_part_is_a_polygon() -> None:
    lattice = plain()
    wrapped = [replace(one, geometry=MultiPolygon([one.geometry])) for one in lattice.features]
    assert flaws(check(wrapped, lattice.villages)) == []


def test_a_hole_filled_by_another_grid_is_only_a_warning() -> None:
    outer, inner = square(0, 0, 4), square(1, 1, 2)
    features = [
        Feature(0, VILLAGES[0], FeatureKind.BASIC, outer.difference(inner)),
        Feature(1, VILLAGES[0], FeatureKind.BASIC, inner),
    ]
    findings = check(features, {VILLAGES[0]: outer})
    (hole,) = flaws(findings)
    assert (hole.code, hole.severity) == (FindingCode.HAS_HOLES, Severity.WARNING)
    assert is_publishable(findings)


def test_each_hole_between_grids_is_a_finding_of_its_own() -> None:
    village = square(0, 0, 4)
    holed = village.difference(square(0.5, 0.5)).difference(square(2, 2))
    findings = check([Feature(0, VILLAGES[0], FeatureKind.BASIC, holed)], {VILLAGES[0]: village})
    gaps = [one for one in findings if one.code is FindingCode.GAP]
    assert len(gaps) == 2
    assert sum(one.area_m2 for one in gaps) == pytest.approx(2 * area_m2(square(2, 2)), rel=1e-3)


def test_a_village_without_grids_is_one_gap_and_an_unknown_village_is_named() -> None:
    lattice = plain()
    features = [
        replace(one, village_code="511723999001") if one.village_code == VILLAGES[1] else one
        for one in lattice.features
    ]
    found = flaws(check(features, lattice.villages))
    gaps = [one for one in found if one.code is FindingCode.GAP]
    unknown = [one for one in found if one.code is FindingCode.UNKNOWN_VILLAGE]
    assert len(gaps) + len(unknown) == len(found)
    assert [one.village_code for one in gaps] == [VILLAGES[1]]
    assert [one.feature_indexes for one in unknown] == [(4,), (5,), (6,), (7,)]
    assert "511723999001" in unknown[0].message_zh


def overlay(kind: FeatureKind, *polygons: Polygon, village: str = VILLAGES[0]) -> list[Feature]:
    """The plain lattice with more features on top of it, from index 8."""
    lattice = plain()
    return lattice.features + [
        Feature(8 + number, village, kind, polygon) for number, polygon in enumerate(polygons)
    ]


D, T, M = FeatureKind.DEDICATED, FeatureKind.TEMPORARY, FeatureKind.MICRO
LAID_OVER: list[tuple[str, list[Feature], list[tuple[FindingCode, tuple[int, ...]]]]] = [
    ("a dedicated grid may overlay basic ones", overlay(D, square(0.5, 0.5)), []),
    ("a temporary grid may overlay basic ones", overlay(T, square(0.5, 0.5)), []),
    ("dedicated grids may overlap", overlay(D, square(0, 0), square(0.5, 0.5)), []),
    (
        "a dedicated grid stays in its village",
        overlay(D, square(1.5, 0.5)),
        [(FindingCode.OUTSIDE_VILLAGE, (8,))],
    ),
    (
        "a dedicated grid is not given twice, the other way round either",
        overlay(D, square(0.5, 0.5), square(0.5, 0.5).reverse()),
        [(FindingCode.DUPLICATE_GEOMETRY, (8, 9))],
    ),
    ("a dedicated grid may be as large as a basic one", overlay(D, square(0, 0)), []),
    ("micro-grids share a grid", overlay(M, square(0, 0, 0.5), square(0.5, 0, 0.5)), []),
    (
        "micro-grids do not overlap",
        overlay(M, square(0, 0, 0.5), square(0.25, 0, 0.5)),
        [(FindingCode.OVERLAP, (8, 9))],
    ),
    (
        "a micro-grid lies in one grid, not in two",
        overlay(M, square(0.25, 0.6, 0.5)),
        [(FindingCode.MICRO_OUTSIDE_GRID, (8,))],
    ),
    (
        "a micro-grid lies in a grid of its own village",
        overlay(M, square(2, 0, 0.5)),
        [(FindingCode.MICRO_OUTSIDE_GRID, (8,))],
    ),
    (
        "a micro-grid lies in a grid at all",
        overlay(M, square(-2, 0, 0.5)),
        [(FindingCode.MICRO_OUTSIDE_GRID, (8,))],
    ),
]


@pytest.mark.parametrize(
    ("features", "expected"),
    [case[1:] for case in LAID_OVER],
    ids=[case[0] for case in LAID_OVER],
)
def test_what_may_lie_over_a_basic_grid(
    features: list[Feature], expected: list[tuple[FindingCode, tuple[int, ...]]]
) -> None:
    found = flaws(check(features, plain().villages))
    assert [(one.code, one.feature_indexes) for one in found] == expected


@pytest.mark.parametrize("column", [0.6, 0.9])
def test_a_micro_grid_across_a_border_is_measured_outside_the_grid_that_holds_most_of_it(
    column: float,
) -> None:
    piece = square(column, 0.2, 0.5)  # a fifth of it is on the other side of the border
    one = only_flaw(overlay(M, piece), plain().villages)
    assert one.area_m2 == pytest.approx(area_m2(piece) / 5, rel=1e-3)


def test_statistics_count_grids_households_and_sizes_of_each_village() -> None:
    lattice = plain()
    features = overlay(D, square(0.5, 0.5))
    features[1] = replace(features[1], households=None)
    west, _ = check(features, lattice.villages)
    assert (west.code, west.severity) == (FindingCode.VILLAGE_STATISTICS, Severity.INFO)
    assert west.village_code == VILLAGES[0]
    assert {name: west.details[name] for name in ("basic", "dedicated", "micro")} == {
        "basic": 4,
        "dedicated": 1,
        "micro": 0,
    }
    assert (west.details["households"], west.details["uncounted"]) == (100 + 102 + 103, 1)
    areas = [area_m2(one.geometry) for one in lattice.features[:4]]
    assert west.details["smallest_m2"] == round(min(areas))
    assert west.details["largest_m2"] == round(max(areas))
    assert west.area_m2 == pytest.approx(sum(areas))
    assert "305" in west.message_zh
