"""From a declared position to where it is: canonical, in metres, in which grid. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo import crs
from geo.errors import GeoError
from geo.positions import Crs
from geo.projection import project_points
from service.areas.grid_cache import GridSnapshot
from service.emergency.errors import BadPosition, OutsideCounty


@dataclass(frozen=True, slots=True)
class Spot:
    """A position: lon, lat in EPSG:4490; easting, northing in metres (EPSG:4545)."""

    lon: float
    lat: float
    easting: float
    northing: float


def spot_of(lon: float, lat: float, system: Crs, pointer: str | None = None) -> Spot:
    """The position in both systems. Raises BadPosition."""
    try:
        x, y = crs.to_canonical(lon, lat, system)
        ((easting, northing),) = project_points(np.array([[x, y]])).tolist()
    except GeoError as bad:
        raise BadPosition(reason=str(bad), reason_zh=bad.message_zh, pointer=pointer) from None
    return Spot(x, y, easting, northing)


def grid_at(grids: GridSnapshot, spot: Spot, pointer: str | None = None) -> str:
    """The code of the grid there. Raises OutsideCounty."""
    found = grids.index.locate(spot.lon, spot.lat)
    if found is None:
        raise OutsideCounty(lon=spot.lon, lat=spot.lat, pointer=pointer)
    return found.grid_code
