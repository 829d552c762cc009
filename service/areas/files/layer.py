"""What a file holds once it is read, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyproj import CRS
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class RawFeature:
    """One feature in file order (from 0): attributes, geometry in the file's own system.

    `geometry` is None for an empty one and for one that cannot be read (`problem`).
    """

    ord: int
    properties: dict[str, Any]
    geometry: BaseGeometry | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """The features of one layer and the reference system that the file declares, if it does."""

    features: list[RawFeature]
    crs: CRS | None
