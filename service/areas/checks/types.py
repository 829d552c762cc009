"""What goes into an examination and what comes out; it crosses a process border as MessagePack."""

from __future__ import annotations

from typing import Any

import msgspec

from service.areas.files.limits import LIMITS, Limits


class Village(msgspec.Struct, frozen=True):
    """A village of the area with its boundary (WKB, EPSG:4490), None when nobody drew it."""

    code: str
    wkb: bytes | None
    highest: dict[str, int] = {}
    """Type digit to the highest grid number ever used in it."""


class PresentGrid(msgspec.Struct, frozen=True):
    """A grid in force in one of the villages, EPSG:4490."""

    code: str
    village_code: str
    kind: str
    parent_code: str | None
    name: str
    households: int | None
    wkb: bytes


class Feature(msgspec.Struct):
    """One polygon of a delineation: as handed in, and what publishing makes of it."""

    ord: int
    village_code: str | None
    kind: str
    name: str
    households: int | None
    parent: str | None
    grid_code: str | None
    ref: str | None
    wkb: bytes | None
    parent_ord: int | None = None
    area_m2: float | None = None
    decision: str | None = None
    matched_code: str | None = None
    number_order: int | None = None
    takes_over: dict[str, float] = {}


class Finding(msgspec.Struct, frozen=True):
    """What a check found and where (WKB, EPSG:4490); severity error, warning or info."""

    code: str
    severity: str
    zh: str
    en: str
    features: tuple[int, ...] = ()
    village_code: str | None = None
    area_m2: float | None = None
    wkb: bytes | None = None


class Surroundings(msgspec.Struct, frozen=True):
    """What a delineation of an area meets there."""

    area_code: str
    scheme: str
    villages: list[Village]
    grids: list[PresentGrid]


class FileJob(msgspec.Struct, frozen=True):
    """An uploaded file to read and check; `crs` and `layer` are the form's words."""

    path: str
    crs: str | None
    layer: str | None
    around: Surroundings
    limits: Limits = LIMITS


class Examined(msgspec.Struct):
    """The outcome: features in file order, findings (errors first), what publishing would do."""

    source_crs: str
    features: list[Feature]
    findings: list[Finding]
    village_codes: list[str]
    report: dict[str, Any]

    @property
    def publishable(self) -> bool:
        """Whether no finding is an error."""
        return all(one.severity != "error" for one in self.findings)


class Failed(msgspec.Struct, frozen=True):
    """The file is refused as a whole: code and parameters of the failure."""

    code: str
    params: dict[str, Any]
    pointer: str | None


class Outcome(msgspec.Struct, frozen=True):
    """What the examining process says: exactly one of both."""

    examined: Examined | None = None
    failed: Failed | None = None
