"""SQL that changes grids. Whoever calls it holds the county's lock (`lock_grids`).

A grid is never deleted and its code never used again: it retires, and its last version ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from geo.codes import CodeScheme
from service.areas.rules import split_code
from service.db import Session

LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('gridward.grids.' || CAST(:county AS text), 0))"
)
# Of each village and type the highest key ever used.
HIGHEST = text("""
SELECT max(code) AS code FROM grid
WHERE village_code = ANY(CAST(:villages AS text[])) AND length(code) = CAST(:length AS int)
GROUP BY left(code, CAST(:start AS int))
""")
HIGHEST_MICRO = text("""
SELECT parent_code, max(code) AS code FROM grid
WHERE parent_code = ANY(CAST(:parents AS text[])) GROUP BY parent_code
""")
PRESENT = text("""
SELECT g.code, g.kind, g.village_code, g.parent_code, g.retired_at, v.version, v.name,
  v.households, v.synthetic, v.delineation_id, ST_AsBinary(v.geom) AS wkb
FROM grid g CROSS JOIN LATERAL (SELECT * FROM grid_version w WHERE w.code = g.code
                                ORDER BY w.version DESC LIMIT 1) v
WHERE g.code = ANY(CAST(:codes AS text[])) ORDER BY g.code
""")
MICRO_OF = text("""
SELECT g.code, ST_AsBinary(v.geom) AS wkb FROM grid g
JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.parent_code = ANY(CAST(:parents AS text[])) AND g.retired_at IS NULL ORDER BY g.code
""")
CHILDREN = text("""
SELECT child_code FROM grid_lineage WHERE parent_code = :code ORDER BY child_code
""")
BOUNDARY = text("SELECT ST_AsBinary(geom) AS wkb FROM division WHERE code = :code")
# No clock is trusted to run forward between two servers.
RETIRE = text("""
UPDATE grid SET retired_at = greatest(created_at, :now) WHERE code = ANY(CAST(:codes AS text[]))
""")
END_VERSIONS = text("""
UPDATE grid_version SET valid_to = greatest(valid_from, :now)
WHERE code = ANY(CAST(:codes AS text[])) AND valid_to IS NULL
""")
ADD_CHANGES = text("""
INSERT INTO grid_change (id, operation, village_code, approval_document, note, made_by, made_at)
SELECT c.id, CAST(:operation AS text), c.village, CAST(:approval AS text), CAST(:note AS text),
  CAST(:actor AS uuid), CAST(:now AS timestamptz)
FROM unnest(CAST(:ids AS uuid[]), CAST(:villages AS text[])) AS c(id, village)
""")
ADD_GRIDS = text("""
INSERT INTO grid (code, village_code, kind, parent_code, created_at)
SELECT n.code, n.village, n.kind, n.parent, CAST(:now AS timestamptz)
FROM unnest(CAST(:codes AS text[]), CAST(:villages AS text[]), CAST(:kinds AS text[]),
  CAST(:parents AS text[])) AS n(code, village, kind, parent)
""")
ADD_VERSIONS = text("""
INSERT INTO grid_version (id, code, version, name, households, area_m2, geom, valid_from,
  delineation_id, change_id, synthetic)
SELECT n.id, n.code, n.version, n.name, n.households, n.area_m2, ST_GeomFromWKB(n.wkb, 4490),
  CAST(:now AS timestamptz), n.delineation, n.change, n.synthetic
FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:versions AS int[]),
  CAST(:names AS text[]), CAST(:households AS int[]), CAST(:areas AS float8[]),
  CAST(:wkbs AS bytea[]), CAST(:delineations AS uuid[]), CAST(:changes AS uuid[]),
  CAST(:synthetics AS boolean[]))
  AS n(id, code, version, name, households, area_m2, wkb, delineation, change, synthetic)
""")
ADD_LINEAGE = text("""
INSERT INTO grid_lineage (parent_code, child_code, change_id, overlap_m2)
SELECT l.parent, l.child, l.change, l.overlap
FROM unnest(CAST(:parents AS text[]), CAST(:children AS text[]), CAST(:changes AS uuid[]),
  CAST(:overlaps AS float8[])) AS l(parent, child, change, overlap)
