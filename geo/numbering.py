"""The first numbering of a village's grids: north to south in bands, west to east in a band.

The order is that of DB6101/T 3185-2024, DB11 and CJ/T 349 (west to east and north to south).
None of them says how high a band is, so the rule here is: a band opens at the northernmost grid
not yet numbered and is half as high as the median grid of the village. Half is the height that
bears the most disorder: in rows of equal grids, each may be displaced by up to a quarter of its
height without falling into a neighbouring row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

import shapely
from shapely import MultiPolygon, Polygon

from geo.errors import GeoError
from geo.projection import PROJECTED_EPSG, to_projected

K = TypeVar("K")

BAND_SHARE = 0.5
# Millimetres, and thousandths of a square metre: below that two grids count as a tie.
_DECIMALS = 3


class CannotNumber(GeoError):
    """A grid has no area to number, or two grids have the same key."""

    code = "numbering_impossible"

    def __init__(self, key: object, reason: str, reason_zh: str) -> None:
        super().__init__(f"grid {key!s}: {reason}", zh=f"网格 {key!s}：{reason_zh}")
        self.key = key


@dataclass(frozen=True, slots=True)
class _Placed(Generic[K]):
    """A grid with what its place in the order depends on, in metres."""

    key: K
    east: float
    north: float
    height: float
    area: float
    shape: bytes


def number_grids(
    grids: Sequence[tuple[K, Polygon | MultiPolygon]], *, epsg: int = PROJECTED_EPSG
) -> list[K]:
    """Keys of one village's grids in the order of their first numbering.

    ``grids`` are (key, polygon in EPSG:4490 lon, lat). A grid stands where its point on surface
    stands in the metric system ``epsg``. Ties go to the larger area, then to a fixed order of
    shapes and keys, so that the answer never depends on the order of the input. Raises
    ``CannotNumber`` and ``OutsideProjection``.
    """
    for key, times in Counter(key for key, _ in grids).items():
        if times > 1:
            raise CannotNumber(key, "its key is given twice", "标识重复")
    placed = sorted((_place(key, polygon, epsg) for key, polygon in grids), key=_north_first)
    if not placed:
        return []
    band_height = BAND_SHARE * median(grid.height for grid in placed)
    ordered: list[K] = []
    band: list[_Placed[K]] = []
    for grid in placed:
        if band and band[0].north - grid.north >= band_height:
            ordered += [one.key for one in sorted(band, key=_west_first)]
            band = []
        band.append(grid)
    return ordered + [one.key for one in sorted(band, key=_west_first)]


def _place(key: K, polygon: Polygon | MultiPolygon, epsg: int) -> _Placed[K]:
    if polygon.is_empty:
        raise CannotNumber(key, "its geometry is empty", "几何为空")
    # Normalised, so that the ring's first vertex and direction play no part.
    shape = shapely.normalize(to_projected(polygon, epsg=epsg))
    area = round(shape.area, _DECIMALS)
    if area <= 0:
        raise CannotNumber(key, "its polygon has no area", "多边形面积为零")
    point = shape.point_on_surface()
    _, south, _, north = shape.bounds
    return _Placed(
        key=key,
        east=round(point.x, _DECIMALS),
        north=round(point.y, _DECIMALS),
        height=north - south,
        area=area,
        shape=shapely.to_wkb(shape),
    )


def _north_first(grid: _Placed[K]) -> tuple[float, float, float, bytes, str]:
    return (-grid.north, *_west_first(grid))


def _west_first(grid: _Placed[K]) -> tuple[float, float, bytes, str]:
    return (grid.east, -grid.area, grid.shape, str(grid.key))
