"""Checks of each polygon alone: present, of the right type, valid, simple."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import Feature, FeatureKind, Finding, finding
from geo.coverage.texts import FindingCode
from geo.positions import in_country
from geo.projection import project_points

SLIVER_M2 = 1.0
"""Tolerance of every check (square metres): what is not larger is digitising noise."""

# Semi-major axis (metres) and squared eccentricity of the CGCS2000 ellipsoid.
_A, _E2 = 6_378_137.0, 0.006_694_380_022_90

_ABROAD = "coordinates outside the country"

# What GEOS says about an invalid polygon, for people.
_REASONS_ZH = {
    "Self-intersection": "边界自相交",
    "Ring Self-intersection": "环自相交",
    "Too few points in geometry component": "环的顶点太少",
    "Invalid Coordinate": "坐标不是有效数字",
    "Hole lies outside shell": "内洞在外环之外",
    "Holes are nested": "内洞互相嵌套",
    "Nested shells": "外环互相嵌套",
    "Interior is disconnected": "内部不连通",
    "Duplicate Rings": "环重复",
    "Ring is not closed": "环不闭合",
    _ABROAD: "坐标超出国家范围",
}
_WITH_PLACE = re.compile(r"^(.+?)\[(\S+) (\S+?)\]?$")


@dataclass(frozen=True, slots=True)
class Shape:
    """A feature that can be laid over others: a valid polygon (EPSG:4490, two-dimensional)."""

    index: int
    village: str
    kind: FeatureKind
    polygon: Polygon | MultiPolygon
    area_m2: float
    households: int | None


def areas_m2(polygons: Iterable[BaseGeometry], epsg: int) -> NDArray[np.float64]:
    """Areas (n,) in square metres of n EPSG:4490 polygons. Raises ``OutsideProjection``."""
    shapes = np.array(list(polygons), dtype=object)
    moved = shapely.transform(shapes, lambda xy: project_points(xy, epsg=epsg))
    return np.asarray(shapely.area(moved), dtype=np.float64)


def left_over_m2(pieces: Iterable[BaseGeometry], epsg: int) -> NDArray[np.float64]:
    """Areas (n,) in square metres of what an overlay left over, 0 for what is only a sliver.

    Where a border has a vertex that the other side has not, the two are equal in one coordinate
    system only: a kilometre that is straight in degrees bends by a centimetre in metres. So a
    piece counts with its area in ``epsg`` only if it has more than a sliver in degrees as well.
    Raises ``OutsideProjection``.
    """
    shapes = np.array(list(pieces), dtype=object)
    projected = areas_m2(shapes, epsg)
    _, south, _, north = shapely.bounds(shapes).reshape(-1, 4).T
    in_degrees = shapely.area(shapes) * _square_degree_m2((south + north) / 2)
    return np.where(in_degrees > SLIVER_M2, projected, 0.0)


def _square_degree_m2(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square metres of a square degree on the ellipsoid of CGCS2000."""
    phi = np.radians(latitude)
    bulge = 1 - _E2 * np.sin(phi) ** 2
    area: NDArray[np.float64] = _A**2 * (1 - _E2) * np.cos(phi) / bulge**2 * np.radians(1) ** 2
    return area


def check_shapes(
    features: Sequence[Feature], *, max_vertices: int, epsg: int
) -> tuple[list[Finding], list[Shape]]:
    """Findings about single polygons, and the features that can be laid over others."""
    findings: list[Finding] = []
    polygons: list[tuple[Feature, Polygon | MultiPolygon]] = []
    for feature in features:
        flaw = _flaw(feature, max_vertices)
        if flaw is not None:
            findings.append(flaw)
        elif isinstance(feature.geometry, Polygon | MultiPolygon):
            polygons.append((feature, shapely.force_2d(feature.geometry)))
    shapes = []
    areas = areas_m2((polygon for _, polygon in polygons), epsg).tolist()
    for (feature, polygon), area in zip(polygons, areas, strict=True):
        if area <= SLIVER_M2:
            findings.append(_too_small(feature, polygon, area))
        else:
            findings += _remarks(feature, polygon)
            shapes.append(_shape(feature, polygon, area))
    return findings, shapes


