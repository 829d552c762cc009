"""Where the grids lie: town centres, and sites that crowd around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from random import Random

import numpy as np
import shapely
from shapely import Polygon

from geo.synthetic.growth import partition
from geo.synthetic.plane import METRES, Point, metres, squared, vertex_at

# The county seat really lies about here (degrees E, N); the other centres are invented.
_SEAT = metres((1_078_660_000, 310_830_000))
_LATTICE = 900.0
_DARTS = 140_000
# Distance between neighbouring sites in metres: in the open country, at the seat and in the other
# town centres; and how far out a centre is felt.
_OPEN = 790.0
_SEAT_SPACING, _SEAT_REACH = 130.0, 4_800.0
_TOWN_SPACING, _TOWN_REACH = 260.0, 2_900.0


def town_centres(outline: Polygon, areas: Sequence[float], rng: Random) -> list[Point]:
    """One centre, in metres, for each township; the first is the county seat.

    ``outline`` is in units, ``areas`` are the relative areas that the townships shall have. The
    centres are the middles of compact regions of these sizes.
    """
    lattice = _lattice(outline)
    index = {cell: number for number, cell in enumerate(lattice)}
    neighbours = {
        number: [index[other] for other in _around(cell) if other in index]
        for cell, number in index.items()
    }
    places = {number: (x * _LATTICE, y * _LATTICE) for (x, y), number in index.items()}
    seat = min(places, key=lambda number: squared(places[number], _SEAT))
    seeds = [seat, *rng.sample([number for number in places if number != seat], len(areas) - 1)]
    regions = partition(neighbours, places, seeds=seeds, targets=areas, rounds=40)
    return [_SEAT, *(_mean(places, regions, region) for region in range(1, len(areas)))]


def grid_sites(outline: Polygon, centres: Sequence[Point], rng: Random) -> list[Point]:
    """Sites in metres inside the outline (in units): none nearer to another than the place asks."""
    west, south, east, north = outline.bounds
    darts = [
        (west + rng.random() * (east - west), south + rng.random() * (north - south))
        for _ in range(_DARTS)
    ]
    shapely.prepare(outline)
    inside = shapely.contains_xy(outline, np.array(darts))
    sites: list[Point] = []
    near: dict[tuple[int, int], list[tuple[Point, float]]] = defaultdict(list)
    for dart, hit in zip(darts, inside.tolist(), strict=True):
        if not hit:
            continue
        place = metres(vertex_at(metres(dart)))
        spacing = _spacing(place, centres)
        box = (int(place[0] // _OPEN), int(place[1] // _OPEN))
        if all(_apart(place, spacing, other) for key in _block(box) for other in near[key]):
            sites.append(place)
            near[box].append((place, spacing))
    return sites


def _apart(place: Point, spacing: float, other: tuple[Point, float]) -> bool:
    wanted = (spacing + other[1]) / 2
    return squared(place, other[0]) >= wanted * wanted


def _spacing(place: Point, centres: Sequence[Point]) -> float:
    spacing = _ramp(_SEAT_SPACING, sqrt(squared(place, centres[0])) / _SEAT_REACH)
    for centre in centres[1:]:
        away = sqrt(squared(place, centre)) / _TOWN_REACH
        spacing = min(spacing, _ramp(_TOWN_SPACING, away))
    return spacing


def _ramp(least: float, share: float) -> float:
    return least + (_OPEN - least) * min(share, 1.0)


def _lattice(outline: Polygon) -> list[tuple[int, int]]:
    """Points of a square lattice inside the outline, as numbers of column and row."""
    west, south, east, north = outline.bounds
    columns = range(int(west * METRES[0] // _LATTICE), int(east * METRES[0] // _LATTICE) + 2)
    rows = range(int(south * METRES[1] // _LATTICE), int(north * METRES[1] // _LATTICE) + 2)
    cells = np.array([(x, y) for x in columns for y in rows])
    inside = shapely.contains_xy(outline, cells * _LATTICE / np.array(METRES))
    return [(int(x), int(y)) for x, y in cells[inside]]


def _around(cell: tuple[int, int]) -> list[tuple[int, int]]:
    x, y = cell
    return [(x + 1, y), (x, y + 1), (x - 1, y), (x, y - 1)]


def _block(box: tuple[int, int]) -> list[tuple[int, int]]:
    x, y = box
    return [(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def _mean(places: dict[int, Point], regions: dict[int, int], region: int) -> Point:
    members = [places[cell] for cell, other in regions.items() if other == region]
    return (
        sum(place[0] for place in members) / len(members),
        sum(place[1] for place in members) / len(members),
    )
