"""The checks of a delineation: a valid one passes, and each flaw gives its own finding."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon
from shapely.affinity import scale, translate

from geo.coverage import (
    Feature,
    FeatureKind,
    FindingCode,
    check,
    is_publishable,
)
from geo.projection import from_projected, to_projected
from geo.synthetic import SyntheticCounty, load
from tests.geo.lattice import (
    STEP,
    VILLAGES,
    Lattice,
    area_m2,
    flaws,
    lattices,
    only_flaw,
    plain,
)

quick = settings(deadline=None, max_examples=25)


def corner(ring: list[tuple[float, float]], at: int, share: float) -> Polygon:
    """The triangle cut off a ring's corner at a share of both its sides."""
    tip, ahead, behind = (np.array(ring[(at + step) % len(ring)]) for step in (0, 1, -1))
    return Polygon([tip, tip + (ahead - tip) * share, tip + (behind - tip) * share])


@quick
@given(lattices())
def test_a_valid_coverage_has_no_flaw(lattice: Lattice) -> None:
    findings = check(lattice.features, lattice.villages)
    assert flaws(findings) == []
    assert is_publishable(findings)
    assert {one.village_code for one in findings} == set(VILLAGES)


@quick
@given(lattices(), st.data())
def test_a_dropped_grid_is_a_gap_of_its_size_and_place(
    lattice: Lattice, data: st.DataObject
) -> None:
    features = lattice.features
    gone = features.pop(data.draw(st.integers(0, len(features) - 1)))
    gap = only_flaw(features, lattice.villages)
    assert (gap.code, gap.village_code) == (FindingCode.GAP, gone.village_code)
    assert gap.area_m2 == pytest.approx(area_m2(gone.geometry), abs=0.1)
    assert area_m2(gap.geometry.symmetric_difference(gone.geometry)) < 0.1


@quick
@given(lattices(), st.data())
def test_a_repeated_grid_is_one_duplicate_and_no_overlap(
    lattice: Lattice, data: st.DataObject
) -> None:
    features = lattice.features
    twin = data.draw(st.sampled_from(features))
    ring = list(twin.geometry.exterior.coords)[:-1]
    turn = data.draw(st.integers(0, 3))
    again = Polygon((ring[turn:] + ring[:turn])[:: data.draw(st.sampled_from([1, -1]))])
    features.append(replace(twin, index=len(features), geometry=again))
    duplicate = only_flaw(features, lattice.villages)
    assert duplicate.code is FindingCode.DUPLICATE_GEOMETRY
    assert duplicate.feature_indexes == (twin.index, len(features) - 1)
    assert duplicate.area_m2 == pytest.approx(area_m2(twin.geometry))


@quick
@given(lattices(), st.data())
def test_a_cut_corner_is_a_gap_of_its_size(lattice: Lattice, data: st.DataObject) -> None:
    features = lattice.features
    place = data.draw(st.integers(0, len(features) - 1))
    ring = lattice.ring(*lattice.cells[place])
    at = data.draw(st.integers(0, 3))
    piece = corner(ring, at, data.draw(st.floats(0.1, 0.5)))
    _, ahead, behind, _ = piece.exterior.coords
    cut = Polygon([*ring[:at], behind, ahead, *ring[at + 1 :]])
    features[place] = replace(features[place], geometry=cut)
    gap = only_flaw(features, lattice.villages)
    assert (gap.code, gap.village_code) == (FindingCode.GAP, features[place].village_code)
    assert gap.area_m2 == pytest.approx(area_m2(piece), abs=0.5)


@quick
@given(lattices(), st.data())
def test_ground_taken_from_a_neighbour_is_an_overlap_and_from_another_village_also_outside(
    lattice: Lattice, data: st.DataObject
) -> None:
    features = lattice.features
    column, row = data.draw(st.sampled_from([cell for cell in lattice.cells if cell[0] > 0]))
    taken_from = lattice.cells.index((column, row))
    taker = lattice.cells.index((column - 1, row))
    # The triangle at the south-west corner of the eastern grid, widened to the whole border.
    ring = lattice.ring(column, row)
    middle = tuple(np.mean(ring, axis=0))
    piece = Polygon([ring[0], middle, ring[3]])
    wider = shapely.union_all([features[taker].geometry, piece])
    features[taker] = replace(features[taker], geometry=wider)
    found = {one.code: one for one in flaws(check(features, lattice.villages))}
    abroad = lattice.village_of(column) != lattice.village_of(column - 1)
    expected = {FindingCode.OVERLAP} | ({FindingCode.OUTSIDE_VILLAGE} if abroad else set())
    assert set(found) == expected
    assert found[FindingCode.OVERLAP].feature_indexes == tuple(sorted((taker, taken_from)))
    for one in found.values():
        assert one.area_m2 == pytest.approx(area_m2(piece), abs=0.5)
        assert area_m2(one.geometry.symmetric_difference(piece)) < 0.1


