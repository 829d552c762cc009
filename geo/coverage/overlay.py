"""Checks of polygons against each other and against their villages.

Shapes are laid over each other in EPSG:4490, as they are stored, so that borders with equal
vertices stay equal; only what is left over is measured, in the projected system.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import Finding, finding
from geo.coverage.shapes import SLIVER_M2, Shape, common_village, duplicates, left_over_m2
from geo.coverage.texts import FindingCode

Villages = Mapping[str, Polygon | MultiPolygon]

# Neighbouring grids meet, about three pairs for each grid. Far beyond that something is badly
# wrong, and looking at every pair would take time that grows with the square of the number.
_PAIRS_EACH, _PAIRS_AT_LEAST = 20, 10_000
_MOST_OVERLAPS = 2_000
_SHAPES_AT_ONCE, _PAIRS_AT_ONCE = 64, 500

Places = NDArray[np.intp]


def overlaps(shapes: Sequence[Shape], epsg: int) -> Iterator[Finding]:
    """Pairs of shapes that share more than a sliver; nearly equal shapes are duplicates.

    Stops with a finding that says so after so many pairs that a list of them helps nobody.
    """
    polygons = _polygons(shapes)
    pairs_left = max(_PAIRS_AT_LEAST, _PAIRS_EACH * len(polygons))
    overlaps_left = _MOST_OVERLAPS
    for first, second in _meeting(polygons):
        found = list(_shared(shapes, first, second, epsg))
        yield from found[:overlaps_left]
        pairs_left -= len(first)
        overlaps_left -= len(found)
        if pairs_left < 0 or overlaps_left < 0:
            yield finding(FindingCode.TOO_MANY_OVERLAPS)
            return


def _shared(shapes: Sequence[Shape], first: Places, second: Places, epsg: int) -> Iterator[Finding]:
    polygons = _polygons(shapes)
    common = _polygonal(shapely.intersection(polygons[first], polygons[second]))
    areas = left_over_m2(common, epsg)
    for left, right, piece, area in zip(
        first.tolist(), second.tolist(), common, areas.tolist(), strict=True
    ):
        pair = (shapes[left], shapes[right])
        if area <= SLIVER_M2:
            continue
        if all(abs(shape.area_m2 - area) <= SLIVER_M2 for shape in pair):
            yield duplicates(pair)
        else:
            numbers = [shape.index for shape in pair]
            yield _placed(FindingCode.OVERLAP, numbers, common_village(pair), piece, area)


def outside(shapes: Sequence[Shape], villages: Villages, epsg: int) -> Iterator[Finding]:
    """The parts of shapes that lie outside their village."""
    known = [shape for shape in shapes if shape.village in villages]
    borders = _array([villages[shape.village] for shape in known])
    polygons = _polygons(known)
    shapely.prepare(borders)
    far = np.flatnonzero(~shapely.covers(borders, polygons))
    pieces = _polygonal(shapely.difference(polygons[far], borders[far]))
    for place, piece, area in zip(far.tolist(), pieces, left_over_m2(pieces, epsg), strict=True):
        if area > SLIVER_M2:
            shape = known[place]
            yield _placed(FindingCode.OUTSIDE_VILLAGE, [shape.index], shape.village, piece, area)


def gaps(basic: Sequence[Shape], villages: Villages, epsg: int) -> Iterator[Finding]:
    """What the basic grids leave uncovered in each of the villages, hole by hole."""
    by_village: dict[str, list[Polygon | MultiPolygon]] = {code: [] for code in villages}
    for shape in basic:
        if shape.village in by_village:
            by_village[shape.village].append(shape.polygon)
    for code, polygons in by_village.items():
        left = shapely.difference(villages[code], shapely.union_all(polygons))
        holes = shapely.get_parts(_polygonal([left])[0])
        for hole, area in zip(holes, left_over_m2(holes, epsg), strict=True):
            if area > SLIVER_M2:
                yield _placed(FindingCode.GAP, [], code, hole, area)


def micro_outside(
    micro: Sequence[Shape], basic: Sequence[Shape], judged: Collection[str], epsg: int
) -> Iterator[Finding]:
    """Micro-grids of the villages ``judged`` that do not lie in one basic grid of theirs.

    What a finding shows is the part outside the grid that holds the most of it.
    """
    known = [shape for shape in micro if shape.village in judged]
    tree = shapely.STRtree(_polygons(basic))
    pairs = tree.query(_polygons(known), predicate="intersects").T.tolist()
    hosts: dict[int, list[Polygon | MultiPolygon]] = {}
    for place, host in pairs:
        if known[place].village == basic[host].village:
            hosts.setdefault(place, []).append(basic[host].polygon)
    for place, shape in enumerate(known):
        near = hosts.get(place, [Polygon()])
        if any(host.covers(shape.polygon) for host in near):
            continue
        pieces = _polygonal(shapely.difference(shape.polygon, _array(near)))
        areas = left_over_m2(pieces, epsg)
        least = int(np.argmin(areas))
        if areas[least] > SLIVER_M2:
            yield _placed(
                FindingCode.MICRO_OUTSIDE_GRID,
                [shape.index],
                shape.village,
                pieces[least],
                areas[least],
            )


def _meeting(polygons: NDArray[np.object_]) -> Iterator[tuple[Places, Places]]:
    """Places of the first and the second of two polygons with a common point, each pair once."""
    tree = shapely.STRtree(polygons)
    for start in range(0, len(polygons), _SHAPES_AT_ONCE):
        few = polygons[start : start + _SHAPES_AT_ONCE]
        first, second = tree.query(few, predicate="intersects")
        first = first + start
        once = np.flatnonzero(first < second)
        for batch in range(0, len(once), _PAIRS_AT_ONCE):
            some = once[batch : batch + _PAIRS_AT_ONCE]
            yield first[some], second[some]


def _polygonal(geometries: Sequence[BaseGeometry] | NDArray[np.object_]) -> list[BaseGeometry]:
    """Each geometry without its points and lines: a polygon, several, or an empty one."""
    areal: list[BaseGeometry] = []
    for geometry in geometries:
        parts = [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon)]
        areal.append(parts[0] if len(parts) == 1 else MultiPolygon(parts))
    return areal


def _placed(
    code: FindingCode,
    features: Sequence[int],
    village: str | None,
    piece: BaseGeometry,
    area: float,
) -> Finding:
    return finding(code, features, village=village, area_m2=float(area), geometry=piece)


def _polygons(shapes: Sequence[Shape]) -> NDArray[np.object_]:
    return _array([shape.polygon for shape in shapes])


def _array(geometries: Sequence[BaseGeometry]) -> NDArray[np.object_]:
    return np.array(geometries, dtype=object)
