"""Borders: the straight segments between cells, bent once, for both cells alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, sqrt
from random import Random

import shapely
from shapely import LineString, Polygon

from geo.synthetic.cells import Segment
from geo.synthetic.plane import Point, Vertex, metres, squared, vertex_at

# Pieces of a segment as long as its two sites are apart, and the shortest piece in metres.
_PIECES = 15.2
_SHORTEST = 6.0
# Deviation in the middle of a segment relative to its length, and the share that a border may use
# of the room between itself and a site.
_DEVIATION = 0.32
_ROOM = 0.7


def bend_all(
    sites: Mapping[Segment, tuple[Point, Point]], outline: Polygon, seed: int
) -> dict[Segment, list[Vertex]]:
    """For each segment the vertices from its first to its last, both included.

    The way back of a segment is the same line. Where a bend would meet the outline (units), it
    is made flatter.
    """
    ring = outline.exterior
    shapely.prepare(ring)
    bent: dict[Segment, list[Vertex]] = {}
    for (a, b), (left, right) in sites.items():
        if a < b:
            line = _inside(ring, (a, b), (left, right), seed)
            bent[a, b] = line
            bent[b, a] = line[::-1]
    return bent


def follow(path: Sequence[Vertex], bent: Mapping[Segment, Sequence[Vertex]]) -> list[Vertex]:
    """The vertices along a path, both ends included, where bent segments are the bent lines."""
    vertices: list[Vertex] = []
    for segment in pairwise(path):
        vertices += bent.get(segment, segment)[:-1]
    return [*vertices, path[-1]]


def ring_of(cell: Sequence[Vertex], bent: Mapping[Segment, Sequence[Vertex]]) -> list[Vertex]:
    """The ring of a cell with its segments replaced by the bent lines, not closed."""
    return follow([*cell, cell[0]], bent)[:-1]


def _inside(
    ring: shapely.LinearRing, segment: Segment, sites: tuple[Point, Point], seed: int
) -> list[Vertex]:
    for share in (1.0, 0.5, 0.25):
        rng = Random(f"{seed}:{segment}")  # noqa: S311  drawn to be repeated, not to be secret
        line = _bend(segment, sites, share, rng)
        if not ring.intersects(LineString(line)):
            return line
        met = shapely.get_coordinates(ring.intersection(LineString(line)))
        if {(x, y) for x, y in met.tolist()} <= set(segment):
            return line
    return list(segment)


def _bend(segment: Segment, sites: tuple[Point, Point], share: float, rng: Random) -> list[Vertex]:
    """The bent line: a graph over its segment, so that it never meets itself."""
    a, b = metres(segment[0]), metres(segment[1])
    along = (b[0] - a[0], b[1] - a[1])
    length = sqrt(squared(a, b))
    wanted = _PIECES * length / sqrt(squared(*sites))
    count = max(1, min(round(wanted), int(length / _SHORTEST)))
    steps = [
        (number + (rng.random() - 0.5) / 2 * (0 < number < count)) / count
        for number in range(count + 1)
    ]
    aside = [0.0] * (count + 1)
    _waves(aside, steps, share * _DEVIATION, rng)
    line = [segment[0]]
    for step, height in zip(steps[1:-1], aside[1:-1], strict=True):
        up = _room(step, a, along, sites[0]) / (length * length)
        down = _room(step, a, along, sites[1]) / (length * length)
        kept = max(-down, min(up, height))
        east = a[0] + step * along[0] - kept * along[1]
        north = a[1] + step * along[1] + kept * along[0]
        line.append(vertex_at((east, north)))
    return [*line, segment[1]]


def _waves(aside: list[float], steps: Sequence[float], size: float, rng: Random) -> None:
    """Deviations relative to the length, by displacing middles of ever smaller parts."""
    parts = [(0, len(steps) - 1)]
    for low, high in parts:
        if high - low < 2:
            continue
        middle = (low + high) // 2
        share = (steps[middle] - steps[low]) / (steps[high] - steps[low])
        aside[middle] = (
            aside[low]
            + (aside[high] - aside[low]) * share
            + (rng.random() * 2 - 1) * size * (steps[high] - steps[low])
        )
        parts += [(low, middle), (middle, high)]


def _room(step: float, a: Point, along: Point, site: Point) -> float:
    """How far aside, times the length, the line may go towards a site: a share of the triangle.

    The triangles of all segments with their sites do not overlap, so no two bends can meet.
    """
    east, north = site[0] - a[0], site[1] - a[1]
    foot = (east * along[0] + north * along[1]) / (along[0] * along[0] + along[1] * along[1])
    height = abs(along[0] * north - along[1] * east)
    rising = step / foot if foot > 0 else inf
    falling = (1 - step) / (1 - foot) if foot < 1 else inf
    return _ROOM * height * min(rising, falling)
