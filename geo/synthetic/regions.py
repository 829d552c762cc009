"""Which cells make a village, and which a township: the real numbers, contiguous regions."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from geo.data import Division
from geo.synthetic.cells import Cells
from geo.synthetic.growth import Neighbours, partition, spread
from geo.synthetic.plane import Point, metres, squared

LEAST_GRIDS = 3
# Grids of a community and of a village in the country, relative to one another.
_COMMUNITY, _COUNTRY = 13.0, 7.0
# The open country around a community of the county seat is a small part of a village's.
_SEAT_SHARE = 0.3


def is_community(village: Division) -> bool:
    """Whether the name says community; the digits of a village never tell."""
    return "社区" in village.name


def area_shares(villages: Sequence[Sequence[Division]]) -> list[float]:
    """Relative areas of the townships that have these villages; the first is the county seat."""
    shares = [float(len(members)) for members in villages]
    return [shares[0] * _SEAT_SHARE, *shares[1:]]


def townships_of(
    cells: Cells, centres: Sequence[Point], villages: Sequence[Sequence[Division]]
) -> dict[int, int]:
    """For each cell the number of its township; ``centres`` in metres, one for each township."""
    places = {cell: metres(middle) for cell, middle in cells.middles.items()}
    seeds = [min(places, key=lambda cell: squared(places[cell], centre)) for centre in centres]
    targets = [sum(_target(village) for village in members) for members in villages]
    return partition(cells.neighbours, places, seeds=seeds, targets=targets, rounds=3)


def villages_of(
    cells: Cells, members: Sequence[int], centre: Point, villages: Sequence[Division], rng: Random
) -> dict[int, Division]:
    """For each cell of one township its village; the communities lie nearest to the centre."""
    own = set(members)
    neighbours: Neighbours = {
        cell: [other for other in cells.neighbours[cell] if other in own] for cell in members
    }
    places = {cell: metres(cells.middles[cell]) for cell in members}
    first = min(members, key=lambda cell: squared(places[cell], centre))
    seeds = spread(neighbours, first, len(villages))
    seeds.sort(key=lambda cell: (squared(places[cell], centre), cell))
    ordered = sorted(villages, key=lambda village: (not is_community(village), village.code))
    targets = [_target(village) * (0.8 + 0.4 * rng.random()) for village in ordered]
    regions = partition(neighbours, places, seeds=seeds, targets=targets, smallest=LEAST_GRIDS)
    return {cell: ordered[region] for cell, region in regions.items()}


def _target(village: Division) -> float:
    return _COMMUNITY if is_community(village) else _COUNTRY