def without_duplicates(shapes: Sequence[Shape]) -> tuple[list[Finding], list[Shape]]:
    """One finding for each set of equal polygons of one kind, and the shapes without the copies.

    The first ring vertex and the direction of a ring play no part.
    """
    groups: dict[tuple[FeatureKind, bytes], list[Shape]] = {}
    keys = shapely.to_wkb(shapely.normalize([shape.polygon for shape in shapes])).tolist()
    for shape, key in zip(shapes, keys, strict=True):
        groups.setdefault((shape.kind, key), []).append(shape)
    findings = [duplicates(group) for group in groups.values() if len(group) > 1]
    return findings, [group[0] for group in groups.values()]


def duplicates(group: Sequence[Shape]) -> Finding:
    """The finding that these features have one and the same polygon."""
    return finding(
        FindingCode.DUPLICATE_GEOMETRY,
        [shape.index for shape in group],
        village=common_village(group),
        area_m2=group[0].area_m2,
        geometry=group[0].polygon,
    )


def common_village(shapes: Iterable[Shape]) -> str | None:
    """The village of all these features, None if they differ."""
    villages = {shape.village for shape in shapes}
    return villages.pop() if len(villages) == 1 else None


def _flaw(feature: Feature, max_vertices: int) -> Finding | None:
    """What keeps a feature from being laid over others."""
    geometry, about, village = feature.geometry, [feature.index], feature.village_code
    if geometry is None or geometry.is_empty:
        return finding(FindingCode.EMPTY_GEOMETRY, about, village=village)
    if not isinstance(geometry, Polygon | MultiPolygon):
        return finding(
            FindingCode.WRONG_GEOMETRY_TYPE,
            about,
            village=village,
            details={"found": geometry.geom_type},
        )
    vertices = int(shapely.get_num_coordinates(geometry))
    if vertices > max_vertices:
        return finding(
            FindingCode.TOO_MANY_VERTICES,
            about,
            village=village,
            details={"vertices": vertices, "limit": max_vertices},
        )
    reason = _invalid_reason(geometry)
    if reason is None:
        return None
    return _invalid(feature, *_split(reason))


def _invalid(feature: Feature, reason: str, place: Point | None) -> Finding:
    return finding(
        FindingCode.INVALID_GEOMETRY,
        [feature.index],
        village=feature.village_code,
        geometry=place,
        details={"reason": reason, "reason_zh": _REASONS_ZH.get(reason, reason)},
    )


def _too_small(feature: Feature, polygon: BaseGeometry, area: float) -> Finding:
    return finding(
        FindingCode.TOO_SMALL,
        [feature.index],
        village=feature.village_code,
        area_m2=area,
        geometry=polygon,
    )


def _shape(feature: Feature, polygon: Polygon | MultiPolygon, area: float) -> Shape:
    return Shape(
        index=feature.index,
        village=feature.village_code,
        kind=feature.kind,
        polygon=polygon,
        area_m2=area,
        households=feature.households,
    )


def _invalid_reason(geometry: Polygon | MultiPolygon) -> str | None:
    xy = shapely.get_coordinates(geometry)
    if np.isfinite(xy).all() and not in_country(xy[:, 0], xy[:, 1], 0.0).all():
        return _ABROAD
    return None if shapely.is_valid(geometry) else str(shapely.is_valid_reason(geometry))


def _split(reason: str) -> tuple[str, Point | None]:
    """The reason of GEOS and the point that it names in square brackets."""
    match = _WITH_PLACE.match(reason)
    if match is None:
        return reason, None
    try:
        place = Point(float(match[2]), float(match[3]))
    except ValueError:
        return match[1], None
    return match[1], place if np.isfinite(shapely.get_coordinates(place)).all() else None


def _remarks(feature: Feature, polygon: Polygon | MultiPolygon) -> Iterator[Finding]:
    parts = shapely.get_parts(polygon)
    about, village = [feature.index], feature.village_code
    if len(parts) > 1:
        yield finding(
            FindingCode.MULTIPART,
            about,
            village=village,
            geometry=polygon,
            details={"parts": len(parts)},
        )
    holes = shapely.get_num_interior_rings(parts)
    if holes.any():
        yield finding(
            FindingCode.HAS_HOLES,
            about,
            village=village,
            geometry=polygon,
            details={"holes": int(holes.sum())},
        )
