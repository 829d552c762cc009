"""SQL of plans and catalogues, which every caller with the permission reads whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import text

from service.db import Session

# The newest version of each code that has begun is in force, unless it is over or retired.
_IN_FORCE = """(
  SELECT CASE WHEN f.retired_at IS NULL AND (f.valid_to IS NULL OR f.valid_to >= :today)
    THEN f.version END
  FROM emergency_plan f WHERE f.code = p.code AND f.valid_from <= :today
  ORDER BY f.version DESC LIMIT 1)"""
_COLUMNS = f"""
p.code, p.version, p.name_zh, p.name_en, p.hazard, p.area_code AS area, p.document, p.valid_from,
p.valid_to, p.levels, p.lead_units, p.supporting_units, p.contacts, p.created_at, p.created_by,
p.retired_at, {_IN_FORCE} AS version_in_force, d.last_drill_on, d.next_drill_on
"""
_DRILLS = """
LEFT JOIN LATERAL (
  SELECT CAST(x.ended_at AT TIME ZONE 'Asia/Shanghai' AS date) AS last_drill_on,
    e.next_on AS next_drill_on
  FROM activation x LEFT JOIN drill_evaluation e ON e.activation_id = x.id
  WHERE x.plan_code = p.code AND x.drill AND x.ended_at IS NOT NULL
  ORDER BY x.ended_at DESC LIMIT 1) AS d ON true
"""
ONE = text(f"""
SELECT {_COLUMNS} FROM emergency_plan p {_DRILLS}
WHERE p.code = :code AND (CAST(:version AS int) IS NULL OR p.version = CAST(:version AS int))
ORDER BY p.version DESC LIMIT 1
""")
PAGE = text(f"""
SELECT {_COLUMNS} FROM emergency_plan p {_DRILLS}
WHERE (CAST(:after AS text) IS NULL OR p.code > CAST(:after AS text))
  AND p.version = (SELECT max(n.version) FROM emergency_plan n WHERE n.code = p.code)
  AND (CAST(:hazard AS text) IS NULL OR p.hazard = CAST(:hazard AS text))
  AND (CAST(:area AS text) IS NULL OR p.area_code ^@ CAST(:area AS text)
    OR CAST(:area AS text) ^@ p.area_code)
  AND (:retired OR p.retired_at IS NULL)
ORDER BY p.code LIMIT :limit
""")
IN_FORCE = text("""
SELECT p.code, p.version, p.area_code, p.levels FROM emergency_plan p
WHERE p.code = :code AND p.valid_from <= :today AND p.retired_at IS NULL
  AND (p.valid_to IS NULL OR p.valid_to >= :today)
  AND p.version = (SELECT max(n.version) FROM emergency_plan n
    WHERE n.code = :code AND n.valid_from <= :today)
""")
ONE_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('emergency_plan ' || :code, 0))"
)
INSERT = text("""
INSERT INTO emergency_plan (code, version, name_zh, name_en, hazard, area_code, document,
  valid_from, valid_to, levels, lead_units, supporting_units, contacts, created_at, created_by)
VALUES (:code, :version, :name_zh, :name_en, :hazard, :area, :document, :valid_from, :valid_to,
  CAST(:levels AS jsonb), :lead_units, :supporting_units, CAST(:contacts AS jsonb), :now, :actor)
""")
RETIRE = text("UPDATE emergency_plan SET retired_at = :now WHERE code = :code")
UNITS = text("SELECT code, tier FROM unit WHERE code = ANY(:codes) AND active")
ANY_PLAN = text("SELECT EXISTS (SELECT FROM emergency_plan)")

ITEM = text("""
SELECT code, name_zh, name_en, measure_zh, measure_en, active FROM stock_item WHERE code = :code
""")
ITEMS = text("""
SELECT code, name_zh, name_en, measure_zh, measure_en, active FROM stock_item
WHERE (CAST(:after AS text) IS NULL OR code > CAST(:after AS text))
  AND (CAST(:active AS boolean) IS NULL OR active = CAST(:active AS boolean))
ORDER BY code LIMIT :limit
""")
ADD_ITEM = text("""
INSERT INTO stock_item (code, name_zh, name_en, measure_zh, measure_en, active)
VALUES (:code, :name_zh, :name_en, :measure_zh, :measure_en, true)
ON CONFLICT DO NOTHING RETURNING code
""")
HELD_ITEM = text("""
SELECT code, name_zh, name_en, measure_zh, measure_en, active FROM stock_item
WHERE code = :code FOR NO KEY UPDATE
""")
STORE_ITEM = text("""
UPDATE stock_item SET name_zh = :name_zh, name_en = :name_en, measure_zh = :measure_zh,
  measure_en = :measure_en, active = :active WHERE code = :code
""")
MODES = text("SELECT mode, name_zh, name_en, speed_kmh, detour_factor FROM travel_mode ORDER BY 1")
PUT_MODE = text("""
INSERT INTO travel_mode (mode, name_zh, name_en, speed_kmh, detour_factor)
VALUES (:mode, :name_zh, :name_en, :speed_kmh, :detour_factor)
ON CONFLICT (mode) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en,
  speed_kmh = excluded.speed_kmh, detour_factor = excluded.detour_factor
""")
SEED_MODE = text("""
INSERT INTO travel_mode (mode, name_zh, name_en, speed_kmh, detour_factor)
VALUES (:mode, :name_zh, :name_en, :speed_kmh, :detour_factor) ON CONFLICT DO NOTHING
""")

AREA_KNOWN = text("""
SELECT EXISTS (SELECT FROM division WHERE code = :area AND valid_to IS NULL)
  OR EXISTS (SELECT FROM grid WHERE code = :area AND retired_at IS NULL)
""")


async def first(session: Session, statement: Any, **values: Any) -> dict[str, Any] | None:
    """The first row of a statement as a dictionary, or None."""
    row = (await session.execute(statement, values)).mappings().first()
    return dict(row) if row is not None else None


async def rows(session: Session, statement: Any, **values: Any) -> list[dict[str, Any]]:
    """All rows of a statement, as dictionaries."""
    return [dict(row) for row in (await session.execute(statement, values)).mappings()]


async def scalar(session: Session, statement: Any, **values: Any) -> Any:
    """The first value of the first row, or None."""
    return (await session.execute(statement, values)).scalar()


async def insert_plan(
    session: Session, plan: dict[str, Any], version: int, *, actor: Any, now: datetime
) -> None:
    """Store one version of a plan; `levels` and `contacts` are lists of objects."""
    encoded = {name: msgspec.json.encode(plan[name]).decode() for name in ("levels", "contacts")}
    await session.execute(INSERT, {**plan, **encoded, "version": version, "actor": actor,
                                   "now": now})  # fmt: skip


async def units_in_use(session: Session, codes: Sequence[str]) -> dict[str, int]:
    """Of these units those that are in use, with their tiers."""
    found = await session.execute(UNITS, {"codes": list(codes)})
    return {row.code: row.tier for row in found}


async def plan_in_force(session: Session, code: str, today: date) -> dict[str, Any] | None:
    """Version, area and level rules of the plan as it holds on that day, or None."""
    return await first(session, IN_FORCE, code=code, today=today)
