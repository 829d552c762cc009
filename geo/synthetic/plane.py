"""The work plane of the generator: integer units of 1e-7 degrees, and metres for distances.

Every vertex is a pair of integers from the first line drawn, so neighbours share their vertices
exactly. Decisions use only + - * / and square roots, which IEEE 754 rounds in one way, so that
every machine draws the same county; that is why metres here are a plain scaling, good to 0.3 %
over the county, and not a map projection.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

Vertex = tuple[int, int]
Point = tuple[float, float]
FloatArray = NDArray[np.float64]

UNITS_PER_DEGREE = 10_000_000
# Metres in a unit of longitude and latitude at 31 N.
METRES = (0.0095420, 0.0110870)


def to_units(polygon: Polygon) -> Polygon:
    """A polygon in degrees as one in units, all coordinates whole numbers."""
    return shapely.transform(polygon, lambda xy: np.rint(xy * UNITS_PER_DEGREE))


def to_degrees(ring: list[Vertex]) -> Polygon:
    """The polygon of a ring of vertices in EPSG:4490 degrees, in normal form."""
    return shapely.normalize(Polygon(np.array(ring, dtype=np.float64) / UNITS_PER_DEGREE))


def metres(vertex: Vertex | Point) -> Point:
    """East, north in metres from 0 E, 0 N."""
    return vertex[0] * METRES[0], vertex[1] * METRES[1]


def vertex_at(point: Point) -> Vertex:
    """The vertex nearest to a point in metres."""
    return round(point[0] / METRES[0]), round(point[1] / METRES[1])


def squared(a: Point, b: Point) -> float:
    """Squared distance of two points in metres."""
    return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])