@quick
@given(lattices(), st.floats(0.1, 0.9))
def test_a_grid_shifted_out_of_everything_lies_outside_and_leaves_a_gap(
    lattice: Lattice, by: float
) -> None:
    features = lattice.features
    moved = features[0]
    features[0] = replace(moved, geometry=translate(moved.geometry, xoff=-by - 2 * STEP))
    gap, outside = sorted(flaws(check(features, lattice.villages)), key=lambda one: one.code.value)
    assert (outside.code, outside.feature_indexes) == (FindingCode.OUTSIDE_VILLAGE, (0,))
    assert gap.code is FindingCode.GAP
    assert outside.area_m2 == pytest.approx(area_m2(features[0].geometry))
    assert gap.area_m2 == pytest.approx(area_m2(moved.geometry), abs=0.1)


@quick
@given(lattices(), st.randoms(use_true_random=False))
def test_the_order_of_the_features_changes_nothing(lattice: Lattice, order) -> None:
    features = lattice.features
    features[0] = replace(features[0], geometry=scale(features[0].geometry, 1.5, 1.5))
    shuffled = list(features)
    order.shuffle(shuffled)
    brief = [
        [(one.code, one.feature_indexes, one.village_code) for one in check(some, lattice.villages)]
        for some in (features, shuffled)
    ]
    assert brief[0] == brief[1]


@pytest.mark.parametrize(("metres", "expected"), [(0.004, []), (0.012, [FindingCode.GAP])])
def test_up_to_a_square_metre_is_digitising_noise(
    metres: float, expected: list[FindingCode]
) -> None:
    lattice = plain()
    features = lattice.features
    # The southern border of a grid moved north; it is about 190 m long, and nobody is below.
    east, south, west, north = to_projected(features[0].geometry).bounds
    height = north - south
    ring = list(features[0].geometry.exterior.coords)
    lift = metres / height * STEP
    lowest = min(y for _, y in ring)
    lifted = Polygon([(x, y + lift if y == lowest else y) for x, y in ring])
    features[0] = replace(features[0], geometry=lifted)
    assert east < west
    assert [one.code for one in flaws(check(features, lattice.villages))] == expected


@pytest.mark.parametrize("straight_in", ["degrees", "metres"])
@pytest.mark.parametrize("kilometres", [1, 5])
def test_a_vertex_that_only_one_side_of_a_straight_border_has_makes_no_flaw(
    straight_in: str, kilometres: int
) -> None:
    west, east = (107.8, 31.05), (107.8 + kilometres * 0.0105, 31.0513)
    north, south = (Polygon([west, east, (east[0], y), (west[0], y)]) for y in (31.06, 31.04))
    if straight_in == "metres":
        middle = from_projected(to_projected(LineString([west, east])).centroid)
    else:
        middle = LineString([west, east]).centroid
    refined = Polygon([west, (round(middle.x, 9), round(middle.y, 9)), *south.exterior.coords[1:]])
    features = [
        Feature(number, VILLAGES[0], FeatureKind.BASIC, polygon)
        for number, polygon in enumerate((north, refined))
    ]
    village = shapely.union_all([north, south])
    assert flaws(check(features, {VILLAGES[0]: village})) == []


def test_a_heap_of_nearly_equal_grids_is_answered_soon_and_said_to_be_cut_short() -> None:
    round_grid = from_projected(to_projected(Point(107.855, 31.055)).buffer(200))
    features = [
        Feature(number, VILLAGES[0], FeatureKind.BASIC, translate(round_grid, number * 1e-7))
        for number in range(300)
    ]
    started = time.process_time()
    codes = [one.code for one in check(features, {VILLAGES[0]: round_grid})]
    assert FindingCode.TOO_MANY_OVERLAPS in codes
    assert len(codes) < 3_000
    assert time.process_time() - started < 10


@pytest.fixture(scope="module")
def county() -> SyntheticCounty:
    return load()


def county_features(county: SyntheticCounty) -> list[Feature]:
    grids = [*county.grids, *county.dedicated]
    features = [
        Feature(
            number, one.village_code, FeatureKind(one.kind), one.geometry, one.name, one.households
        )
        for number, one in enumerate(grids)
    ]
    return features + [
        Feature(
            len(grids) + number,
            one.village_code,
            FeatureKind.MICRO,
            one.geometry,
            one.name,
            one.households,
        )
        for number, one in enumerate(county.micro_grids)
    ]


def test_a_county_of_1500_grids_is_checked_in_three_seconds(county: SyntheticCounty) -> None:
    features = county_features(county)
    villages = {one.code: one.geometry for one in county.villages}
    started = time.process_time()
    findings = check(features, villages)
    assert time.process_time() - started < 3
    assert flaws(findings) == []
    assert len(findings) == 162


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda polygon: translate(polygon, 2e-4), id="moved"),
        pytest.param(lambda polygon: scale(polygon, 1.05, 1.05), id="enlarged"),
    ],
)
def test_one_spoiled_grid_of_a_county_is_found_with_its_neighbours_only(
    county: SyntheticCounty, spoil: Callable[[Polygon], Polygon]
) -> None:
    features = county_features(county)
    villages = {one.code: one.geometry for one in county.villages}
    good = features[700]
    features[700] = replace(good, geometry=spoil(good.geometry))
    found = flaws(check(features, villages))
    assert {one.code for one in found} >= {FindingCode.OVERLAP}
    for one in found:
        assert one.geometry.distance(good.geometry) < 2e-4
        assert one.code is FindingCode.GAP or 700 in one.feature_indexes
