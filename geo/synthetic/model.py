"""What the generator draws: one county with townships, villages and grids, all synthetic."""

from __future__ import annotations

from dataclasses import dataclass

from shapely import Polygon

from geo.codes import GridKind


@dataclass(frozen=True, slots=True)
class SyntheticArea:
    """A real division (code and name) with an invented polygon in EPSG:4490."""

    code: str
    name: str
    geometry: Polygon


@dataclass(frozen=True, slots=True)
class SyntheticGrid:
    """A basic or dedicated grid of one village, EPSG:4490.

    Grids of a village come in the order of their first numbering (``geo.numbering``), and the
    names of basic grids count in that order. A dedicated grid overlays a basic one and has no
    households of its own.
    """

    village_code: str
    kind: GridKind
    name: str
    households: int
    geometry: Polygon


@dataclass(frozen=True, slots=True)
class SyntheticMicroGrid:
    """A part of the basic grid ``grid_name`` of a village, EPSG:4490.

    The micro-grids of one grid subdivide it without a rest, its households included.
    """

    village_code: str
    grid_name: str
    name: str
    households: int
    geometry: Polygon


@dataclass(frozen=True, slots=True)
class SyntheticCounty:
    """All levels; each is an exact coverage of the one above (shared edges, same vertices).

    Areas by code, grids by village and number.
    """

    county: SyntheticArea
    townships: tuple[SyntheticArea, ...]
    villages: tuple[SyntheticArea, ...]
    grids: tuple[SyntheticGrid, ...]
    dedicated: tuple[SyntheticGrid, ...]
    micro_grids: tuple[SyntheticMicroGrid, ...]
