"""What becomes of the grids in force when a village is drawn again.

The rule (the project's own): a polygon that equals a grid in force of its kind and village, up to
1 m2, is that grid and keeps its code. A polygon that names a grid in force by `grid_code`
corrects its boundary: it keeps the code and makes a new version, if at least half of the larger of
the two polygons is common to both. Every other polygon is a new grid. A grid in force that nobody
kept retires; its successors are the grids of its kind that now lie on its ground, or the basic ones
where there are none. A micro-grid's code begins with its parent's, so it is kept only where its
parent is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from shapely import Polygon

from geo.codes import CodeError, CodeScheme, parse
from geo.coverage import SLIVER_M2
from geo.numbering import number_grids
from service.areas.checks.types import Feature, Finding, PresentGrid
from service.areas.measure import area_m2, common_m2, common_share, same_ground

CORRECTION_SHARE = 0.5
KIND_ORDER = ("basic", "dedicated", "temporary", "micro")


class Matcher:
    """Decides for each polygon of one delineation; the answers are written into the features."""

    def __init__(
        self, features: Sequence[Feature], shapes: dict[int, Polygon], grids: Sequence[PresentGrid]
    ) -> None:
        self._features = [feature for feature in features if feature.ord in shapes]
        self._by_ord = {f.ord: f for f in features}
        self._new = shapes
        self._grids = {grid.code: grid for grid in grids}
        self._old = {grid.code: _polygon(grid.wkb) for grid in grids}
        self._codes: list[str] = list(self._grids)
        self._tree = shapely.STRtree(list(self._old.values()))
        self._taken: set[str] = set()

    def decide(self, scheme: CodeScheme) -> Iterator[Finding]:
        """Set decision, matched code and area of every feature; findings of what cannot be."""
        for kind in KIND_ORDER:
            alike = [feature for feature in self._features if feature.kind == kind]
            for feature in alike:
                feature.area_m2 = area_m2(self._new[feature.ord])
                if feature.grid_code is not None:
                    yield from self._named(feature, scheme)
            for feature in alike:
                if feature.grid_code is None:
                    self._settle(feature, self._equal(feature))

    def retire(self) -> list[str]:
        """The grids in force that no feature keeps, in order of their codes.

        Notes in each feature's `takes_over` what it takes over of them, in square metres.
        """
        retiring = sorted(set(self._codes) - self._taken)
        tree = shapely.STRtree([self._new[feature.ord] for feature in self._features])
        for code in retiring:
            old, polygon = self._grids[code], self._old[code]
            near = [
                self._features[place]
                for place in tree.query(polygon, predicate="intersects").tolist()
                if self._features[place].village_code == old.village_code
            ]
            alike = [feature for feature in near if feature.kind == old.kind]
            if not self._hand_over(code, polygon, alike):
                self._hand_over(code, polygon, [f for f in near if f.kind == "basic"])
        return retiring

    def _hand_over(self, code: str, polygon: Polygon, heirs: Sequence[Feature]) -> bool:
        found = False
        for heir in heirs:
            area = common_m2(polygon, self._new[heir.ord])
            if area > SLIVER_M2:
                heir.takes_over = {**heir.takes_over, code: round(area, 1)}
                found = True
        return found

    def _named(self, feature: Feature, scheme: CodeScheme) -> Iterator[Finding]:
        given = feature.grid_code or ""
        try:
            code = parse(given, scheme).code
        except CodeError as bad:
            yield _about(feature, "grid_code_bad", f"网格编码“{given[:30]}”：{bad.message_zh}",
                         f"grid code {given[:30]!r}: {bad.message}")  # fmt: skip
            return
        old = self._grids.get(code)
        if old is None or (old.village_code, old.kind) != (feature.village_code, feature.kind):
            yield _about(feature, "grid_code_unknown",
                         f"本村没有编码为 {code} 的同类现行网格",
                         f"its village has no grid in force of this kind with code {code}",
            )  # fmt: skip
        elif code in self._taken:
            yield _about(feature, "grid_code_twice", f"网格编码 {code} 重复使用",
                         f"the grid code {code} is used twice")  # fmt: skip
        elif common_share(self._new[feature.ord], self._old[code]) < CORRECTION_SHARE:
            yield _about(feature, "grid_code_moved",
                         f"与现行网格 {code} 重合不足一半，不是边界修正；请去掉编码作为新网格提交",
                         f"less than half in common with grid {code}: that is no correction; "
                         "leave the code out to make a new grid")  # fmt: skip
        elif not self._parent_kept(feature, old):
            yield _about(feature, "parent_not_kept",
                         f"微网格 {code} 的上级网格未保留编码，微网格不能沿用原编码",
                         f"the parent of micro-grid {code} does not keep its code")  # fmt: skip
        else:
            self._settle(feature, code)

    def _equal(self, feature: Feature) -> str | None:
        """The grid in force that this polygon is, if there is one."""
        polygon = self._new[feature.ord]
        for code, other in self._meeting(feature):
            free = code not in self._taken and self._parent_kept(feature, self._grids[code])
            if free and same_ground(polygon, other):
                return code
        return None

    def _meeting(self, feature: Feature) -> Iterator[tuple[str, Polygon]]:
        """The grids in force of the same village and kind that have a point in common with it."""
        polygon = self._new[feature.ord]
        for place in self._tree.query(polygon, predicate="intersects").tolist():
            code = self._codes[place]
            old = self._grids[code]
            if (old.village_code, old.kind) == (feature.village_code, feature.kind):
                yield code, self._old[code]

    def _settle(self, feature: Feature, code: str | None) -> None:
        if code is None:
            feature.decision = "new"
            return
        self._taken.add(code)
        old = self._grids[code]
        # What the file does not say stays as it was.
        renamed = feature.name not in ("", old.name)
        recounted = feature.households not in (None, old.households)
        equal = same_ground(self._new[feature.ord], self._old[code])
        same = equal and not renamed and not recounted
        feature.decision = "keep" if same else "adjust"
        feature.matched_code = code

    def _parent_kept(self, feature: Feature, old: PresentGrid) -> bool:
        if feature.kind != "micro":
            return True
        parent = self._by_ord.get(-1 if feature.parent_ord is None else feature.parent_ord)
        return parent is not None and parent.matched_code == old.parent_code


def number_new(features: Sequence[Feature], shapes: dict[int, Polygon]) -> None:
    """Set `number_order` of the new grids: their places, from 0, inside village and kind.

    Micro-grids are counted inside their parent. See `geo.numbering`.
    """
    groups: dict[tuple[str | None, str, int | None], list[tuple[int, Polygon]]] = {}
    by_ord = {f.ord: f for f in features}
    for feature in features:
        if feature.decision == "new":
            key = (feature.village_code, feature.kind, feature.parent_ord)
            groups.setdefault(key, []).append((feature.ord, shapes[feature.ord]))
    for members in groups.values():
        for place, ord_ in enumerate(number_grids(members)):
            by_ord[ord_].number_order = place


def _about(feature: Feature, code: str, zh: str, en: str) -> Finding:
    return Finding(
        code,
        "error",
        f"要素 {feature.ord}：{zh}",
        f"feature {feature.ord}: {en}",
        (feature.ord,),
        feature.village_code,
        wkb=feature.wkb,
    )


def usable_shapes(features: Sequence[Feature]) -> dict[int, Polygon]:
    """The polygons (EPSG:4490) by `ord` of the features that are single valid polygons.

    A multipolygon of one part becomes that polygon, in the feature too.
    """
    geometries = shapely.from_wkb(np.array([f.wkb for f in features], dtype=object))
    shapes: dict[int, Polygon] = {}
    for feature, geometry in zip(features, geometries, strict=True):
        parts = [] if geometry is None else shapely.get_parts(geometry).tolist()
        one = parts[0] if len(parts) == 1 else None
        if isinstance(one, Polygon) and not one.is_empty and one.is_valid:
            shapes[feature.ord] = one
            feature.wkb = shapely.to_wkb(one)
    return shapes


def _polygon(wkb: bytes) -> Polygon:
    found = shapely.from_wkb(wkb)
    assert isinstance(found, Polygon)
    return found
