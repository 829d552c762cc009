"""Between EPSG:4490 and a Gauss-Krueger zone in metres, where areas and distances are true."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
import shapely
from pyproj import Transformer
from pyproj.enums import TransformDirection
from shapely.geometry.base import BaseGeometry

from geo.errors import GeoError
from geo.gcj import FloatArray

G = TypeVar("G", bound=BaseGeometry)

CANONICAL_EPSG = 4490
# CGCS2000 / 3-degree Gauss-Krueger CM 108E: meant for 106.5 to 109.5 E, 511723 lies in its middle.
PROJECTED_EPSG = 4545


class OutsideProjection(GeoError):
    """Coordinates that the projected system cannot express or did not come from."""

    code = "position_outside_projection"

    def __init__(self, epsg: int) -> None:
        super().__init__(
            f"coordinates outside the domain of EPSG:{epsg}",
            zh=f"坐标超出投影坐标系 EPSG:{epsg} 的适用范围",
        )
        self.epsg = epsg


def to_projected(geometry: G, *, epsg: int = PROJECTED_EPSG) -> G:
    """An EPSG:4490 geometry (lon, lat) as easting, northing in metres; height is dropped.

    Raises ``OutsideProjection``.
    """
    return _each_vertex(geometry, epsg, TransformDirection.FORWARD)


def from_projected(geometry: G, *, epsg: int = PROJECTED_EPSG) -> G:
    """A geometry in metres (easting, northing) as EPSG:4490 lon, lat; height is dropped.

    Raises ``OutsideProjection``.
    """
    return _each_vertex(geometry, epsg, TransformDirection.INVERSE)


def project_points(points: FloatArray, *, epsg: int = PROJECTED_EPSG) -> FloatArray:
    """Points of shape (n, 2), EPSG:4490 lon, lat, as (n, 2) easting, northing in metres.

    Raises ``OutsideProjection``.
    """
    return _transform(points, epsg, TransformDirection.FORWARD)


@cache
def _transformer(epsg: int) -> Transformer:
    # One object serves all threads: since 3.1 pyproj clones its native context per thread.
    return Transformer.from_crs(CANONICAL_EPSG, epsg, always_xy=True)


def _transform(points: FloatArray, epsg: int, direction: TransformDirection) -> FloatArray:
    first, second = _transformer(epsg).transform(points[:, 0], points[:, 1], direction=direction)
    moved: FloatArray = np.column_stack((first, second))
    if not np.isfinite(moved).all():
        raise OutsideProjection(epsg)
    return moved


def _each_vertex(geometry: G, epsg: int, direction: TransformDirection) -> G:
    return shapely.transform(geometry, lambda points: _transform(points, epsg, direction))
