"""What a position may be: the four reference systems, the country's box, and what is refused."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.errors import GeoError
from geo.gcj import FloatArray

BoolArray = NDArray[np.bool_]


class Crs(StrEnum):
    """The systems in which a client may give or ask for a position.

    ``wgs84`` and ``cgcs2000`` are treated as one. Their ellipsoids differ by 0.1 mm at most;
    their frames (WGS 84 of today against ITRF97 at epoch 2000.0) have drifted apart with the
    plate by some 0.8 m. That is under the 3 to 10 m of a phone, and EPSG itself knows no better
    transformation between them than the null one. Survey-grade WGS 84 does not enter this way.
    """

    CGCS2000 = "cgcs2000"
    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"

    @property
    def is_shifted(self) -> bool:
        """Whether positions in this system are offset by hundreds of metres."""
        return self in (Crs.GCJ02, Crs.BD09)


class Box(NamedTuple):
    """A box in degrees, borders included."""

    west: float
    south: float
    east: float
    north: float


# The box inside which GCJ-02 is applied by those who publish it: 72.004 to 137.8347 E, 0.8293 to
# 55.8271 N. It holds all of the country. Checked on the canonical position.
CHINA_BOX = Box(72.004, 0.8293, 137.8347, 55.8271)


class UndeclaredCrs(GeoError):
    """A position came without its coordinate reference system; it is never guessed."""

    code = "crs_undeclared"

    def __init__(self) -> None:
        super().__init__(
            f"the position does not say its CRS; give one of {', '.join(Crs)}",
            zh=f"位置未声明坐标系；请注明 {'、'.join(Crs)} 之一",
        )


class UnknownCrs(GeoError):
    """The declared coordinate reference system is none of the four that are accepted."""

    code = "crs_unknown"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"unknown CRS {given[:40]!r}; give one of {', '.join(Crs)}",
            zh=f"未知坐标系{given[:40]!r}；请用 {'、'.join(Crs)} 之一",
        )
        self.given = given


class InvalidPosition(GeoError):
    """Longitude or latitude is not a number, infinite, or beyond 180 or 90 degrees.

    ``index`` is the point's place in the array it came in, if it came in one.
    """

    code = "position_invalid"

    def __init__(self, lon: float, lat: float, *, index: int | None = None) -> None:
        super().__init__(
            f"longitude {lon}, latitude {lat} is no position on Earth",
            zh=f"经度 {lon}、纬度 {lat} 不是有效位置",
        )
        self.lon = lon
        self.lat = lat
        self.index = index


class OutOfCountry(GeoError):
    """The position is outside ``CHINA_BOX``: no offset and no grid applies to it.

    ``index`` is the point's place in the array it came in, if it came in one.
    """

    code = "position_out_of_country"

    def __init__(self, lon: float, lat: float, *, index: int | None = None) -> None:
        west, south, east, north = CHINA_BOX
        super().__init__(
            f"longitude {lon}, latitude {lat} is outside the country's box "
            f"({west} to {east} E, {south} to {north} N)",
            zh=f"经度 {lon}、纬度 {lat} 超出国家范围"
            f"（东经 {west} 至 {east}，北纬 {south} 至 {north}）",
        )
        self.lon = lon
        self.lat = lat
        self.index = index


def parse_crs(text: str | None) -> Crs:
    """The CRS of that name. Raises ``UndeclaredCrs`` for nothing, ``UnknownCrs`` for others."""
    if not text:
        raise UndeclaredCrs
    try:
        return Crs(text)
    except ValueError:
        raise UnknownCrs(text) from None


def require_in_country(lon: float, lat: float, slack: float) -> None:
    """Raise ``InvalidPosition`` or ``OutOfCountry`` unless the point is in the box.

    The box is ``CHINA_BOX`` widened by ``slack`` degrees on every side.
    """
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
        raise InvalidPosition(lon, lat)
    west, south, east, north = CHINA_BOX
    if not (west - slack <= lon <= east + slack and south - slack <= lat <= north + slack):
        raise OutOfCountry(lon, lat)


def in_country(lons: FloatArray, lats: FloatArray, slack: float) -> BoolArray:
    """Mask of shape (n,): which of n points are valid and in the box widened by ``slack``."""
    west, south, east, north = CHINA_BOX
    return (
        (lons >= west - slack)
        & (lons <= east + slack)
        & (lats >= south - slack)
        & (lats <= north + slack)
    )


def raise_first_outside(inside: BoolArray, lons: FloatArray, lats: FloatArray) -> None:
    """Raise for the first point that the mask leaves out, if there is one, with its index."""
    if inside.all():
        return
    index = int(np.flatnonzero(~inside)[0])
    lon, lat = float(lons[index]), float(lats[index])
    if math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180.0 and abs(lat) <= 90.0:
        raise OutOfCountry(lon, lat, index=index)
    raise InvalidPosition(lon, lat, index=index)
