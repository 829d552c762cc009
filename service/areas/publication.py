"""What publishing a checked delineation does, worked out before anything is stored: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from geo.codes import CodeScheme
from service.areas.checks.types import Feature
from service.areas.rules import Wanted, assign_codes, default_name
from service.areas.store.changes import Descent, GridChanges, NewGrid, NewVersion
from service.areas.store.events import GridEvent
from service.kit.ids import uuid7

FIRST_VERSION = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all grids of one publication."""

    scheme: CodeScheme
    delineation_id: UUID
    approval_document: str | None
    synthetic: bool


def changes_grids(features: Sequence[Feature], retiring: Sequence[str]) -> bool:
    """Whether grids in force retire or change: that needs an approval document."""
    return bool(retiring) or any(feature.decision == "adjust" for feature in features)


def plan_publication(
    features: Sequence[Feature],
    retiring: Mapping[str, str],
    old: Mapping[str, Any],
    *,
    highest: Mapping[str, Mapping[str, int]],
    highest_micro: Mapping[str, int],
    terms: Terms,
) -> tuple[GridChanges, dict[int, str]]:
    """Everything to store, and the code of each feature by `ord`.

    `features` are rows of the checked delineation, `retiring` maps grids that end to their
    villages, `old` the grids that are kept to what they are now. Raises NoCodesLeft.
    """
    kept = {f.ord: f.matched_code for f in features if f.matched_code is not None}
    codes = kept | assign_codes(_wanted(features, kept), highest, highest_micro, terms.scheme)
    touched = {_known(f.village_code) for f in features if f.decision != "keep"}
    touched |= set(retiring.values())
    made = GridChanges(
        "delineate",
        terms.approval_document,
        None,
        {village: uuid7() for village in sorted(touched)},
        sorted(retiring),
    )
    for feature in features:
        code, village = codes[feature.ord], _known(feature.village_code)
        if feature.decision == "new":
            parent = None if feature.parent_ord is None else codes[feature.parent_ord]
            made.grids.append(NewGrid(code, village, feature.kind, parent))
        if feature.decision != "keep":
            made.versions.append(_version(feature, code, old.get(code), made, terms))
        made.lineage += [
            Descent(parent_code, code, made.changes[village], area)
            for parent_code, area in feature.takes_over.items()
        ]
    return made, codes


def _wanted(features: Sequence[Feature], kept: Mapping[int, str]) -> list[Wanted]:
    """The new grids, which need codes."""
    return [
        Wanted(
            f.ord,
            _known(f.village_code),
            f.kind,
            _known(f.number_order),
            f.parent_ord,
            None if f.parent_ord is None else kept.get(f.parent_ord),
        )
        for f in features
        if f.decision == "new"
    ]


def _version(
    feature: Feature,
    code: str,
    old: Any | None,
    made: GridChanges,
    terms: Terms,
) -> NewVersion:
    # What the file does not say stays as it was.
    name = feature.name or (old.name if old is not None else default_name(code, terms.scheme))
    households = feature.households
    if households is None and old is not None:
        households = old.households
    return NewVersion(
        id=uuid7(),
        code=code,
        version=FIRST_VERSION if old is None else old.version + 1,
        name=name,
        households=households,
        area_m2=_known(feature.area_m2),
        wkb=_known(feature.wkb),
        delineation_id=terms.delineation_id,
        change_id=made.changes[_known(feature.village_code)],
        synthetic=terms.synthetic,
    )


def _known(value: T | None) -> T:
    """What every feature without errors has."""
    assert value is not None
    return value


def events_of(made: GridChanges, action: str) -> list[GridEvent]:
    """One event for each grid that began, changed or ended."""
    begun = {grid.code for grid in made.grids}
    told: dict[str, Any] = {"operation": made.operation}
    if made.approval_document is not None:
        told["approval_document"] = made.approval_document
    events = [
        GridEvent(
            version.code,
            "grid.created" if version.code in begun else "grid.adjusted",
            action,
            None if version.code in begun else "current",
            "current",
            told | {"version": version.version, "change": str(version.change_id)},
        )
        for version in made.versions
    ]
    successors: dict[str, list[str]] = {}
    for step in made.lineage:
        successors.setdefault(step.parent_code, []).append(step.child_code)
    events += [
        GridEvent(code, "grid.retired", action, "current", "retired",
                  told | {"successors": sorted(successors.get(code, []))})
        for code in made.retired
    ]  # fmt: skip
    return events