""")
NEW_EPOCH = text("UPDATE data_epoch SET value = value + 1 WHERE name = 'grids'")


@dataclass(frozen=True, slots=True)
class NewGrid:
    """A grid's identity to store."""

    code: str
    village_code: str
    kind: str
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to store: WKB of one polygon in EPSG:4490, area in square metres."""

    id: UUID
    code: str
    version: int
    name: str
    households: int | None
    area_m2: float
    wkb: bytes
    delineation_id: UUID | None
    change_id: UUID
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Descent:
    """The area of `parent_code` that went to `child_code`."""

    parent_code: str
    child_code: str
    change_id: UUID
    overlap_m2: float


@dataclass(slots=True)
class GridChanges:
    """Everything that one publication or change does to grids."""

    operation: str
    approval_document: str | None
    note: str | None
    changes: dict[str, UUID]
    """Village to the change's id."""
    retired: list[str] = field(default_factory=list)
    grids: list[NewGrid] = field(default_factory=list)
    versions: list[NewVersion] = field(default_factory=list)
    lineage: list[Descent] = field(default_factory=list)


async def lock_grids(session: Session, county: str) -> None:
    """Let nobody else change grids of the county until this transaction ends."""
    await session.execute(LOCK, {"county": county})


async def highest_numbers(
    session: Session, villages: Iterable[str], scheme: CodeScheme
) -> dict[str, dict[str, int]]:
    """Village to type digit to the highest number ever used, retired grids included."""
    found: dict[str, dict[str, int]] = {}
    where = {
        "villages": list(villages),
        "length": scheme.grid_length,
        "start": scheme.grid_length - scheme.sequence_digits,
    }
    for row in await session.execute(HIGHEST, where):
        type_digit, number = split_code(row.code, scheme)
        found.setdefault(row.code[:12], {})[type_digit] = number
    return found


async def highest_micro(
    session: Session, parents: Iterable[str], scheme: CodeScheme
) -> dict[str, int]:
    """Grid to the highest micro-grid number ever used in it."""
    rows = await session.execute(HIGHEST_MICRO, {"parents": list(parents)})
    return {row.parent_code: int(row.code[scheme.grid_length :]) for row in rows}


async def present(session: Session, codes: Sequence[str]) -> dict[str, Any]:
    """The grids with these codes, each with its last version, by code."""
    return {row.code: row for row in await session.execute(PRESENT, {"codes": list(codes)})}


async def micro_of(session: Session, parents: Sequence[str]) -> dict[str, bytes]:
    """The micro-grids in force inside these grids: code to WKB."""
    rows = await session.execute(MICRO_OF, {"parents": list(parents)})
    return {row.code: row.wkb for row in rows}


async def children(session: Session, code: str) -> list[str]:
    """Codes of the grids that came directly out of a grid."""
    return list(await session.scalars(CHILDREN, {"code": code}))


async def boundary(session: Session, code: str) -> bytes | None:
    """A division's boundary as WKB, None when there is none."""
    found: bytes | None = await session.scalar(BOUNDARY, {"code": code})
    return found


async def apply(session: Session, made: GridChanges, *, actor: UUID, now: datetime) -> None:
    """Store a publication or change and count it, so that caches know they are old."""
    await session.execute(
        ADD_CHANGES,
        {
            "ids": list(made.changes.values()), "villages": list(made.changes),
            "operation": made.operation, "approval": made.approval_document, "note": made.note,
            "actor": actor, "now": now,
        },
    )  # fmt: skip
    renewed = [version.code for version in made.versions if version.version > 1]
    await session.execute(RETIRE, {"codes": made.retired, "now": now})
    await session.execute(END_VERSIONS, {"codes": made.retired + renewed, "now": now})
    await session.execute(ADD_GRIDS, {"now": now, **_grid_arrays(made.grids)})
    await session.execute(ADD_VERSIONS, {"now": now, **_version_arrays(made.versions)})
    await session.execute(ADD_LINEAGE, _lineage_arrays(made.lineage))
    await session.execute(NEW_EPOCH)


def _grid_arrays(grids: Sequence[NewGrid]) -> dict[str, Any]:
    return {
        "codes": [g.code for g in grids],
        "villages": [g.village_code for g in grids],
        "kinds": [g.kind for g in grids],
        "parents": [g.parent_code for g in grids],
    }


def _version_arrays(versions: Sequence[NewVersion]) -> dict[str, Any]:
    return {
        "ids": [v.id for v in versions],
        "codes": [v.code for v in versions],
        "versions": [v.version for v in versions],
        "names": [v.name for v in versions],
        "households": [v.households for v in versions],
        "areas": [v.area_m2 for v in versions],
        "wkbs": [v.wkb for v in versions],
        "delineations": [v.delineation_id for v in versions],
        "changes": [v.change_id for v in versions],
        "synthetics": [v.synthetic for v in versions],
    }


def _lineage_arrays(lineage: Sequence[Descent]) -> dict[str, Any]:
    return {
        "parents": [d.parent_code for d in lineage],
        "children": [d.child_code for d in lineage],
        "changes": [d.change_id for d in lineage],
        "overlaps": [d.overlap_m2 for d in lineage],
    }
