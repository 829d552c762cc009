"""Areas of EPSG:4490 polygons in square metres.

Polygons are laid over each other in degrees, as they are stored, so that a border that both share
stays shared however many vertices each has on it; only what is left over is projected (EPSG:4545)
and measured. A straight line of 4 km in degrees and its projection enclose 250 m2.
"""

from __future__ import annotations

from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage import SLIVER_M2
from geo.projection import to_projected

# A share of the area that no two equal polygons differ by; comparing areas tells most pairs apart.
_PLAUSIBLE = 1e-3


def area_m2(geometry: BaseGeometry) -> float:
    """Area in square metres, to three decimals."""
    return 0.0 if geometry.is_empty else round(float(to_projected(geometry).area), 3)


def common_m2(one: Polygon, other: Polygon) -> float:
    """The area that two polygons have in common, in square metres."""
    return area_m2(one.intersection(other))


def common_share(one: Polygon, other: Polygon) -> float:
    """What two polygons have in common, as a share (0 to 1) of the larger one."""
    return float(one.intersection(other).area / max(one.area, other.area))


def same_ground(one: Polygon, other: Polygon) -> bool:
    """Whether two polygons differ by no more than a sliver (1 m2)."""
    if abs(one.area - other.area) > _PLAUSIBLE * max(one.area, other.area):
        return False
    return area_m2(one.symmetric_difference(other)) <= SLIVER_M2
