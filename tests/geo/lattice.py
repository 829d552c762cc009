"""A small valid delineation to start from: a lattice of jittered quadrangles in two villages."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from hypothesis import strategies as st
from shapely import Polygon

from geo.coverage import Feature, FeatureKind, Finding, Severity, check, is_publishable
from geo.projection import to_projected

WEST, SOUTH = 107.85, 31.05
STEP = 0.002  # about 190 m
VILLAGES = ("511723001001", "511723001002")

Node = tuple[float, float]


@dataclass(frozen=True)
class Lattice:
    """Cells by column and row; the western half of the columns is the first village."""

    columns: int
    rows: int
    nodes: dict[tuple[int, int], Node]

    def ring(self, column: int, row: int) -> list[Node]:
        corners = ((0, 0), (1, 0), (1, 1), (0, 1))
        return [self.nodes[column + x, row + y] for x, y in corners]

    def village_of(self, column: int) -> str:
        return VILLAGES[column >= self.columns // 2]

    @property
    def cells(self) -> list[tuple[int, int]]:
        return [(x, y) for x in range(self.columns) for y in range(self.rows)]

    @property
    def features(self) -> list[Feature]:
        return [
            Feature(
                index=index,
                village_code=self.village_of(column),
                kind=FeatureKind.BASIC,
                geometry=Polygon(self.ring(column, row)),
                households=100 + index,
            )
            for index, (column, row) in enumerate(self.cells)
        ]

    @property
    def villages(self) -> dict[str, Polygon]:
        return {
            village: shapely.union_all(
                [Polygon(self.ring(x, y)) for x, y in self.cells if self.village_of(x) == village]
            )
            for village in VILLAGES
        }


def square(column: float, row: float, size: float = 1.0) -> Polygon:
    """A square in lattice steps, its south-west corner at a place of the lattice."""
    west, south = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(west, south, west + size * STEP, south + size * STEP)


def area_m2(geometry: Polygon) -> float:
    return float(to_projected(geometry).area)


def plain(columns: int = 4, rows: int = 2) -> Lattice:
    """Without jitter."""
    places = [(x, y) for x in range(columns + 1) for y in range(rows + 1)]
    return Lattice(columns, rows, {(x, y): (WEST + x * STEP, SOUTH + y * STEP) for x, y in places})


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """Nodes displaced by up to a quarter of a step, so that every quadrangle stays simple."""
    columns, rows = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    jitter = st.floats(-0.25, 0.25).map(lambda share: round(share * STEP, 9))
    nodes = {
        (x, y): (WEST + x * STEP + draw(jitter), SOUTH + y * STEP + draw(jitter))
        for x in range(columns + 1)
        for y in range(rows + 1)
    }
    return Lattice(columns, rows, nodes)


def flaws(findings: list[Finding]) -> list[Finding]:
    """All findings but the statistics."""
    return [one for one in findings if one.severity is not Severity.INFO]


def only_flaw(features: list[Feature], villages: dict[str, Polygon]) -> Finding:
    findings = check(features, villages)
    (one,) = flaws(findings)
    assert not is_publishable(findings)
    return one
