"""Which grid is responsible at a position: an immutable index over all grids in force.

The rule: the most specific grid that contains the position is responsible, that is a dedicated
one, else the basic one, and a temporary one only where there is neither. A border belongs to the
grids on both sides; among grids of one kind the lowest code is the answer, so that a position on
a shared border has one answer, whatever the order in which the grids were read. The micro-grid is
that of the basic grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import MultiPolygon, Polygon

from geo.codes import GridKind
from geo.errors import GeoError

Positions = NDArray[np.intp]

_PRECEDENCE = (GridKind.DEDICATED, GridKind.BASIC, GridKind.TEMPORARY)


class CannotIndex(GeoError):
    """The grids given contradict themselves; ``grid_code`` names the first one that does."""

    code = "grid_index_impossible"

    def __init__(self, grid_code: str, reason: str, reason_zh: str) -> None:
        super().__init__(f"grid {grid_code}: {reason}", zh=f"网格 {grid_code}：{reason_zh}")
        self.grid_code = grid_code


@dataclass(frozen=True, slots=True)
class Located:
    """The grid responsible at a position, the basic grid below it and the micro-grid, if any."""

    grid_code: str
    kind: GridKind
    basic_code: str | None
    micro_code: str | None


@dataclass(frozen=True, slots=True)
class LocatedMany:
    """For n positions three arrays (n,) of places in ``GridIndex.codes``; -1 where there is none.

    The fields mean what those of ``Located`` mean.
    """

    grid: Positions
    basic: Positions
    micro: Positions


class GridIndex:
    """Answers which grid is where. Immutable, so any number of threads may ask at once."""

    def __init__(
        self,
        codes: Sequence[str],
        kinds: Sequence[GridKind],
        polygons: Sequence[Polygon | MultiPolygon],
        is_micro: Sequence[bool],
    ) -> None:
        """Index n grids with their polygons in EPSG:4490 (lon, lat).

        A micro-grid's code begins with the code of its basic grid; its kind is not looked at.
        Raises ``CannotIndex`` for a code that is given twice and for a micro-grid whose basic
        grid is not given, ``ValueError`` for sequences of different length.
        """
        grids = sorted(
            zip(codes, kinds, polygons, is_micro, strict=True),
            key=lambda grid: (_rank(grid[1], is_micro=grid[3]), grid[0]),
        )
        _refuse_twins(codes)
        self._codes = tuple(code for code, _, _, _ in grids)
        self._kinds = tuple(kind for _, kind, _, _ in grids)
        count = Counter("micro" if micro else kind.value for _, kind, _, micro in grids)
        self._first_basic = count[GridKind.DEDICATED]
        self._first_temporary = self._first_basic + count[GridKind.BASIC]
        self._first_micro = self._first_temporary + count[GridKind.TEMPORARY]
        self._parents = np.array(self._parent_places(), dtype=np.intp)
        self._tree = shapely.STRtree([polygon for _, _, polygon, _ in grids])
        # The tree is built by its first query, which must not be two at once.
        self._tree.query(shapely.Point(0, 0))

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all grids in the order of precedence, micro-grids last."""
        return self._codes

    def __len__(self) -> int:
        return len(self._codes)

    def locate(self, lon: float, lat: float) -> Located | None:
        """The grids at one EPSG:4490 position; None where no grid is, and for NaN."""
        return self.locate_each([lon], [lat])[0]

    def locate_each(self, lons: Sequence[float], lats: Sequence[float]) -> list[Located | None]:
        """The grids at each of a few positions: cheaper than ``locate_many`` below a hundred.

        None where no grid is, and for NaN. Raises ``ValueError`` for lists of different length.
        """
        hits: list[list[int]] = [[] for _ in lons]
        usable = [n for n, p in enumerate(zip(lons, lats, strict=True)) if all(map(isfinite, p))]
        if usable:
            points = shapely.points([lons[n] for n in usable], [lats[n] for n in usable])
            asked, found = self._tree.query(points, predicate="intersects")
            for n, hit in zip(asked.tolist(), found.tolist(), strict=True):
                hits[usable[n]].append(hit)
        return [self._responsible(each) for each in hits]

    def _responsible(self, hits: list[int]) -> Located | None:
        hits.sort()
        if not hits or hits[0] >= self._first_micro:
            return None
        basic = next((hit for hit in hits if self._first_basic <= hit < self._first_temporary), -1)
        micro = next(
            (
                hit
                for hit in hits
                if hit >= self._first_micro and self._parents[hit - self._first_micro] == basic
            ),
            -1,
        )
        return Located(
            grid_code=self._codes[hits[0]],
            kind=self._kinds[hits[0]],
            basic_code=self._codes[basic] if basic >= 0 else None,
            micro_code=self._codes[micro] if micro >= 0 else None,
        )

    def locate_many(self, lons: ArrayLike, lats: ArrayLike) -> LocatedMany:
        """The grids at n positions given as two arrays (n,), each as ``locate`` answers it.

        Raises ``ValueError`` for arrays of another shape. Takes about a microsecond for each
        position; a caller on an event loop runs it in a thread.
        """
        x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            msg = f"two arrays of shape (n,) expected, not {x.shape} and {y.shape}"
            raise ValueError(msg)
        usable = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        asked, hit = self._tree.query(shapely.points(x[usable], y[usable]), predicate="intersects")
        asked = usable[asked]
        of_micro = hit >= self._first_micro
        of_basic = (hit >= self._first_basic) & (hit < self._first_temporary)
        grid = self._lowest(len(x), asked[~of_micro], hit[~of_micro])
        basic = self._lowest(len(x), asked[of_basic], hit[of_basic])
        asked, hit = asked[of_micro], hit[of_micro]
        own = self._parents[hit - self._first_micro] == basic[asked]
        return LocatedMany(grid, basic, self._lowest(len(x), asked[own], hit[own]))

    def _lowest(self, count: int, asked: Positions, hit: Positions) -> Positions:
        """The lowest hit of each of ``count`` positions, -1 without one."""
        none = len(self._codes)
        lowest: Positions = np.full(count, none, dtype=np.intp)
        np.minimum.at(lowest, asked, hit)
        lowest[lowest == none] = -1
        return lowest

    def _parent_places(self) -> list[int]:
        """For each micro-grid the place of its basic grid."""
        places = {
            self._codes[place]: place for place in range(self._first_basic, self._first_temporary)
        }
        lengths = sorted({len(code) for code in places}, reverse=True)
        parents = []
        for code in self._codes[self._first_micro :]:
            parent = next((places[code[:n]] for n in lengths if code[:n] in places), None)
            if parent is None:
                raise CannotIndex(code, "its basic grid is missing", "缺少所属的基础网格")
            parents.append(parent)
        return parents


def _rank(kind: GridKind, *, is_micro: bool) -> int:
    return len(_PRECEDENCE) if is_micro else _PRECEDENCE.index(kind)


def _refuse_twins(codes: Sequence[str]) -> None:
    for code, times in Counter(codes).items():
        if times > 1:
            raise CannotIndex(code, "its code is given twice", "编码重复")
