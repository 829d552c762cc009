"""Dedicated grids (a school, a market, a park, an industrial site) and micro-grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt
from random import Random

import shapely
from shapely import Point as ShapelyPoint
from shapely import Polygon

from geo.synthetic.borders import follow
from geo.synthetic.cells import Cells, Segment
from geo.synthetic.plane import METRES, Point, Vertex, metres, vertex_at

SITES = ("小学", "农贸市场", "公园", "工业园")
PARTS = 3
# Half the length of a site in metres, and its share of the way to the border of the grid.
_LONGEST, _SHARE = 190.0, 0.62
# Corners of a site, in units of its half length and of its half width: a block with cut corners.
_CORNERS = (
    (1.0, 0.55), (0.7, 1.0), (-0.6, 1.0), (-1.0, 0.6),
    (-1.0, -0.7), (-0.75, -1.0), (0.65, -1.0), (1.0, -0.65),
)  # fmt: skip


def site_in(grid: Polygon, middle: Vertex, rng: Random) -> list[Vertex]:
    """The ring of a place around ``middle``, well inside a grid (both in units)."""
    border = shapely.transform(grid.exterior, lambda xy: xy * METRES)
    centre = metres(middle)
    reach = min(_LONGEST, _SHARE * border.distance(ShapelyPoint(centre)))
    east, north = _direction(rng)
    width = 0.5 + 0.2 * rng.random()
    ring = []
    for along, aside in _CORNERS:
        length = along * reach * (0.75 + 0.05 * rng.random())
        across = aside * reach * width * (0.9 + 0.1 * rng.random())
        ring.append(
            vertex_at(
                (
                    centre[0] + length * east - across * north,
                    centre[1] + length * north + across * east,
                )
            )
        )
    return ring


def parts_of(
    cells: Cells, cell: int, bent: Mapping[Segment, Sequence[Vertex]]
) -> list[list[Vertex]]:
    """The rings of ``PARTS`` sectors that subdivide a cell without a rest, the roundest there are.

    They meet in its middle and at corners of the cell, so that no new vertex comes on its border.
    A bent border never crosses the line from a corner to the middle (see ``borders``).
    """
    corners, middle = cells.rings[cell], cells.middles[cell]
    ways = []
    for start in range(len(corners)):
        turned = corners[start:] + corners[:start]
        around = [*turned, turned[0]]
        cuts = [number * len(corners) // PARTS for number in range(PARTS + 1)]
        ways.append(
            [[*follow(around[first : last + 1], bent), middle] for first, last in pairwise(cuts)]
        )
    return max(ways, key=roundness)


def roundness(rings: Sequence[Sequence[Vertex]]) -> float:
    """Area by squared length of the border, of the least round of some rings (circle: 0.08)."""
    shapes = shapely.transform([Polygon(ring) for ring in rings], lambda xy: xy * METRES)
    return min(float(shape.area / (shape.length * shape.length)) for shape in shapes)


def is_whole(cells: Cells, cell: int) -> bool:
    """Whether every segment of a cell has a neighbour, so that the outline did not cut it."""
    ring = cells.rings[cell]
    return all(segment in cells.sites for segment in zip(ring, [*ring[1:], ring[0]], strict=True))


def _direction(rng: Random) -> Point:
    """A unit vector, without a function that machines round differently."""
    while True:
        east, north = rng.random() * 2 - 1, rng.random() * 2 - 1
        square = east * east + north * north
        if 0.01 < square <= 1:
            return east / sqrt(square), north / sqrt(square)
