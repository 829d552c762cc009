"""All grids in force, in memory: an index that answers where a position is without a query.

Every publication and change of grids counts the data epoch `grids` up in its own transaction.
`current` asks for it; the hot write path takes `peek` and lets its own statement compare epochs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncpg
import shapely
from shapely.geometry.base import BaseGeometry

from geo.codes import GridKind
from geo.locate import GridIndex, LocatedMany
from service.db import Database

EPOCH = "SELECT value FROM data_epoch WHERE name = 'grids'"
GRIDS = """
SELECT g.code, g.kind, v.name, v.synthetic, ST_AsBinary(v.geom) AS wkb
FROM grid g JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.retired_at IS NULL ORDER BY g.code
"""
NAMES = "SELECT code, name FROM division"
OUTLINE = "SELECT ST_AsBinary(ST_Union(geom)) FROM division WHERE level = 'county'"


@dataclass(frozen=True, slots=True)
class GridSnapshot:
    """The grids in force at one data epoch; immutable, for any thread.

    `names` has the names of divisions and grids by code, `synthetic` the grids whose boundary is
    invented, `county` the outline in EPSG:4490 (prepared; None when nobody loaded it).
    """

    epoch: int
    index: GridIndex
    names: dict[str, str]
    synthetic: frozenset[str]
    county: BaseGeometry | None

    def locate_many(self, lons: list[float], lats: list[float]) -> LocatedMany:
        """See `GridIndex.locate_many`."""
        return self.index.locate_many(lons, lats)

    def outside_county(self, lon: float, lat: float) -> bool:
        """Whether the position is surely outside: False where no outline is known."""
        if self.county is None:
            return False
        return not bool(shapely.intersects_xy(self.county, lon, lat))


class GridCache:
    """This process's snapshot of the grids, renewed when they were published anew."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._snapshot: GridSnapshot | None = None
        self._loading = asyncio.Lock()

    def peek(self) -> GridSnapshot:
        """The snapshot at hand, without asking the database whether it still holds.

        Raises RuntimeError before the first load.
        """
        if self._snapshot is None:
            raise RuntimeError("the grids have not been loaded")
        return self._snapshot

    async def current(self) -> GridSnapshot:
        """The grids in force now: one short query, and a new load when they were changed."""
        epoch = await self._db.reads.fetchval(EPOCH)
        if self._snapshot is None or self._snapshot.epoch != epoch:
            return await self.refresh(at_least=epoch)
        return self._snapshot

    async def refresh(self, *, at_least: int | None = None) -> GridSnapshot:
        """Load the grids anew; callers at the same time share one load.

        With `at_least` a snapshot of that epoch or later, loaded meanwhile, will do.
        """
        async with self._loading:
            known = self._snapshot
            if known is not None and at_least is not None and known.epoch >= at_least:
                return known
            self._snapshot = await self._load()
            return self._snapshot

    async def _load(self) -> GridSnapshot:
        async with (
            self._db.reads.acquire() as connection,
            # Epoch and grids of one moment.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            epoch = await connection.fetchval(EPOCH)
            grids = await connection.fetch(GRIDS)
            divisions = await connection.fetch(NAMES)
            county = await connection.fetchval(OUTLINE)
        return await asyncio.to_thread(_snapshot, epoch, grids, divisions, county)


def _snapshot(
    epoch: int | None,
    grids: list[asyncpg.Record],
    divisions: list[asyncpg.Record],
    county: bytes | None,
) -> GridSnapshot:
    outline = None if county is None else shapely.from_wkb(county)
    shapely.prepare(outline)
    micro = [row["kind"] == "micro" for row in grids]
    index = GridIndex(
        [row["code"] for row in grids],
        [GridKind.BASIC if m else GridKind(r["kind"]) for r, m in zip(grids, micro, strict=True)],
        shapely.from_wkb([row["wkb"] for row in grids]).tolist(),
        micro,
    )
    names = {row["code"]: row["name"] for row in (*divisions, *grids)}
    synthetic = frozenset(row["code"] for row in grids if row["synthetic"])
    return GridSnapshot(epoch or 0, index, names, synthetic, outline)
