"""Checks of a delineation: is it a valid coverage of its villages?

Validity is that of the project's rules: polygons valid and simple, inside their village, no
overlap between basic grids and no gap between them (more than 1 m2), micro-grids inside one basic
grid. Dedicated and temporary grids overlay basic ones and may overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from shapely import MultiPolygon, Polygon

from geo.coverage.findings import (
    Feature,
    FeatureKind,
    Finding,
    Value,
    finding,
)
from geo.coverage.overlay import gaps, micro_outside, outside, overlaps
from geo.coverage.shapes import SLIVER_M2, Shape, check_shapes, without_duplicates
from geo.coverage.texts import FindingCode, Severity
from geo.projection import PROJECTED_EPSG

__all__ = [
    "MAX_VERTICES",
    "SLIVER_M2",
    "Feature",
    "FeatureKind",
    "Finding",
    "FindingCode",
    "Severity",
    "check",
    "is_publishable",
]

MAX_VERTICES = 20_000
"""Vertices that one polygon may have unless a caller says otherwise."""

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def check(
    features: Sequence[Feature],
    villages: Mapping[str, Polygon | MultiPolygon],
    *,
    max_vertices: int = MAX_VERTICES,
    epsg: int = PROJECTED_EPSG,
) -> list[Finding]:
    """Everything there is to say about a delineation, errors first, in a fixed order.

    ``features`` and ``villages`` (valid polygons by 12-digit code, all those that the delineation
    shall cover) are EPSG:4490; areas are measured in ``epsg`` in square metres. A village with a
    basic grid that cannot be laid over others (empty, invalid …) is not searched for gaps, since
    the hole would only be that grid. Never raises because of a
    feature; raises ``OutsideProjection`` where ``epsg`` is no system for this country.
    """
    findings, shapes = check_shapes(features, max_vertices=max_vertices, epsg=epsg)
    findings += _unknown_villages(features, villages)
    basic_usable = {shape.index for shape in shapes if shape.kind is FeatureKind.BASIC}
    unsure = {
        feature.village_code
        for feature in features
        if feature.kind is FeatureKind.BASIC and feature.index not in basic_usable
    }
    judged = {code: border for code, border in villages.items() if code not in unsure}
    repeated, shapes = without_duplicates(shapes)
    basic = [shape for shape in shapes if shape.kind is FeatureKind.BASIC]
    micro = [shape for shape in shapes if shape.kind is FeatureKind.MICRO]
    grids = [shape for shape in shapes if shape.kind is not FeatureKind.MICRO]
    findings += repeated
    findings += outside(grids, villages, epsg)
    findings += overlaps(basic, epsg)
    findings += overlaps(micro, epsg)
    findings += gaps(basic, judged, epsg)
    findings += micro_outside(micro, basic, judged.keys(), epsg)
    findings += _statistics(shapes, villages)
    return sorted(findings, key=_order)


def is_publishable(findings: Iterable[Finding]) -> bool:
    """Whether there is no error among the findings."""
    return all(one.severity is not Severity.ERROR for one in findings)


def _unknown_villages(
    features: Sequence[Feature], villages: Mapping[str, Polygon | MultiPolygon]
) -> Iterator[Finding]:
    for feature in features:
        if feature.village_code not in villages:
            yield finding(
                FindingCode.UNKNOWN_VILLAGE, [feature.index], village=feature.village_code
            )


def _statistics(
    shapes: Sequence[Shape], villages: Mapping[str, Polygon | MultiPolygon]
) -> Iterator[Finding]:
    """Numbers, sizes and households of each village that has a basic grid."""
    by_village: dict[str, list[Shape]] = {code: [] for code in villages}
    for shape in shapes:
        by_village.get(shape.village, []).append(shape)
    for code, members in by_village.items():
        basic = [shape for shape in members if shape.kind is FeatureKind.BASIC]
        if basic:
            figures = _kinds(members) | _sizes(basic) | _households(basic)
            area = sum(shape.area_m2 for shape in basic)
            yield finding(
                FindingCode.VILLAGE_STATISTICS, village=code, area_m2=area, details=figures
            )


def _kinds(shapes: Sequence[Shape]) -> dict[str, Value]:
    kinds = [shape.kind for shape in shapes]
    return {kind.value: kinds.count(kind) for kind in FeatureKind}


def _sizes(basic: Sequence[Shape]) -> dict[str, Value]:
    areas = [shape.area_m2 for shape in basic]
    return {
        "smallest_m2": round(min(areas)),
        "median_m2": round(median(areas)),
        "largest_m2": round(max(areas)),
    }


def _households(basic: Sequence[Shape]) -> dict[str, Value]:
    stated = [shape.households for shape in basic if shape.households is not None]
    return {"households": sum(stated), "uncounted": len(basic) - len(stated)}


def _order(one: Finding) -> tuple[int, str, tuple[int, ...], str, bytes]:
    shape = one.geometry.wkb if one.geometry is not None else b""
    return _RANK[one.severity], one.code, one.feature_indexes, one.village_code or "", shape
