"""SQL about delineations: what a new one meets, what is stored of it, who may read it.

A draft is for those who draw or oversee in its area; a published one is for everybody. The
conditions here and the policies of the tables say the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import text

from geo.codes import CodeScheme
from service.areas.checks.types import Examined, Feature, PresentGrid, Surroundings, Village
from service.areas.rules import split_code
from service.areas.schemes import scheme_of
from service.db import Session, as_actor

VILLAGES = """
SELECT d.code, ST_AsBinary(d.geom) AS wkb,
  ARRAY(SELECT max(g.code) FROM grid g WHERE g.village_code = d.code AND length(g.code) = $2
        GROUP BY left(g.code, $3)) AS highest
FROM division d
WHERE d.level = 'village' AND d.code >= $1 AND d.code < $1 || ':' AND d.valid_to IS NULL
ORDER BY d.code
"""
GRIDS = """
SELECT g.code, g.village_code, g.kind, g.parent_code, v.name, v.households,
  ST_AsBinary(v.geom) AS wkb
FROM grid g JOIN grid_version v ON v.code = g.code AND v.valid_to IS NULL
WHERE g.code >= $1 AND g.code < $1 || ':' AND g.retired_at IS NULL ORDER BY g.code
"""
# A village's state changes with its boundary and with every grid and version in it.
STATES = """
SELECT d.code, md5(coalesce(md5(ST_AsBinary(d.geom)), '')
  || coalesce(string_agg(g.code || ':' || w.version, ';' ORDER BY g.code), '')) AS state
FROM division d
LEFT JOIN (grid g JOIN grid_version w ON w.code = g.code AND w.valid_to IS NULL)
  ON g.village_code = d.code
WHERE d.code = ANY(CAST(:villages AS text[])) GROUP BY d.code
"""
ADD = text("""
INSERT INTO delineation (id, area_code, scheme, status, base_map, scale, surveyed_on,
  map_review_number, approval_document, source_crs, filename, file_sha256, synthetic,
  feature_count, village_codes, base_digest, report, submitted_by, submitted_at)
VALUES (:id, :area_code, :scheme, :status, :base_map, :scale, :surveyed_on, :map_review_number,
  :approval_document, :source_crs, :filename, :file_sha256, :synthetic, :feature_count,
  :village_codes, :base_digest, CAST(:report AS jsonb), :submitted_by, :submitted_at)
ON CONFLICT (id) DO NOTHING RETURNING id
""")
RECHECKED = text("""
UPDATE delineation SET status = :status, village_codes = :village_codes,
  base_digest = :base_digest, report = CAST(:report AS jsonb) WHERE id = :id
""")
CLEAR_FEATURES = text("DELETE FROM delineation_feature WHERE delineation_id = :id")
CLEAR_FINDINGS = text("DELETE FROM delineation_finding WHERE delineation_id = :id")
ADD_FEATURES = text("""
INSERT INTO delineation_feature (delineation_id, ord, village_code, kind, parent_ord, grid_code,
  name, households, area_m2, decision, matched_code, number_order, takes_over, geom)
SELECT CAST(:id AS uuid), f.ord, f.village_code, f.kind, f.parent_ord, f.grid_code, f.name,
  f.households, f.area_m2, f.decision, f.matched_code, f.number_order,
  CAST(f.takes_over AS jsonb), ST_GeomFromWKB(f.wkb, 4490)
FROM unnest(CAST(:ord AS int[]), CAST(:village_code AS text[]), CAST(:kind AS text[]),
  CAST(:parent_ord AS int[]), CAST(:grid_code AS text[]), CAST(:name AS text[]),
  CAST(:households AS int[]), CAST(:area_m2 AS float8[]), CAST(:decision AS text[]),
  CAST(:matched_code AS text[]), CAST(:number_order AS int[]), CAST(:takes_over AS text[]),
  CAST(:wkb AS bytea[]))
  AS f(ord, village_code, kind, parent_ord, grid_code, name, households, area_m2, decision,
       matched_code, number_order, takes_over, wkb)
""")
ADD_FINDINGS = text("""
INSERT INTO delineation_finding (delineation_id, ord, code, severity, message_zh, message_en,
  features, village_code, area_m2, geom)
SELECT CAST(:id AS uuid), f.ord, f.code, f.severity, f.zh, f.en, CAST(f.features AS jsonb),
  f.village_code, f.area_m2, ST_GeomFromWKB(f.wkb, 4490)
FROM unnest(CAST(:ord AS int[]), CAST(:code AS text[]), CAST(:severity AS text[]),
  CAST(:zh AS text[]), CAST(:en AS text[]), CAST(:features AS text[]),
  CAST(:village_code AS text[]), CAST(:area_m2 AS float8[]), CAST(:wkb AS bytea[]))
  AS f(ord, code, severity, zh, en, features, village_code, area_m2, wkb)
