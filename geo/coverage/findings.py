"""What goes into a check of a delineation, and what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from geo.coverage.texts import TEXTS, FindingCode, Severity

Value = str | int | float | None

_MOST_LISTED = 10


class FeatureKind(StrEnum):
    """What an uploaded polygon shall become; the first three are those of ``GridKind``."""

    BASIC = "basic"
    DEDICATED = "dedicated"
    TEMPORARY = "temporary"
    MICRO = "micro"


@dataclass(frozen=True, slots=True)
class Feature:
    """One polygon of a delineation as it was handed in, EPSG:4490 (lon, lat).

    ``index`` is its place in the file and comes back in the findings; ``households`` is None
    where nobody counted them.
    """

    index: int
    village_code: str
    kind: FeatureKind
    geometry: BaseGeometry | None
    name: str = ""
    households: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check, with the place on the map that it is about (EPSG:4490), if any.

    ``area_m2`` is measured in EPSG:4545; ``details`` holds further figures by name.
    """

    code: FindingCode
    severity: Severity
    message_zh: str
    message_en: str
    feature_indexes: tuple[int, ...] = ()
    village_code: str | None = None
    area_m2: float | None = None
    geometry: BaseGeometry | None = None
    details: Mapping[str, Value] = field(default_factory=dict)


def finding(
    code: FindingCode,
    features: Iterable[int] = (),
    *,
    village: str | None = None,
    area_m2: float | None = None,
    geometry: BaseGeometry | None = None,
    details: Mapping[str, Value] | None = None,
) -> Finding:
    """The finding with its severity and texts; ``details`` fill the texts."""
    severity, zh, en = TEXTS[code]
    indexes = tuple(sorted(features))
    figures = dict(details or {})
    values = figures | {
        "features": _listed(indexes),
        "village": village,
        "area": "?" if area_m2 is None else f"{area_m2:,.1f}",
    }
    return Finding(
        code=code,
        severity=severity,
        message_zh=zh.format_map(values),
        message_en=en.format_map(values),
        feature_indexes=indexes,
        village_code=village,
        area_m2=area_m2,
        geometry=geometry,
        details=figures,
    )


def _listed(indexes: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, indexes[:_MOST_LISTED]))
    return shown if len(indexes) <= _MOST_LISTED else f"{shown} … ({len(indexes)})"
