"""The first numbering of a village's grids: bands from north to south, west to east in each."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import translate

from geo.numbering import CannotNumber, number_grids
from geo.projection import from_projected

EAST, NORTH = 486_000.0, 3_440_000.0  # a place in the county, EPSG:4545

Rectangle = tuple[float, float, float, float]
offsets = st.floats(-49, 49)
rectangles = st.tuples(
    st.integers(0, 40), st.integers(0, 40), st.integers(1, 9), st.integers(1, 9)
).map(lambda r: (r[0] * 50.0, r[1] * 50.0, r[2] * 50.0, r[3] * 50.0))


def grid_at(east: float, north: float, width: float = 200, height: float = 200) -> Polygon:
    """A rectangle by its south-west corner in metres, handed over in EPSG:4490."""
    west, south = EAST + east, NORTH + north
    return from_projected(box(west, south, west + width, south + height))


def test_grids_are_numbered_by_bands_from_the_north_and_from_the_west_in_each() -> None:
    layout = {
        "north-west": grid_at(0, 400),
        "north": grid_at(200, 400),
        "north-east": grid_at(400, 400),
        "west": grid_at(0, 200),
        "middle": grid_at(200, 200),
        "south": grid_at(100, 0, width=400),
    }
    assert number_grids(list(reversed(layout.items()))) == list(layout)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.tuples(offsets, offsets), min_size=16, max_size=16),
)
@example(2, 1, [(0.0, -49.0), (-49.0, 49.0)])
@example(1, 2, [(0.0, -49.0), (0.0, 49.0)])
def test_rows_hold_together_when_each_grid_is_displaced_by_under_a_quarter_of_its_height(
    rows: int, columns: int, moves: list[tuple[float, float]]
) -> None:
    places = [(row, column) for row in range(rows) for column in range(columns)]
    grids = [
        ((row, column), grid_at(column * 200 + east, -row * 200 + north))
        for (row, column), (east, north) in zip(places, moves, strict=False)
    ]
    assert number_grids(grids) == places


@settings(deadline=None, max_examples=60)
@given(st.lists(rectangles, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_input_never_matters(
    shapes: list[Rectangle], randomness: random.Random
) -> None:
    grids = [(f"g{number:02}", grid_at(*shape)) for number, shape in enumerate(shapes)]
    shuffled = grids.copy()
    randomness.shuffle(shuffled)
    ordered = number_grids(grids)
    assert number_grids(shuffled) == ordered
    assert sorted(ordered) == sorted(key for key, _ in grids)


@settings(deadline=None, max_examples=30)
@given(st.lists(rectangles, min_size=1, max_size=8))
@example([(0.0, 0.0, 200.0, 200.0)] * 3)
def test_where_a_ring_begins_and_which_way_it_runs_never_matters(shapes: list[Rectangle]) -> None:
    grids = [(number, grid_at(*shape)) for number, shape in enumerate(shapes)]
    turned = []
    for key, polygon in grids:
        ring = list(polygon.exterior.coords)[:-1]
        start = (3 - key) % 4
        turned.append((key, Polygon((ring[start:] + ring[:start])[:: 1 if key % 2 else -1])))
    assert number_grids(turned) == number_grids(grids)


def test_of_two_grids_at_one_place_the_larger_comes_first() -> None:
    small = grid_at(0, 0)
    large = grid_at(-100, -100, 400, 400)
    assert number_grids([("a", small), ("b", large)]) == ["b", "a"]


def test_a_bent_grid_counts_by_a_point_that_lies_on_it() -> None:
    arms = box(EAST, NORTH, EAST + 200, NORTH + 1000)
    hook = arms.union(translate(box(EAST, NORTH, EAST + 2000, NORTH + 200), 0, 800))
    inside_the_hook = grid_at(900, 300)
    assert number_grids([("inner", inside_the_hook), ("hook", from_projected(hook))]) == [
        "hook",
        "inner",
    ]


def test_a_village_without_grids_and_a_village_with_one() -> None:
    assert number_grids([]) == []
    assert number_grids([("only", MultiPolygon([grid_at(0, 0)]))]) == ["only"]


@pytest.mark.parametrize(
    ("grids", "reason"),
    [
        ([("a", grid_at(0, 0)), ("a", grid_at(200, 0))], "twice"),
        ([("a", Polygon())], "empty"),
        ([("a", Polygon([(108, 31), (108, 31.1), (108, 31.05), (108, 31)]))], "no area"),
    ],
)
def test_what_cannot_be_numbered_is_named(grids: list[tuple[str, Polygon]], reason: str) -> None:
    with pytest.raises(CannotNumber, match=reason) as caught:
        number_grids(grids)
    assert caught.value.key == "a"
    assert caught.value.code == "numbering_impossible"