""")
# $1 the actor (for the policies), $2 the areas where the caller draws or oversees.
READABLE = """
(d.status IN ('published', 'superseded')
 OR EXISTS (SELECT FROM unnest($2::text[]) AS area WHERE starts_with(d.area_code, area)))
"""
COLUMNS = """
SELECT d.id, d.area_code, d.scheme, d.status, d.base_map, d.scale, d.surveyed_on,
  d.map_review_number, d.approval_document, d.source_crs, d.filename, d.file_sha256, d.synthetic,
  d.feature_count, d.village_codes, d.base_digest, d.report::text AS report, d.submitted_by,
  d.submitted_at, d.published_by, d.published_at
FROM delineation d
"""
ONE = COLUMNS + "WHERE d.id = $3 AND" + READABLE
PAGE = (
    COLUMNS
    + """
WHERE ($3::text IS NULL OR starts_with(d.area_code, $3)) AND ($4::text IS NULL OR d.status = $4)
  AND ($5::timestamptz IS NULL OR (d.submitted_at, d.id) < ($5, $6::uuid))
  AND"""
    + READABLE
    + "ORDER BY d.submitted_at DESC, d.id DESC LIMIT $7"
)
FINDINGS = (
    """
SELECT json_build_object('type', 'FeatureCollection', 'crs', $4::json, 'features',
  coalesce(json_agg(json_build_object('type', 'Feature', 'id', f.ord,
    'geometry', ST_AsGeoJSON(f.geom, 12, 0)::json,
    'properties', json_build_object('code', f.code, 'severity', f.severity,
      'message_zh', f.message_zh, 'message_en', f.message_en, 'features', f.features,
      'village_code', f.village_code, 'area_m2', f.area_m2)) ORDER BY f.ord)
    FILTER (WHERE f.ord IS NOT NULL), '[]'))::text AS collection
FROM delineation d LEFT JOIN delineation_finding f ON f.delineation_id = d.id
WHERE d.id = $3 AND"""
    + READABLE
    + "GROUP BY d.id"
)
LOCKED = text("SELECT *, report::text AS report_text FROM delineation WHERE id = :id FOR UPDATE")
FEATURES = text("""
SELECT f.ord, f.village_code, f.kind, f.parent_ord, f.grid_code, f.name, f.households, f.area_m2,
  f.decision, f.matched_code, f.number_order, f.takes_over::text AS takes_over,
  ST_AsBinary(f.geom) AS wkb
FROM delineation_feature f WHERE f.delineation_id = :id ORDER BY f.ord
""")
PUBLISHED = text("""
UPDATE delineation SET status = 'published', published_by = :actor, published_at = :now,
  approval_document = :approval WHERE id = :id
""")
ASSIGNED = text("""
UPDATE delineation_feature f SET assigned_code = a.code
FROM unnest(CAST(:ord AS int[]), CAST(:code AS text[])) AS a(ord, code)
WHERE f.delineation_id = :id AND f.ord = a.ord
""")
# A delineation none of whose boundaries is in force any more.
SUPERSEDED = text("""
UPDATE delineation d SET status = 'superseded'
WHERE d.status = 'published' AND d.id <> :id
  AND d.village_codes && CAST(:villages AS text[])
  AND NOT EXISTS (SELECT FROM grid_version v WHERE v.delineation_id = d.id AND v.valid_to IS NULL)
