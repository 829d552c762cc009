"""Geometry of splits, merges and adjustments: pure, EPSG:4490, run in a thread.

Tolerance is that of every check of coverage: what is not larger than 1 m2 is digitising noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo import coverage
from geo.coverage import SLIVER_M2, FeatureKind, FindingCode, Severity
from service.areas.checks.matching import CORRECTION_SHARE
from service.areas.errors import BadGeometry, GeometryRefused
from service.areas.files.declared_crs import SourceCrs, geometries_to_canonical
from service.areas.measure import area_m2, common_m2, common_share
from service.areas.present import GEOJSON_CRS
from service.errors import FieldProblem

# Grids that only touch within this many degrees (some 1 cm) are taken to touch.
SNAP_DEGREES = 1e-7
AREA = "area"
# Findings of the coverage check in the words of a change.
RENAMED = {
    FindingCode.GAP: ("not_covered", "有 {area} 平方米未被新图形覆盖", "{area} m2 stay uncovered"),
    FindingCode.OUTSIDE_VILLAGE: (
        "outside_area",
        "有 {area} 平方米超出原有范围",
        "{area} m2 lie outside the area to be covered",
    ),
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a change, which of its polygons, and where."""

    code: str
    zh: str
    en: str
    polygons: tuple[int, ...]
    geometry: Any | None = None


def polygon_of(wkb: bytes) -> Polygon:
    """A stored boundary."""
    found = shapely.from_wkb(wkb)
    assert isinstance(found, Polygon)
    return found


def ground_of(wkb: bytes) -> Polygon | MultiPolygon:
    """A division's boundary, which may have several parts."""
    return _areal(shapely.from_wkb(wkb))


def ground_together(polygons: Sequence[Polygon]) -> Polygon | MultiPolygon:
    """All that some polygons cover together."""
    return _areal(shapely.union_all(polygons))


def _areal(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    assert isinstance(geometry, Polygon | MultiPolygon)
    return geometry


def read_polygons(
    rings: Sequence[Sequence[Sequence[Sequence[float]]]],
    source: SourceCrs,
    pointers: Sequence[str],
) -> list[Polygon]:
    """GeoJSON polygon coordinates in `source` as polygons in EPSG:4490. Raises BadGeometry."""
    made = []
    for coordinates, pointer in zip(rings, pointers, strict=True):
        try:
            shell, *holes = ([position[:2] for position in ring] for ring in coordinates)
            made.append(Polygon(shell, holes))
        except (ValueError, shapely.errors.GEOSException) as bad:
            raise BadGeometry(
                reason_zh="环的顶点不足或坐标有误", reason_en=str(bad)[:200], pointer=pointer
            ) from None
    moved, outside = geometries_to_canonical(np.array(made, dtype=object), source)
    if outside.any():
        place = int(np.flatnonzero(outside)[0])
        raise BadGeometry(
            reason_zh="坐标不在国内，请核对坐标系和经纬度顺序",
            reason_en="coordinates outside the country; check the crs and the order of lon, lat",
            pointer=pointers[place],
        )
    return list(moved)


def check_cover(
    parts: Sequence[Polygon], whole: Polygon | MultiPolygon, kind: FeatureKind = FeatureKind.BASIC
) -> list[Flaw]:
    """What keeps `parts` from being single valid polygons that cover `whole` exactly.

    Kinds that overlay others (dedicated, temporary) only have to lie inside.
    """
    features = [coverage.Feature(i, AREA, kind, part) for i, part in enumerate(parts)]
    covers = kind is FeatureKind.BASIC
    return [
        _flaw(one)
        for one in coverage.check(features, {AREA: whole})
        if one.severity is Severity.ERROR and (covers or one.code is not FindingCode.GAP)
    ]


def check_inside(
    inner: Mapping[str, Polygon], outer: Polygon, place: int, code: str = "micro_outside_parent"
) -> Iterator[Flaw]:
    """The grids of `inner` that stick out of `outer`, the polygon at `place` of a change."""
    for name, polygon in inner.items():
        rest = shapely.difference(polygon, outer)
        area = area_m2(rest)
        if area > SLIVER_M2:
            yield Flaw(
                code,
                f"微网格 {name} 有 {area:,.1f} 平方米超出上级网格",
                f"micro-grid {name} lies outside its parent with {area:,.1f} m2",
                (place,),
                rest,
            )


def check_correction(old: Polygon, new: Polygon, place: int) -> Iterator[Flaw]:
    """A correction keeps at least half of the larger of the two; else it is another grid."""
    if common_share(old, new) < CORRECTION_SHARE:
        yield Flaw(
            "not_a_correction",
            "新旧图形重合不足一半，不是边界修正；请用拆分或合并",
            "less than half in common with the old boundary: split or merge instead",
            (place,),
            new,
        )


def check_disjoint(new: Sequence[Polygon], others: Mapping[str, Polygon]) -> Iterator[Flaw]:
    """Other grids of the same kind that the new polygons run into."""
    for place, polygon in enumerate(new):
        for code, other in others.items():
            if polygon.intersects(other) and (area := common_m2(polygon, other)) > SLIVER_M2:
                yield Flaw(
                    "overlap",
                    f"与网格 {code} 重叠 {area:,.1f} 平方米",
                    f"overlaps grid {code} by {area:,.1f} m2",
                    (place,),
                    shapely.intersection(polygon, other),
                )


def union(polygons: Sequence[Polygon]) -> Polygon:
    """The one polygon that adjoining polygons make, without slivers. Raises GeometryRefused."""
    joined = shapely.union_all(polygons)
    if not isinstance(joined, Polygon):
        # Borders that differ by rounding only: draw the others to the first one's vertices.
        snapped = [polygons[0]]
        for polygon in polygons[1:]:
            snapped.append(shapely.snap(polygon, shapely.union_all(snapped), SNAP_DEGREES))
        joined = shapely.union_all(snapped)
    if not isinstance(joined, Polygon):
        flaw = Flaw(
            "not_adjoining",
            "这些网格不相邻，合并后不是一个完整的多边形",
            "these grids do not adjoin: together they are not one polygon",
            tuple(range(len(polygons))),
            joined,
        )
        raise refuse([flaw], ["/codes"] * len(polygons))
    holes = [hole for hole in joined.interiors if area_m2(Polygon(hole)) > SLIVER_M2]
    return Polygon(joined.exterior, holes)


def refuse(flaws: Sequence[Flaw], pointers: Sequence[str]) -> GeometryRefused:
    """The failure with one field for each flaw, and the places as GeoJSON in `findings`."""
    fields = tuple(
        FieldProblem(pointers[place], flaw.code, flaw.zh, flaw.en)
        for flaw in flaws
        for place in (flaw.polygons or (0,))
    )
    features = [
        {
            "type": "Feature",
            "geometry": None if flaw.geometry is None else mapping(flaw.geometry),
            "properties": {"code": flaw.code, "message_zh": flaw.zh, "message_en": flaw.en},
        }
        for flaw in flaws
    ]
    collection = {"type": "FeatureCollection", "crs": GEOJSON_CRS, "features": features}
    return GeometryRefused(fields=fields, extra={"findings": collection})


def _flaw(one: coverage.Finding) -> Flaw:
    if one.code in RENAMED:
        code, zh, en = RENAMED[one.code]
        area = f"{one.area_m2 or 0:,.1f}"
        texts = (zh.format(area=area), en.format(area=area))
        return Flaw(code, *texts, one.feature_indexes, one.geometry)
    return Flaw(one.code.value, one.message_zh, one.message_en, one.feature_indexes, one.geometry)
