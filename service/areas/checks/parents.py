"""Which basic grid a micro-grid is in: the one that it names, else the one that holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import shapely
from shapely import Polygon

from geo.coverage import SLIVER_M2
from service.areas.checks.types import Feature, Finding
from service.areas.measure import area_m2


def assign_parents(features: Sequence[Feature], shapes: dict[int, Polygon]) -> Iterator[Finding]:
    """Set `parent_ord` of every micro-grid among `features`; findings for those without.

    One that has it keeps it. `parent` may be the `ref`, the `grid_code` or the name of a basic
    grid of the same village. `shapes` are the usable polygons by `ord`, EPSG:4490.
    """
    basic = [f for f in features if f.kind == "basic" and f.ord in shapes]
    by_village: dict[str | None, list[Feature]] = {}
    for feature in basic:
        by_village.setdefault(feature.village_code, []).append(feature)
    for feature in features:
        if feature.kind == "micro" and feature.ord in shapes:
            candidates = by_village.get(feature.village_code, [])
            yield from _assign(feature, candidates, shapes)


def _assign(
    micro: Feature, candidates: Sequence[Feature], shapes: dict[int, Polygon]
) -> Iterator[Finding]:
    polygon = shapes[micro.ord]
    if micro.parent is not None or micro.parent_ord is not None:
        named = [c for c in candidates if _is_named(c, micro)]
        if len(named) != 1:
            yield _unclear(micro, len(named))
            return
        outside = _area_outside(polygon, shapes[named[0].ord])
        if outside > SLIVER_M2:
            yield _sticks_out(micro, outside, polygon)
        micro.parent_ord = named[0].ord
        return
    near = [c for c in candidates if shapes[c.ord].intersects(polygon)]
    if near:
        micro.parent_ord = min(near, key=lambda c: _area_outside(polygon, shapes[c.ord])).ord
    # Without any basic grid near, the coverage check reports the micro-grid as outside.


def _is_named(candidate: Feature, micro: Feature) -> bool:
    if micro.parent_ord is not None:
        return candidate.ord == micro.parent_ord
    return micro.parent in (candidate.ref, candidate.grid_code, candidate.name)


def _area_outside(inner: Polygon, outer: Polygon) -> float:
    return 0.0 if outer.covers(inner) else area_m2(inner.difference(outer))


def _unclear(micro: Feature, found: int) -> Finding:
    return Finding(
        "parent_unclear",
        "error",
        f"微网格要素 {micro.ord} 的上级“{micro.parent}”在本村对应 {found} 个基础网格，应恰好 1 个",
        f"the parent {micro.parent!r} of micro-grid feature {micro.ord} names {found} basic grids "
        "of its village; it must name one",
        (micro.ord,),
        micro.village_code,
        wkb=micro.wkb,
    )


def _sticks_out(micro: Feature, area_m2: float, polygon: Polygon) -> Finding:
    return Finding(
        "micro_outside_parent",
        "error",
        f"微网格要素 {micro.ord} 有 {area_m2:,.1f} 平方米超出其上级网格“{micro.parent}”",
        f"micro-grid feature {micro.ord} lies outside its parent {micro.parent!r} with "
        f"{area_m2:,.1f} m2",
        (micro.ord,),
        micro.village_code,
        area_m2,
        shapely.to_wkb(polygon),
    )
