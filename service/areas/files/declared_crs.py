"""Which reference system a file is in: what it says itself, what the form says, never a guess.

GCJ-02 and BD-09 have no EPSG code: files in them carry the label of WGS 84 or none, so the form's
word counts for them. Otherwise file and form must agree. WGS 84 and CGCS2000 are taken as one (see
`geo.positions.Crs`). Older datums (Beijing 1954, Xian 1980) are refused: the parameters that lead
from them to CGCS2000 are not public, and a ballpark transformation is off by tens of metres.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from geo.crs import Crs, to_canonical_array
from service.areas.errors import CrsUndeclared, CrsUnknown
from service.areas.files.errors import CrsConflict, CrsNotConvertible

EXPECTED = "cgcs2000, wgs84, gcj02, bd09, EPSG:4490, EPSG:4545 …"
DATUMS = {"China 2000", "World Geodetic System 1984", "World Geodetic System 1984 ensemble"}
_CODE = re.compile(r"^(?:urn:ogc:def:crs:)?EPSG:(?:[0-9.]*:)?([0-9]{4,6})$", re.IGNORECASE)
_CRS84 = re.compile(r"^(?:urn:ogc:def:crs:OGC:(?:[0-9.]*:)?|OGC:)?CRS84$", re.IGNORECASE)
_NAMES = {"cgcs2000": 4490, "wgs84": 4326}

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SourceCrs:
    """Where coordinates come from: an offset system, or a reference system in `crs`."""

    label: str
    shifted: Crs | None = None
    crs: CRS | None = None

    def to_canonical(self, points: FloatArray) -> FloatArray:
        """Points of shape (n, 2), x then y, as EPSG:4490 lon, lat; NaN where there is none."""
        system = self.shifted or Crs.CGCS2000
        xs, ys = points[:, 0], points[:, 1]
        if self.crs is not None and not self.crs.is_geographic:
            xs, ys = _to_degrees(self.crs.to_wkt()).transform(xs, ys)
        return np.column_stack(to_canonical_array(xs, ys, system, strict=False))


def geometries_to_canonical(
    geometries: NDArray[np.object_], source: SourceCrs
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Geometries in EPSG:4490, and which of them have coordinates outside the country.

    Those come back unchanged; height is dropped from the others.
    """
    flat = shapely.force_2d(geometries)
    points, owner = shapely.get_coordinates(flat, return_index=True)
    moved = source.to_canonical(points)
    outside = np.zeros(len(flat), dtype=bool)
    outside[owner[np.isnan(moved).any(axis=1)]] = True
    keep = outside[owner]
    moved[keep] = points[keep]
    return shapely.set_coordinates(flat.copy(), moved), outside


def resolve(form: str | None, file_crs: CRS | None) -> SourceCrs:
    """The system of a file that says `file_crs` and came with the form's word `form`.

    Raises CrsUndeclared, CrsUnknown, CrsConflict and CrsNotConvertible.
    """
    if form is None:
        if file_crs is None:
            raise CrsUndeclared(expected=EXPECTED, pointer="/crs")
        return SourceCrs(label_of(file_crs), crs=_convertible(file_crs))
    name = form.strip()
    if name.lower() in (Crs.GCJ02, Crs.BD09):
        if file_crs is not None and not _is_degrees(file_crs):
            raise CrsConflict(file=label_of(file_crs), form=name, pointer="/crs")
        return SourceCrs(name.lower(), shifted=Crs(name.lower()))
    stated = from_name(f"EPSG:{_NAMES[name.lower()]}" if name.lower() in _NAMES else name)
    if file_crs is not None and not _agree(stated, file_crs):
        raise CrsConflict(file=label_of(file_crs), form=name, pointer="/crs")
    return SourceCrs(label_of(stated), crs=_convertible(stated))


def from_name(name: str) -> CRS:
    """The system of an EPSG code or CRS84 in any of the usual spellings. Raises CrsUnknown."""
    if _CRS84.match(name):
        return CRS.from_epsg(4326)
    if found := _CODE.match(name):
        try:
            return CRS.from_epsg(int(found[1]))
        except CRSError:
            pass
    raise CrsUnknown(given=repr(name[:60]), expected=EXPECTED, pointer="/crs")


def label_of(crs: CRS) -> str:
    """`EPSG:4545` where the system has a code, else its name."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)[:100]


def _is_degrees(crs: CRS) -> bool:
    return bool(crs.is_geographic) and _datum(crs) in DATUMS


def _datum(crs: CRS) -> str:
    geodetic = crs.geodetic_crs
    return geodetic.datum.name if geodetic is not None and geodetic.datum is not None else ""


def _agree(stated: CRS, found: CRS) -> bool:
    if _is_degrees(stated) and _is_degrees(found):
        return True
    if stated.to_epsg() is not None and stated.to_epsg() == found.to_epsg():
        return True
    return bool(stated.equals(found, ignore_axis_order=True))


def _convertible(crs: CRS) -> CRS:
    if not (crs.is_geographic or crs.is_projected) or _datum(crs) not in DATUMS:
        raise CrsNotConvertible(given=label_of(crs), pointer="/crs")
    return crs


@cache
def _to_degrees(wkt: str) -> Transformer:
    crs = CRS.from_wkt(wkt)
    return Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
