"""Cells: the Voronoi cells of the sites, cut by the outline, in whole units.

All lines are noded together once, on the grid of whole units, and the cells are the faces between
them; so each segment between two cells is one pair of vertices that both have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import shapely
from shapely import MultiPoint, Polygon

from geo.synthetic.plane import METRES, Point, Vertex, squared, vertex_at
from geo.synthetic.plane import metres as to_metres

Segment = tuple[Vertex, Vertex]

# A piece that the outline left of a cell joins a neighbour if it has less than this share of the
# average area around it.
_LEAST_SHARE = 0.45


@dataclass(frozen=True, slots=True)
class Cells:
    """Rings counter-clockwise, not closed; ``sites`` has both sites of an inner segment.

    A segment is looked up in the direction in which the cell has it on its left, and the first
    site is the one on the left. ``middles`` are the cells' sites as vertices.
    """

    rings: dict[int, list[Vertex]]
    middles: dict[int, Vertex]
    sites: dict[Segment, tuple[Point, Point]]
    neighbours: dict[int, list[int]]


def draw_cells(outline: Polygon, sites: Sequence[Point]) -> Cells:
    """The cells of sites (metres) in an outline (units); about one for each site.

    A piece cut off from its site, or left small by the outline, is part of a neighbour.
    """
    faces = _faces(outline, sites)
    sited = _site_of(faces, sites)
    left = {
        segment: number for number, face in enumerate(faces) for segment in _segments(_ring(face))
    }
    joined = _join_small(faces, sited, left)
    inner: dict[Segment, tuple[Point, Point]] = {}
    near: dict[int, set[int]] = defaultdict(set)
    for (a, b), face in left.items():
        other = left.get((b, a))
        if other is not None and joined[face] != joined[other]:
            inner[a, b] = sites[sited[face][0]], sites[sited[other][0]]
            near[joined[face]].add(joined[other])
    outer: dict[int, dict[Vertex, Vertex]] = defaultdict(dict)
    for (a, b), face in left.items():
        if (b, a) not in left or (a, b) in inner:
            outer[joined[face]][a] = b
    return Cells(
        rings={cell: _chain(steps) for cell, steps in sorted(outer.items())},
        middles={cell: vertex_at(sites[sited[cell][0]]) for cell in sorted(outer)},
        sites=inner,
        neighbours={cell: sorted(near[cell]) for cell in sorted(outer)},
    )


def _faces(outline: Polygon, sites: Sequence[Point]) -> list[Polygon]:
    """The faces of the noded linework, in an order that does not depend on GEOS."""
    around = shapely.transform(outline, lambda xy: xy * METRES)
    edges = shapely.voronoi_polygons(MultiPoint(sites), extend_to=around, only_edges=True)
    lines = shapely.transform(shapely.get_parts(edges), lambda xy: xy / METRES)
    cut = shapely.intersection(lines, outline)
    noded = shapely.union_all([outline.exterior, *cut], grid_size=1.0)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return sorted(shapely.normalize(faces).tolist(), key=lambda face: _ring(face)[0:3])


def _ring(face: Polygon) -> list[Vertex]:
    """The vertices of a face without holes, counter-clockwise from the smallest, not closed."""
    xy = shapely.get_coordinates(shapely.orient_polygons(face)).astype(np.int64).tolist()[:-1]
    ring = [(x, y) for x, y in xy]
    first = ring.index(min(ring))
    return ring[first:] + ring[:first]


def _segments(ring: Sequence[Vertex]) -> Iterable[Segment]:
    return zip(ring, [*ring[1:], ring[0]], strict=True)


def _site_of(faces: Sequence[Polygon], sites: Sequence[Point]) -> list[tuple[int, bool]]:
    """For each face the site of whose Voronoi cell it is a part, and whether it has it inside."""
    points = shapely.points([vertex_at(site) for site in sites])
    pairs = shapely.STRtree(points).query(faces, predicate="contains")
    found: dict[int, int] = dict(pairs.T.tolist())
    return [
        (found[number], True) if number in found else (_nearest(face, sites), False)
        for number, face in enumerate(faces)
    ]


def _nearest(face: Polygon, sites: Sequence[Point]) -> int:
    inside = face.representative_point()
    place = to_metres((inside.x, inside.y))
    return min(range(len(sites)), key=lambda site: squared(sites[site], place))


def _join_small(
    faces: Sequence[Polygon], sited: Sequence[tuple[int, bool]], left: Mapping[Segment, int]
) -> list[int]:
    """For each face the face that it becomes a part of: itself, or the neighbour of a small one."""
    borders: list[dict[int, float]] = [defaultdict(float) for _ in faces]
    for (a, b), face in left.items():
        if (b, a) in left:
            borders[face][left[b, a]] += sqrt(squared(to_metres(a), to_metres(b)))
    areas = [face.area for face in faces]
    small = {
        number
        for number, around in enumerate(borders)
        if not sited[number][1]
        or areas[number] * len(around) < _LEAST_SHARE * sum(areas[other] for other in around)
    }
    return [
        max(around.keys() - small, key=lambda other: (around[other], -other))
        if number in small and around.keys() - small
        else number
        for number, around in enumerate(borders)
    ]


def _chain(steps: dict[Vertex, Vertex]) -> list[Vertex]:
    """The ring that leads through all the steps."""
    first = min(steps)
    ring = [first]
    while (following := steps[ring[-1]]) != first:
        ring.append(following)
    if len(ring) != len(steps):
        msg = f"the border at {first} is not one ring"
        raise ValueError(msg)
    return ring
