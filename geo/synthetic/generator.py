"""The deterministic generator of a whole county inside its real outline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import shapely
from shapely import Polygon

from geo.codes import GridKind
from geo.data import Division, divisions, outline
from geo.divisions import Level
from geo.numbering import number_grids
from geo.synthetic.borders import bend_all, ring_of
from geo.synthetic.cells import Cells, Segment, draw_cells
from geo.synthetic.model import (
    SyntheticArea,
    SyntheticCounty,
    SyntheticGrid,
    SyntheticMicroGrid,
)
from geo.synthetic.places import PARTS, SITES, is_whole, parts_of, roundness, site_in
from geo.synthetic.plane import Point, Vertex, to_degrees, to_units
from geo.synthetic.regions import area_shares, is_community, townships_of, villages_of
from geo.synthetic.sites import grid_sites, town_centres

SEED = 511723

_DEDICATED = 40
_DIVIDED = 20
_FEWEST_CORNERS = 5
_LEAST_ROUNDNESS = 0.033
_HOUSEHOLDS = {True: (180, 400), False: (80, 240)}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The linework, and for each cell its polygon, village and households."""

    cells: Cells
    bent: Mapping[Segment, Sequence[Vertex]]
    polygons: Mapping[int, Polygon]
    villages: Mapping[int, Division]
    households: Mapping[int, int]


def generate(seed: int = SEED) -> SyntheticCounty:
    """A synthetic county 511723: the real outline, codes, names and numbers, invented polygons.

    All polygons are EPSG:4490 (lon, lat) with coordinates of at most seven decimals, single and
    without holes. Each level is an exact coverage of the one above it. The same seed gives the
    same county on every machine. Raises ``ValueError`` for a seed that leaves an area in pieces.
    """
    rng = Random(seed)  # noqa: S311  drawn to be repeated, not to be secret
    drawing = _draw(seed, rng)
    members: dict[str, list[int]] = defaultdict(list)
    for cell, village in drawing.villages.items():
        members[village.code].append(cell)
    grids: dict[int, SyntheticGrid] = {}
    for code in sorted(members):
        grids |= _grids(drawing, code, members[code])
    dedicated, divided = _special_cells(drawing, rng)
    real = divisions()
    villages = [
        _dissolve(one, [grids[cell].geometry for cell in members[one.code]])
        for one in real
        if one.level is Level.VILLAGE
    ]
    townships = [_join(one, villages) for one in real if one.level is Level.TOWNSHIP]
    return SyntheticCounty(
        county=_join(real[0], townships),
        townships=tuple(townships),
        villages=tuple(villages),
        grids=tuple(grids.values()),
        dedicated=tuple(_dedicated(drawing, cell, nth, rng) for nth, cell in enumerate(dedicated)),
        micro_grids=tuple(
            part for cell in divided for part in _micro_grids(drawing, cell, grids[cell])
        ),
    )


def _draw(seed: int, rng: Random) -> _Drawing:
    border = to_units(outline())
    real = divisions()
    villages = [
        [one for one in real if one.level is Level.VILLAGE and one.code.startswith(township.code)]
        for township in real
        if township.level is Level.TOWNSHIP
    ]
    centres = town_centres(border, area_shares(villages), rng)
    cells = draw_cells(border, grid_sites(border, centres, rng))
    bent = bend_all(cells.sites, border, seed)
    owners = _owners(cells, centres, villages, rng)
    return _Drawing(
        cells=cells,
        bent=bent,
        polygons={cell: to_degrees(ring_of(ring, bent)) for cell, ring in cells.rings.items()},
        villages=owners,
        households={
            cell: rng.randint(*_HOUSEHOLDS[is_community(owners[cell])]) for cell in cells.rings
        },
    )


def _owners(
    cells: Cells, centres: Sequence[Point], villages: Sequence[Sequence[Division]], rng: Random
) -> dict[int, Division]:
    townships = townships_of(cells, centres, villages)
    owners: dict[int, Division] = {}
    for township, centre in enumerate(centres):
        members = [cell for cell in cells.rings if townships[cell] == township]
        owners |= villages_of(cells, members, centre, villages[township], rng)
    return owners


def _grids(drawing: _Drawing, village: str, members: Sequence[int]) -> dict[int, SyntheticGrid]:
    """The basic grids of a village by cell, in the order of their first numbering."""
    ordered = number_grids([(cell, drawing.polygons[cell]) for cell in members])
    return {
        cell: SyntheticGrid(
            village_code=village,
            kind=GridKind.BASIC,
            name=f"第{number:02}网格",
            households=drawing.households[cell],
            geometry=drawing.polygons[cell],
        )
        for number, cell in enumerate(ordered, start=1)
    }


def _special_cells(drawing: _Drawing, rng: Random) -> tuple[list[int], list[int]]:
    """Cells with a dedicated grid, one in each of as many communities, and cells to divide."""
    candidates: dict[str, list[int]] = defaultdict(list)
    for cell, village in sorted(drawing.villages.items()):
        corners = len(drawing.cells.rings[cell])
        if is_community(village) and corners >= _FEWEST_CORNERS and is_whole(drawing.cells, cell):
            candidates[village.code].append(cell)
    villages = sorted(rng.sample(sorted(candidates), _DEDICATED))
    dedicated = [rng.choice(candidates[village]) for village in villages]
    free = [
        cell
        for cell in sorted({cell for cells in candidates.values() for cell in cells})
        if cell not in dedicated and _divides_well(drawing, cell)
    ]
    divided = rng.sample(free, _DIVIDED)
    return dedicated, sorted(divided, key=lambda cell: (drawing.villages[cell].code, cell))


def _divides_well(drawing: _Drawing, cell: int) -> bool:
    return roundness(parts_of(drawing.cells, cell, drawing.bent)) >= _LEAST_ROUNDNESS


def _dedicated(drawing: _Drawing, cell: int, nth: int, rng: Random) -> SyntheticGrid:
    village = drawing.villages[cell]
    grid = to_units(drawing.polygons[cell])
    ring = site_in(grid, drawing.cells.middles[cell], rng)
    return SyntheticGrid(
        village_code=village.code,
        kind=GridKind.DEDICATED,
        name=f"{_short(village.name)}{SITES[nth % len(SITES)]}",
        households=0,
        geometry=to_degrees(ring),
    )


def _micro_grids(drawing: _Drawing, cell: int, grid: SyntheticGrid) -> list[SyntheticMicroGrid]:
    rings = parts_of(drawing.cells, cell, drawing.bent)
    ordered = number_grids([(nth, to_degrees(ring)) for nth, ring in enumerate(rings)])
    return [
        SyntheticMicroGrid(
            village_code=grid.village_code,
            grid_name=grid.name,
            name=f"{grid.name}第{number}微网格",
            households=(grid.households + PARTS - number) // PARTS,
            geometry=to_degrees(rings[nth]),
        )
        for number, nth in enumerate(ordered, start=1)
    ]


def _short(name: str) -> str:
    """A village's name without the words for its committee."""
    return name.removesuffix("居民委员会").removesuffix("民委员会")


def _join(one: Division, parts: Sequence[SyntheticArea]) -> SyntheticArea:
    inside = [part.geometry for part in parts if part.code.startswith(one.code)]
    return _dissolve(one, inside)


def _dissolve(one: Division, polygons: Sequence[Polygon]) -> SyntheticArea:
    (whole,) = shapely.get_parts(shapely.coverage_union_all(polygons))
    return SyntheticArea(one.code, one.name, shapely.normalize(whole))
