"""What becomes of the grids of a village that is drawn again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coverage import SLIVER_M2
from geo.projection import to_projected
from service.areas.checks.examine import examine
from service.areas.checks.types import Feature, PresentGrid, Surroundings, Village
from tests.areas import TestVillage

VILLAGE = "511723001901"
PLAN = TestVillage(VILLAGE, 107.9, 31.0, 4, 3)


def around(grids: list[PresentGrid], scheme: str = "cn15") -> Surroundings:
    village = Village(VILLAGE, shapely.to_wkb(PLAN.boundary), {"0": len(grids)})
    return Surroundings(VILLAGE, scheme, [village], grids)


def polygons(cuts: list[list[int]]) -> list[shapely.Polygon]:
    """Each row cut at these columns."""
    made = []
    for row, places in enumerate(cuts):
        edges = [0, *sorted(set(places)), PLAN.columns]
        made += [PLAN.area(a, row, b, row + 1) for a, b in pairwise(edges)]
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
    west, south, east, north = shifted[0].bounds
    shifted[0] = shapely.box(west, south, east, north - 1e-10)
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
