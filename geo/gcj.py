"""The GCJ-02 and BD-09 offsets: one set of formulas for scalars and for numpy arrays.

Both are undocumented by their owners; the formulas are the publicly known ones. GCJ-02 shifts
a position by a few hundred metres, computed on the Krasovsky 1940 ellipsoid from periodic terms
around 105 E, 35 N. BD-09 rotates and stretches GCJ-02 coordinates slightly as a plane vector and
adds a constant. Nothing here checks its input: ``geo.crs`` is the door.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
T = TypeVar("T", float, FloatArray)

SEMI_MAJOR_AXIS = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
BD_SHIFT_LON = 0.0065
BD_SHIFT_LAT = 0.006
_BD_FREQUENCY = 3000.0 * math.pi / 180.0

# The offsets change by less than 2 % of the way moved, so once a step is below this, what is
# left of the error is below 2e-11 degrees, about two micrometres.
_LAST_STEP = 1e-9
_MOST_STEPS = 30


@dataclass(frozen=True, slots=True)
class Maths(Generic[T]):
    """The functions that differ between one float and an array of them."""

    sin: Callable[[T], T]
    cos: Callable[[T], T]
    sqrt: Callable[[T], T]
    largest: Callable[[T], float]


def _largest_of_array(values: FloatArray) -> float:
    return float(np.max(np.abs(values), initial=0.0))


SCALAR: Maths[float] = Maths(math.sin, math.cos, math.sqrt, abs)
ARRAY: Maths[FloatArray] = Maths(np.sin, np.cos, np.sqrt, _largest_of_array)


def _gcj_offset(lon: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """Offset (degrees of longitude, degrees of latitude) that GCJ-02 adds at a WGS 84 position."""
    x = lon - 105.0
    y = lat - 35.0
    root = m.sqrt(abs(x))
    # sin(pi x), sin(2 pi x), sin(6 pi x) and sin(pi y) follow from the third of their angle;
    # one sine of ten thousand points costs more than all these products.
    x3 = m.sin(x * (math.pi / 3.0))
    cos_x3 = m.cos(x * (math.pi / 3.0))
    x1 = (3.0 - 4.0 * x3 * x3) * x3
    x_half = 2.0 * x1 * ((4.0 * cos_x3 * cos_x3 - 3.0) * cos_x3)
    x_sixth = (3.0 - 4.0 * x_half * x_half) * x_half
    y3 = m.sin(y * (math.pi / 3.0))
    y1 = (3.0 - 4.0 * y3 * y3) * y3
    shared = x_sixth + x_half
    north = (-100.0 + 2.0 * x + (3.0 + 0.2 * y + 0.1 * x) * y + 0.2 * root) + (40.0 / 3.0) * (
        shared
        + y1
        + 2.0 * y3
        + 8.0 * m.sin(y * (math.pi / 12.0))
        + 16.0 * m.sin(y * (math.pi / 30.0))
    )
    east = (300.0 + 2.0 * y + (1.0 + 0.1 * x + 0.1 * y) * x + 0.1 * root) + (40.0 / 3.0) * (
        shared
        + x1
        + 2.0 * x3
        + 7.5 * m.sin(x * (math.pi / 12.0))
        + 15.0 * m.sin(x * (math.pi / 30.0))
    )
    return _metres_to_degrees(east, north, lat, m)


def _metres_to_degrees(east: T, north: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """Metres east and north at a latitude as degrees, on the Krasovsky ellipsoid."""
    sin_lat = m.sin(lat * (math.pi / 180.0))
    cos_lat = m.sqrt(1.0 - sin_lat * sin_lat)
    squared = 1.0 - ECCENTRICITY_SQUARED * sin_lat * sin_lat
    root = m.sqrt(squared)
    per_radian = 180.0 / (math.pi * SEMI_MAJOR_AXIS)
    return (
        east * root / cos_lat * per_radian,
        north * squared * root * (per_radian / (1.0 - ECCENTRICITY_SQUARED)),
    )


def wgs_to_gcj(lon: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """GCJ-02 longitude and latitude in degrees of a WGS 84 (or CGCS2000) position."""
    east, north = _gcj_offset(lon, lat, m)
    return lon + east, lat + north


def gcj_to_bd(lon: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """BD-09 longitude and latitude in degrees of a GCJ-02 position."""
    stretch = 1.0 + 0.00002 * m.sin(lat * _BD_FREQUENCY) / m.sqrt(lon * lon + lat * lat)
    turn = 0.000003 * m.cos(lon * _BD_FREQUENCY)
    sin_turn, cos_turn = m.sin(turn), m.cos(turn)
    return (
        stretch * (lon * cos_turn - lat * sin_turn) + BD_SHIFT_LON,
        stretch * (lat * cos_turn + lon * sin_turn) + BD_SHIFT_LAT,
    )


def gcj_to_wgs(lon: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """WGS 84 position whose GCJ-02 form is the given one, to better than 1e-10 degrees."""
    return _invert(wgs_to_gcj, lon, lat, m)


def bd_to_gcj(lon: T, lat: T, m: Maths[T]) -> tuple[T, T]:
    """GCJ-02 position whose BD-09 form is the given one, to better than 1e-10 degrees."""
    return _invert(gcj_to_bd, lon, lat, m)


def _invert(
    forward: Callable[[T, T, Maths[T]], tuple[T, T]], lon: T, lat: T, m: Maths[T]
) -> tuple[T, T]:
    """Fixed point of ``p = p + (target - forward(p))``, started at the target."""
    at_lon, at_lat = lon, lat
    for _ in range(_MOST_STEPS):
        made_lon, made_lat = forward(at_lon, at_lat, m)
        step_lon, step_lat = lon - made_lon, lat - made_lat
        at_lon, at_lat = at_lon + step_lon, at_lat + step_lat
        if m.largest(step_lon) < _LAST_STEP and m.largest(step_lat) < _LAST_STEP:
            break
    return at_lon, at_lat
