"""Examines one delineation: meaning of its fields, coverage, and what publishing would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo import coverage
from geo.codes import CodesExhausted, GridKind, next_codes
from geo.coverage import FindingCode
from service.areas.checks.matching import Matcher, number_new, usable_shapes
from service.areas.checks.parents import assign_parents
from service.areas.checks.types import Examined, Feature, FileJob, Finding, Surroundings
from service.areas.files.attributes import attributes_of, columns_of
from service.areas.files.declared_crs import geometries_to_canonical, resolve
from service.areas.files.layer import Layer
from service.areas.files.reading import read_layer
from service.areas.schemes import scheme_of

MAX_FINDINGS = 2_000
# Findings of the coverage check that only repeat what reading found of the same feature.
SAID = {
    FindingCode.UNKNOWN_VILLAGE: {
        "village_missing", "village_code_bad", "village_not_one", "village_outside_area",
    },
    FindingCode.EMPTY_GEOMETRY: {"geometry_unreadable", "outside_country"},
}  # fmt: skip


def examine_file(job: FileJob) -> Examined:
    """Read and check an uploaded file.

    Raises FileRefused of one kind or another, CrsUndeclared and CrsUnknown.
    """
    layer = read_layer(Path(job.path), job.layer, job.limits)
    source = resolve(job.crs, layer.crs)
    columns = columns_of(layer, job.around.area_code)
    raw = np.array([feature.geometry for feature in layer.features], dtype=object)
    geometries, outside = geometries_to_canonical(raw, source)
    features: list[Feature] = []
    findings: list[Finding] = []
    for row, geometry in zip(layer.features, geometries, strict=True):
        meaning = attributes_of(row, columns, job.around.area_code)
        feature = Feature(
            row.ord, meaning.village_code, meaning.kind, meaning.name, meaning.households,
            meaning.parent, meaning.grid_code, meaning.ref,
            None if geometry is None or outside[row.ord] else shapely.to_wkb(geometry),
        )  # fmt: skip
        features.append(feature)
        findings += [_on(feature, f.code, f.zh, f.en) for f in meaning.faults]
    findings += _unplaceable(layer, features, outside)
    return examine(features, job.around, source.label, findings)


def examine(
    features: list[Feature],
    around: Surroundings,
    source_crs: str,
    findings: Sequence[Finding] = (),
) -> Examined:
    """Check features (EPSG:4490) against what is there, and decide what publishing would do.

    What an earlier check decided is forgotten.
    """
    for feature in features:
        feature.decision = feature.matched_code = feature.number_order = None
        feature.takes_over = {}
    found = [*findings, *_scheme_findings(features, around)]
    found += _coverage(features, around, findings)
    shapes = usable_shapes(features)
    found += assign_parents(features, shapes)
    drawn = sorted({f.village_code for f in features if f.village_code})
    retiring: list[str] = []
    if all(one.severity != "error" for one in found):
        present = [grid for grid in around.grids if grid.village_code in set(drawn)]
        matcher = Matcher(features, shapes, present)
        found += matcher.decide(scheme_of(around.scheme))
        retiring = matcher.retire()
        number_new(features, shapes)
        found += _capacity(features, around)
    found += _not_drawn(drawn, around)
    if any(one.severity == "error" for one in found):
        for feature in features:
            feature.decision = feature.matched_code = feature.number_order = None
    found.sort(key=lambda one: ("error", "warning", "info").index(one.severity))
    report = _report(features, found, retiring)
    return Examined(source_crs, features, found[:MAX_FINDINGS], drawn, report)


def _coverage(
    features: Sequence[Feature], around: Surroundings, earlier: Sequence[Finding]
) -> Iterator[Finding]:
    drawn = {feature.village_code for feature in features}
    borders: dict[str, Polygon | MultiPolygon] = {}
    unknown_borders = set()
    for village in around.villages:
        if village.code in drawn:
            border = None if village.wkb is None else shapely.from_wkb(village.wkb)
            if isinstance(border, Polygon | MultiPolygon):
                borders[village.code] = border
            else:
                unknown_borders.add(village.code)
                yield _no_border(village.code)
    checked = [
        coverage.Feature(
            f.ord,
            f.village_code or "",
            coverage.FeatureKind(f.kind),
            None if f.wkb is None else shapely.from_wkb(f.wkb),
            f.name,
            f.households,
        )
        for f in features
    ]
    for one in coverage.check(checked, borders):
        # What reading has said already is not said twice.
        if one.code in SAID and (one.village_code in unknown_borders or _said(one, earlier)):
            continue
        yield Finding(
            one.code, one.severity, one.message_zh, one.message_en, one.feature_indexes,
            one.village_code or None, one.area_m2, _wkb(one.geometry),
        )  # fmt: skip


def _said(one: coverage.Finding, earlier: Sequence[Finding]) -> bool:
    codes = SAID[one.code]
    return any(e.features == one.feature_indexes and e.code in codes for e in earlier)


def _scheme_findings(features: Sequence[Feature], around: Surroundings) -> Iterator[Finding]:
    if scheme_of(around.scheme).micro_digits == 0:
        for feature in features:
            if feature.kind == "micro":
                yield _on(feature, "micro_not_in_scheme",
                          f"编码方案 {around.scheme} 没有微网格",
                          f"the code scheme {around.scheme} has no micro-grids")  # fmt: skip


def _unplaceable(
    layer: Layer, features: Sequence[Feature], outside: NDArray[np.bool_]
) -> Iterator[Finding]:
    for row, feature in zip(layer.features, features, strict=True):
        if row.problem is not None:
            yield _on(feature, "geometry_unreadable", "几何数据无法读取（环可能未闭合）",
                      "its geometry cannot be read (perhaps a ring is not closed)")  # fmt: skip
        elif outside[row.ord]:
            yield _on(feature, "outside_country",
                      "坐标不在国内，请核对坐标系和经纬度顺序",
                      "its coordinates are outside the country: check the crs and the order of "
                      "longitude and latitude")  # fmt: skip


def _capacity(features: Sequence[Feature], around: Surroundings) -> Iterator[Finding]:
    scheme = scheme_of(around.scheme)
    highest = {village.code: dict(village.highest) for village in around.villages}
    wanted = Counter(
        (f.village_code or "", f.kind)
        for f in features
        if f.decision == "new" and f.kind != "micro"
    )
    micro = Counter(f.parent_ord for f in features if f.decision == "new" and f.kind == "micro")
    for (village, kind), count in sorted(wanted.items()):
        try:
            codes = next_codes(village, GridKind(kind), highest[village], scheme, count=count)
        except CodesExhausted as full:
            yield _full(village, full)
            continue
        for code in codes:
            highest[village][code[12 : 12 + scheme.type_digits]] = int(
                code[12 + scheme.type_digits :]
            )
    for parent, count in micro.items():
        if count > scheme.highest_micro:
            yield _full(f"#{parent}", CodesExhausted(f"#{parent}", scheme.highest_micro))


def _full(where: str, full: CodesExhausted) -> Finding:
    village = where if where.isdigit() else None
    return Finding("codes_exhausted", "error", full.message_zh, full.message, (), village)


def _not_drawn(drawn: Sequence[str], around: Surroundings) -> Iterator[Finding]:
    missing = [village.code for village in around.villages if village.code not in set(drawn)]
    if missing:
        shown = "、".join(missing[:20]) + (" …" if len(missing) > 20 else "")
        yield Finding(
            "villages_not_drawn",
            "warning",
            f"区域 {around.area_code} 有 {len(missing)} 个村（社区）不在文件中，保持原样：{shown}",
            f"{len(missing)} villages of {around.area_code} are not in the file and stay as they "
            f"are: {shown}",
        )


def _no_border(village: str) -> Finding:
    return Finding(
        "village_boundary_missing",
        "error",
        f"村（社区）{village} 没有边界，无法检查覆盖",
        f"village {village} has no boundary, so its coverage cannot be checked",
        (),
        village,
    )


def _report(
    features: Sequence[Feature], findings: Sequence[Finding], retiring: Sequence[str]
) -> dict[str, object]:
    severities = Counter(one.severity for one in findings)
    decisions = Counter(feature.decision for feature in features if feature.decision)
    areas = [feature.area_m2 or 0.0 for feature in features if feature.kind == "basic"]
    return {
        "kinds": dict(Counter(feature.kind for feature in features)),
        "villages": len({f.village_code for f in features if f.village_code}),
        "households": sum(f.households or 0 for f in features if f.kind == "basic"),
        "area_m2": round(sum(areas), 1),
        "findings": {name: severities.get(name, 0) for name in ("error", "warning", "info")},
        "plan": {name: decisions.get(name, 0) for name in ("new", "keep", "adjust")}
        | {"retire": len(retiring)},
        "retiring": list(retiring),
    }


def _on(feature: Feature, code: str, zh: str, en: str) -> Finding:
    return Finding(
        code, "error", f"要素 {feature.ord}：{zh}", f"feature {feature.ord}: {en}",
        (feature.ord,), feature.village_code, wkb=feature.wkb,
    )  # fmt: skip


def _wkb(geometry: BaseGeometry | None) -> bytes | None:
    return None if geometry is None or geometry.is_empty else shapely.to_wkb(geometry)
