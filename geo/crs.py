"""Conversion of positions between the systems that clients use and the canonical one.

Canonical is CGCS2000 geographic, EPSG:4490, always as longitude, latitude in degrees (the
authority's axis order is latitude first; PostGIS and GeoJSON order is used throughout).
``CHINA_BOX`` (72.004 to 137.8347 E, 0.8293 to 55.8271 N) bounds what is accepted. Metric work
happens in a Gauss-Krueger zone: ``to_projected``, ``from_projected``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely.geometry.base import BaseGeometry

from geo import gcj
from geo.gcj import ARRAY, SCALAR, FloatArray, Maths, T
from geo.positions import (
    CHINA_BOX,
    BoolArray,
    Box,
    Crs,
    InvalidPosition,
    OutOfCountry,
    UndeclaredCrs,
    UnknownCrs,
    in_country,
    parse_crs,
    raise_first_outside,
    require_in_country,
)
from geo.projection import (
    CANONICAL_EPSG,
    PROJECTED_EPSG,
    OutsideProjection,
    from_projected,
    project_points,
    to_projected,
)

__all__ = [
    "CANONICAL_EPSG",
    "CHINA_BOX",
    "PROJECTED_EPSG",
    "Box",
    "Crs",
    "InvalidPosition",
    "OutOfCountry",
    "OutsideProjection",
    "UndeclaredCrs",
    "UnknownCrs",
    "from_canonical",
    "from_canonical_array",
    "from_projected",
    "geometry_from_canonical",
    "geometry_to_canonical",
    "parse_crs",
    "project_points",
    "to_canonical",
    "to_canonical_array",
    "to_projected",
]

G = TypeVar("G", bound=BaseGeometry)
Pair = tuple[FloatArray, FloatArray]

# What an inverse may leave over; a position on the border is not pushed out of the box by it.
_BORDER_SLACK = 1e-9
# No offset is larger than this in degrees; further out an inverse need not even be tried.
_LARGEST_OFFSET = 0.1


def to_canonical(lon: float, lat: float, crs: Crs) -> tuple[float, float]:
    """Longitude, latitude in EPSG:4490 of a position given in ``crs`` (degrees).

    The inverses of GCJ-02 and BD-09 are exact to 1e-10 degrees. Raises ``InvalidPosition`` and
    ``OutOfCountry``.
    """
    require_in_country(lon, lat, _raw_slack(crs))
    if not crs.is_shifted:
        return lon, lat
    canonical = _undo(lon, lat, crs, SCALAR)
    require_in_country(*canonical, _BORDER_SLACK)
    return canonical


def from_canonical(lon: float, lat: float, crs: Crs) -> tuple[float, float]:
    """Longitude, latitude in ``crs`` of a canonical EPSG:4490 position (degrees).

    Raises ``InvalidPosition`` and ``OutOfCountry``.
    """
    require_in_country(lon, lat, _BORDER_SLACK)
    return _apply(lon, lat, crs, SCALAR)


def to_canonical_array(
    lon: ArrayLike, lat: ArrayLike, crs: Crs, *, strict: bool = True
) -> tuple[FloatArray, FloatArray]:
    """``to_canonical`` for n points at once: two new float64 arrays of shape (n,), in degrees.

    With ``strict`` the first bad point raises as it would alone, with its ``index``. Without,
    every bad point comes back as NaN, NaN, and ``to_canonical`` of it says why.
    """
    lons, lats = _columns(lon, lat)
    plausible = in_country(lons, lats, _raw_slack(crs))
    if strict:
        raise_first_outside(plausible, lons, lats)
    moved = _on(plausible, lons, lats, lambda x, y: _undo(x, y, crs, ARRAY))
    inside = in_country(*moved, _BORDER_SLACK)
    if strict:
        raise_first_outside(inside, lons, lats)
    for values in moved:
        values[~inside] = math.nan
    return moved


def from_canonical_array(
    lon: ArrayLike, lat: ArrayLike, crs: Crs, *, strict: bool = True
) -> tuple[FloatArray, FloatArray]:
    """``from_canonical`` for n points at once; shapes and ``strict`` as ``to_canonical_array``."""
    lons, lats = _columns(lon, lat)
    inside = in_country(lons, lats, _BORDER_SLACK)
    if strict:
        raise_first_outside(inside, lons, lats)
    return _on(inside, lons, lats, lambda x, y: _apply(x, y, crs, ARRAY))


def geometry_to_canonical(geometry: G, crs: Crs) -> G:
    """The same geometry in EPSG:4490, vertex by vertex; height is dropped.

    Raises ``InvalidPosition`` and ``OutOfCountry`` for the first such vertex.
    """
    return _each_vertex(geometry, lambda lons, lats: to_canonical_array(lons, lats, crs))


def geometry_from_canonical(geometry: G, crs: Crs) -> G:
    """An EPSG:4490 geometry in ``crs``, vertex by vertex; height is dropped.

    Raises ``InvalidPosition`` and ``OutOfCountry`` for the first such vertex.
    """
    return _each_vertex(geometry, lambda lons, lats: from_canonical_array(lons, lats, crs))


def _raw_slack(crs: Crs) -> float:
    return _LARGEST_OFFSET if crs.is_shifted else 0.0


def _columns(lon: ArrayLike, lat: ArrayLike) -> Pair:
    lons = np.asarray(lon, dtype=np.float64)
    lats = np.asarray(lat, dtype=np.float64)
    if lons.ndim != 1 or lons.shape != lats.shape:
        msg = f"two arrays of shape (n,) expected, not {lons.shape} and {lats.shape}"
        raise ValueError(msg)
    return lons, lats


def _on(
    chosen: BoolArray, lons: FloatArray, lats: FloatArray, convert: Callable[..., Pair]
) -> Pair:
    """Convert the chosen points; the others become NaN. Always new arrays."""
    moved = np.full((2, len(lons)), math.nan)
    moved[:, chosen] = convert(lons[chosen], lats[chosen])
    return moved[0], moved[1]


def _each_vertex(geometry: G, convert: Callable[..., Pair]) -> G:
    return shapely.transform(
        geometry, lambda points: np.column_stack(convert(points[:, 0], points[:, 1]))
    )


def _apply(lon: T, lat: T, crs: Crs, m: Maths[T]) -> tuple[T, T]:
    if not crs.is_shifted:
        return lon, lat
    shifted = gcj.wgs_to_gcj(lon, lat, m)
    return shifted if crs is Crs.GCJ02 else gcj.gcj_to_bd(*shifted, m)


def _undo(lon: T, lat: T, crs: Crs, m: Maths[T]) -> tuple[T, T]:
    if not crs.is_shifted:
        return lon, lat
    if crs is Crs.BD09:
        lon, lat = gcj.bd_to_gcj(lon, lat, m)
    return gcj.gcj_to_wgs(lon, lat, m)
