"""Everything that a check can say: how grave it is, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Severity(StrEnum):
    """An error stops publication; a warning asks for a look; an info only reports."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingCode(StrEnum):
    """Everything that a check can find; the values are stable."""

    EMPTY_GEOMETRY = "empty_geometry"
    WRONG_GEOMETRY_TYPE = "wrong_geometry_type"
    TOO_MANY_VERTICES = "too_many_vertices"
    INVALID_GEOMETRY = "invalid_geometry"
    MULTIPART = "multipart"
    HAS_HOLES = "has_holes"
    TOO_SMALL = "too_small"
    UNKNOWN_VILLAGE = "unknown_village"
    DUPLICATE_GEOMETRY = "duplicate_geometry"
    OUTSIDE_VILLAGE = "outside_village"
    OVERLAP = "overlap"
    TOO_MANY_OVERLAPS = "too_many_overlaps"
    GAP = "gap"
    MICRO_OUTSIDE_GRID = "micro_outside_grid"
    VILLAGE_STATISTICS = "village_statistics"


class Text(NamedTuple):
    """A finding in words; ``{features}``, ``{village}`` and ``{area}`` are always known."""

    severity: Severity
    zh: str
    en: str


def _error(zh: str, en: str) -> Text:
    return Text(Severity.ERROR, zh, en)


TEXTS: Mapping[FindingCode, Text] = MappingProxyType(
    {
        FindingCode.EMPTY_GEOMETRY: _error(
            "要素 {features} 没有几何图形", "feature {features} has no geometry"
        ),
        FindingCode.WRONG_GEOMETRY_TYPE: _error(
            "要素 {features} 的几何类型是 {found}，应为面（Polygon）",
            "feature {features} is a {found}, a Polygon is expected",
        ),
        FindingCode.TOO_MANY_VERTICES: _error(
            "要素 {features} 有 {vertices} 个顶点，最多允许 {limit} 个",
            "feature {features} has {vertices} vertices, at most {limit} are allowed",
        ),
        FindingCode.INVALID_GEOMETRY: _error(
            "要素 {features} 的多边形无效：{reason_zh}",
            "feature {features} is not a valid polygon: {reason}",
        ),
        FindingCode.MULTIPART: _error(
            "要素 {features} 由 {parts} 个分离的部分组成，一个网格只能是一个多边形",
            "feature {features} has {parts} separate parts, a grid is one polygon",
        ),
        FindingCode.HAS_HOLES: Text(
            Severity.WARNING,
            "要素 {features} 有 {holes} 个内洞，请核对",
            "feature {features} has {holes} holes, please check",
        ),
        FindingCode.TOO_SMALL: _error(
            "要素 {features} 的面积只有 {area} 平方米",
            "feature {features} has an area of {area} m2 only",
        ),
        FindingCode.UNKNOWN_VILLAGE: _error(
            "要素 {features} 所属的村（社区）{village} 不在本次划定范围内",
            "feature {features} names village {village}, which this delineation does not cover",
        ),
        FindingCode.DUPLICATE_GEOMETRY: _error(
            "要素 {features} 的图形重复", "features {features} have the same geometry"
        ),
        FindingCode.OUTSIDE_VILLAGE: _error(
            "要素 {features} 有 {area} 平方米超出所属的村（社区）{village}",
            "feature {features} lies outside its village {village} with {area} m2",
        ),
        FindingCode.OVERLAP: _error(
            "要素 {features} 重叠 {area} 平方米", "features {features} overlap by {area} m2"
        ),
        FindingCode.TOO_MANY_OVERLAPS: _error(
            "重叠或相邻的要素太多，其余重叠未再检查",
            "too many features overlap or meet; further overlaps were not looked for",
        ),
        FindingCode.GAP: _error(
            "村（社区）{village} 有 {area} 平方米未被基础网格覆盖",
            "village {village} has {area} m2 that no basic grid covers",
        ),
        FindingCode.MICRO_OUTSIDE_GRID: _error(
            "微网格要素 {features} 有 {area} 平方米超出所在的基础网格",
            "{area} m2 of micro-grid feature {features} lie outside one basic grid of its village",
        ),
        FindingCode.VILLAGE_STATISTICS: Text(
            severity=Severity.INFO,
            zh="村（社区）{village}：基础网格 {basic} 个，专属 {dedicated} 个，"
            "临时 {temporary} 个，微网格 {micro} 个；基础网格最小 {smallest_m2}、中位 {median_m2}、"
            "最大 {largest_m2} 平方米；共 {households} 户，{uncounted} 个基础网格未填户数",
            en="village {village}: {basic} basic, {dedicated} dedicated, {temporary} temporary"
            " grids, {micro} micro-grids; basic grids from {smallest_m2} to {largest_m2} m2,"
            " median {median_m2} m2; {households} households, not stated for {uncounted} basic"
            " grids",
        ),
    }
)
