"""Rows as the answers that cross the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from geo.codes import display
from service.kit import clock

GEOJSON_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}


def raw(text: str | None) -> msgspec.Raw | None:
    """JSON text that goes into the answer as it is."""
    return None if text is None else msgspec.Raw(text.encode())


def change_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The change that made a version, None for what was loaded without one."""
    if row["change_id"] is None:
        return None
    return {
        "id": row["change_id"],
        "operation": row["operation"],
        "approval_document": row["approval_document"],
        "note": row["note"],
        "made_at": row["made_at"],
    }


def provenance_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The delineation that a boundary comes from."""
    if row["delineation_id"] is None:
        return None
    return {
        "delineation_id": row["delineation_id"],
        "base_map": row["base_map"],
        "scale": row["scale"],
        "surveyed_on": row["surveyed_on"].isoformat(),
        "map_review_number": row["map_review_number"],
        "approval_document": row["delineation_approval"],
        "source_crs": row["source_crs"],
        "published_at": row["published_at"],
    }


def grid_row(row: Mapping[str, Any], as_of: datetime | None) -> dict[str, Any]:
    """A grid in a list, as it was at `as_of` (now by default)."""
    return {
        "code": row["code"],
        "display": display(row["code"]),
        "kind": row["kind"],
        "status": status_of(row["retired_at"], as_of),
        "name": row["name"],
        "village_code": row["village_code"],
        "parent_code": row["parent_code"],
        "households": row["households"],
        "area_m2": row["area_m2"],
        "version": row["version"],
        "valid_from": row["valid_from"],
        "retired_at": row["retired_at"],
        "synthetic": row["synthetic"],
        "geometry": raw(row["geometry"]),
    }


def status_of(retired_at: datetime | None, as_of: datetime | None = None) -> str:
    """`current` or `retired` at `as_of` (now by default)."""
    ended = retired_at is not None and retired_at <= (as_of or clock.now())
    return "retired" if ended else "current"


def delineation(row: Mapping[str, Any]) -> dict[str, Any]:
    """A delineation; `row` is of the table, `report` as JSON text or as an object."""
    shown = {name: row[name] for name in (
        "id", "area_code", "scheme", "status", "base_map", "scale", "surveyed_on",
        "map_review_number", "approval_document", "source_crs", "filename", "file_sha256",
        "synthetic", "feature_count", "village_codes", "report", "submitted_by", "submitted_at",
        "published_by", "published_at",
    )}  # fmt: skip
    if isinstance(shown["report"], str):
        shown["report"] = raw(shown["report"])
    return {**shown, "findings_href": f"/v1/delineations/{row['id']}/findings"}