""")
FEATURE_COLUMNS = (
    "ord", "village_code", "kind", "parent_ord", "grid_code", "name", "households", "area_m2",
    "decision", "matched_code", "number_order", "wkb",
)  # fmt: skip
FINDING_COLUMNS = ("code", "severity", "zh", "en", "village_code", "area_m2", "wkb")


async def surroundings(
    reads: asyncpg.Pool, area: str, setting: str
) -> tuple[Surroundings, dict[str, str]]:
    """The villages of an area with boundaries, grids in force and numbers used, at one moment.

    Beside them each village's state, see `combined`.
    """
    scheme = scheme_of(setting)
    start = scheme.grid_length - scheme.sequence_digits
    async with (
        reads.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        rows = await connection.fetch(VILLAGES, area, scheme.grid_length, start)
        grids = [PresentGrid(*row) for row in await connection.fetch(GRIDS, area)]
        states = await connection.fetch(
            STATES.replace("CAST(:villages AS text[])", "$1::text[]"), [r["code"] for r in rows]
        )
    villages = [Village(r["code"], r["wkb"], _highest(r["highest"], scheme)) for r in rows]
    around = Surroundings(area, setting, villages, grids)
    return around, {row["code"]: row["state"] for row in states}


async def present_states(session: Session, villages: Sequence[str]) -> dict[str, str]:
    """The states of these villages now, in this transaction."""
    rows = await session.execute(text(STATES), {"villages": list(villages)})
    return {row.code: row.state for row in rows}


def combined(states: Mapping[str, str], villages: Sequence[str]) -> str:
    """A digest of the boundaries and grids of these villages: what a check was made on."""
    lines = [f"{code}={states.get(code, '')}" for code in sorted(villages)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _highest(codes: Sequence[str], scheme: CodeScheme) -> dict[str, int]:
    return dict(split_code(code, scheme) for code in codes)


async def one(
    reads: asyncpg.Pool, id_: UUID, *, actor: UUID, areas: Sequence[str]
) -> asyncpg.Record | None:
    """The delineation with this id, if the caller may read it."""
    return await reads.fetchrow(as_actor(ONE), str(actor), list(areas), id_)


async def page(
    reads: asyncpg.Pool,
    *,
    actor: UUID,
    areas: Sequence[str],
    area: str | None,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    rows: int,
) -> list[asyncpg.Record]:
    """At most `rows` delineations that the caller may read, the newest first."""
    moment, id_ = after or (None, None)
    found: list[asyncpg.Record] = await reads.fetch(
        as_actor(PAGE), str(actor), list(areas), area, status, moment, id_, rows
    )
    return found


async def findings(
    reads: asyncpg.Pool, id_: UUID, *, actor: UUID, areas: Sequence[str], crs: str
) -> str | None:
    """Its findings as the text of a GeoJSON FeatureCollection, if the caller may read it."""
    found: str | None = await reads.fetchval(as_actor(FINDINGS), str(actor), list(areas), id_, crs)
    return found


async def locked(session: Session, id_: UUID) -> dict[str, Any] | None:
    """The delineation, locked until this transaction ends."""
    found = (await session.execute(LOCKED, {"id": id_})).mappings().first()
    if found is None:
        return None
    row = dict(found)
    row["report"] = msgspec.json.decode(row.pop("report_text"))
    return row


async def features(session: Session, id_: UUID) -> list[Feature]:
    """The polygons of a delineation in file order, as the check left them."""
    rows = await session.execute(FEATURES, {"id": id_})
    return [
        Feature(
            ord=row.ord, village_code=row.village_code, kind=row.kind, name=row.name,
            households=row.households, parent=None, grid_code=row.grid_code, ref=None,
            wkb=row.wkb, parent_ord=row.parent_ord, area_m2=row.area_m2, decision=row.decision,
            matched_code=row.matched_code, number_order=row.number_order,
            takes_over=msgspec.json.decode(row.takes_over),
        )
        for row in rows
    ]  # fmt: skip


async def mark_published(
    session: Session,
    row: dict[str, Any],
    codes: Mapping[int, str],
    *,
    actor: UUID,
    now: datetime,
) -> None:
    """Note the publication, the code of each polygon, and what it leaves without effect."""
    id_, approval = row["id"], row["approval_document"]
    await session.execute(PUBLISHED, {"id": id_, "actor": actor, "now": now, "approval": approval})
    await session.execute(ASSIGNED, {"id": id_, "ord": list(codes), "code": list(codes.values())})
    await session.execute(SUPERSEDED, {"id": id_, "villages": row["village_codes"]})


async def add(session: Session, row: dict[str, Any], examined: Examined) -> bool:
    """Store a new delineation with its features and findings; False when its id is taken."""
    report = msgspec.json.encode(row["report"]).decode()
    if (await session.execute(ADD, {**row, "report": report})).first() is None:
        return False
    await _add_parts(session, row["id"], examined)
    return True


async def recheck(session: Session, row: dict[str, Any], examined: Examined) -> None:
    """Replace what an earlier check of the delineation said."""
    report = msgspec.json.encode(row["report"]).decode()
    await session.execute(RECHECKED, {**row, "report": report})
    await session.execute(CLEAR_FEATURES, {"id": row["id"]})
    await session.execute(CLEAR_FINDINGS, {"id": row["id"]})
    await _add_parts(session, row["id"], examined)


async def _add_parts(session: Session, id_: UUID, examined: Examined) -> None:
    features = _arrays(examined.features, FEATURE_COLUMNS)
    features["takes_over"] = [msgspec.json.encode(f.takes_over).decode() for f in examined.features]
    await session.execute(ADD_FEATURES, {"id": id_, **features})
    findings = _arrays(examined.findings, FINDING_COLUMNS)
    findings["ord"] = list(range(len(examined.findings)))
    findings["features"] = [msgspec.json.encode(f.features).decode() for f in examined.findings]
    await session.execute(ADD_FINDINGS, {"id": id_, **findings})


def _arrays(rows: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in names}
