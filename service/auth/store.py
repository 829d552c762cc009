"""All SQL of accounts, assignments and units; each list is bound to what its caller may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from service.auth.permissions import Role
from service.auth.rules import reach
from service.db import Session

CURRENT = "(a.valid_to IS NULL OR a.valid_to > :now)"
IN_FORCE = f"a.valid_from <= :now AND {CURRENT}"
SCOPE = "a.area_code ^@ ANY (CAST(:prefixes AS text[]))"
# A filter by area finds what works there: assignments to it, inside it, or to what it lies in.
NEAR = "(CAST({p} AS text) IS NULL OR {c} ^@ CAST({p} AS text) OR CAST({p} AS text) ^@ {c})"
EQUAL = "(CAST({p} AS text) IS NULL OR {c} = CAST({p} AS text))"

ASSIGNMENT_JSON = (
    "json_build_object('id', a.id, 'account_id', a.account_id, 'role', a.role, "
    "'area', a.area_code, 'unit', a.unit_code, 'valid_from', a.valid_from, 'valid_to', a.valid_to)"
)
UNIT_JSON = (
    "json_build_object('code', u.code, 'name_zh', u.name_zh, 'name_en', u.name_en, "
    "'tier', u.tier, 'area', u.area_code, 'active', u.active)"
)
ACCOUNT_JSON = f"""json_build_object(
  'id', c.id, 'login', c.login, 'name', c.name, 'kind', c.kind, 'status', c.status,
  'area', c.area_code, 'locked_until', CASE WHEN c.locked_until > :now THEN c.locked_until END,
  'has_password', c.password_hash IS NOT NULL,
  'oidc_subject', CASE WHEN :manages THEN c.oidc_subject END, 'created_at', c.created_at,
  'assignments', (SELECT coalesce(json_agg({ASSIGNMENT_JSON} ORDER BY a.id), '[]')
                  FROM assignment a WHERE a.account_id = c.id AND {CURRENT} AND {SCOPE}))"""
READABLE_ACCOUNT = f"""
  coalesce(c.area_code, :county) ^@ ANY (CAST(:prefixes AS text[]))
  OR EXISTS (SELECT FROM assignment a WHERE a.account_id = c.id AND {CURRENT} AND {SCOPE})"""

ACCOUNT = text(f"""
SELECT CAST({ACCOUNT_JSON} AS text) FROM account c WHERE c.id = :id AND ({READABLE_ACCOUNT})
""")
ACCOUNTS = text(f"""
SELECT c.id AS key, CAST({ACCOUNT_JSON} AS text) AS item FROM account c
WHERE (CAST(:after AS uuid) IS NULL OR c.id > CAST(:after AS uuid))
  AND {EQUAL.format(p=":status", c="c.status")} AND {EQUAL.format(p=":login", c="c.login")}
  AND CASE WHEN :by_role THEN EXISTS (
      SELECT FROM assignment a WHERE a.account_id = c.id AND {IN_FORCE} AND {SCOPE}
        AND {NEAR.format(p=":area", c="a.area_code")}
        AND {EQUAL.format(p=":role", c="a.role")} AND {EQUAL.format(p=":unit", c="a.unit_code")})
    ELSE ({READABLE_ACCOUNT}) END
ORDER BY c.id LIMIT :limit
""")
ASSIGNMENT = text(f"""
SELECT a.id, a.account_id, a.role, a.area_code, a.unit_code, a.valid_from, a.valid_to,
  u.area_code AS unit_area
FROM assignment a LEFT JOIN unit u ON u.code = a.unit_code
WHERE a.id = :id AND {SCOPE} FOR UPDATE OF a
""")
ASSIGNMENTS = text(f"""
SELECT a.id AS key, CAST({ASSIGNMENT_JSON} AS text) AS item FROM assignment a
WHERE (CAST(:after AS uuid) IS NULL OR a.id > CAST(:after AS uuid)) AND {SCOPE}
  AND (:ended OR {CURRENT})
  AND (CAST(:account AS uuid) IS NULL OR a.account_id = CAST(:account AS uuid))
  AND {NEAR.format(p=":area", c="a.area_code")}
  AND {EQUAL.format(p=":role", c="a.role")} AND {EQUAL.format(p=":unit", c="a.unit_code")}
ORDER BY a.id LIMIT :limit
""")
UNITS = text(f"""
SELECT u.code AS key, CAST({UNIT_JSON} AS text) AS item FROM unit u
WHERE (CAST(:after AS text) IS NULL OR u.code > CAST(:after AS text))
  AND {NEAR.format(p=":area", c="u.area_code")}
  AND (CAST(:tier AS int) IS NULL OR u.tier = CAST(:tier AS int))
  AND (CAST(:active AS boolean) IS NULL OR u.active = CAST(:active AS boolean))
ORDER BY u.code LIMIT :limit
""")
HELD_UNIT = text("""
SELECT code, name_zh, name_en, tier, area_code, active FROM unit WHERE code = :code
FOR NO KEY UPDATE
""")

HELD = text("""
SELECT c.id, c.login, c.name, c.kind, c.status, coalesce(c.area_code, :county) AS home,
  c.oidc_subject, c.password_hash, c.failed_logins, c.locked_until
FROM account c WHERE c.id = :id FOR NO KEY UPDATE
""")
ROLES_HELD = text(f"""
SELECT a.role, a.area_code, u.area_code AS unit_area
FROM assignment a LEFT JOIN unit u ON u.code = a.unit_code
WHERE a.account_id = :id AND {CURRENT}
""")
ADD_ACCOUNT = text("""
INSERT INTO account (id, login, name, kind, status, area_code, password_hash, oidc_subject,
  failed_logins, created_at)
VALUES (:id, :login, :name, :kind, 'active', :area, :stored, :oidc_subject, 0, :now)
ON CONFLICT DO NOTHING RETURNING id
""")
TAKEN = text("""
SELECT EXISTS (SELECT FROM account WHERE login = :login) AS login,
  EXISTS (SELECT FROM account WHERE oidc_subject = CAST(:oidc_subject AS text)) AS subject
""")
SUBJECT_TAKEN = text("SELECT EXISTS (SELECT FROM account WHERE oidc_subject = :subject)")
STORE_ACCOUNT = text("""
UPDATE account SET name = :name, status = :status, area_code = :home,
  oidc_subject = :oidc_subject, password_hash = :password_hash,
  failed_logins = :failed_logins, locked_until = :locked_until
WHERE id = :id
""")
AREA_KNOWN = text("""
SELECT EXISTS (SELECT FROM division WHERE code = :area AND valid_to IS NULL)
  OR EXISTS (SELECT FROM grid WHERE code = :area AND retired_at IS NULL)
""")
ADD_ASSIGNMENT = text("""
INSERT INTO assignment (id, account_id, role, area_code, unit_code, valid_from, valid_to,
  created_by, created_at)
VALUES (:id, :account, :role, :area, :unit, :valid_from, :valid_to, :by, :now)
ON CONFLICT DO NOTHING RETURNING id
""")
OVERLAPPING = text("""
SELECT EXISTS (SELECT FROM assignment
  WHERE account_id = :account AND role = :role AND area_code = :area
    AND unit_code IS NOT DISTINCT FROM CAST(:unit AS text)
    AND tstzrange(valid_from, valid_to)
      && tstzrange(CAST(:valid_from AS timestamptz), CAST(:valid_to AS timestamptz)))
""")
END_ASSIGNMENT = text("UPDATE assignment SET valid_to = :at WHERE id = :id")
ADD_UNIT = text("""
INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)
VALUES (:code, :name_zh, :name_en, :tier, :area, true) ON CONFLICT DO NOTHING RETURNING code
""")
STORE_UNIT = text(
    "UPDATE unit SET name_zh = :name_zh, name_en = :name_en, active = :active WHERE code = :code"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and as what the caller reads: area prefixes, the county, the moment."""

    prefixes: tuple[str, ...]
    county: str
    manages: bool
    now: datetime

    def values(self) -> dict[str, Any]:
        """The parameters that the statements above share."""
        return {"prefixes": list(self.prefixes), "county": self.county,
                "manages": self.manages, "now": self.now}  # fmt: skip


async def page(
    session: Session, statement: TextClause, scope: Scope, **filters: Any
) -> Sequence[tuple[Any, str]]:
    """Key and JSON text of each row of one of the lists above."""
    rows = await session.execute(statement, {**scope.values(), **filters})
    return [(row.key, row.item) for row in rows]


async def account_json(session: Session, scope: Scope, account: UUID) -> str | None:
    """The account as the caller may read it, as JSON text; None when it may not."""
    found = await session.execute(ACCOUNT, {**scope.values(), "id": account})
    text_or_none: str | None = found.scalar()
    return text_or_none


@dataclass(slots=True)
class Held:
    """An account's row, locked, and the areas over which its roles have power."""

    id: UUID
    login: str
    name: str
    kind: str
    status: str
    home: str
    oidc_subject: str | None
    password_hash: str | None
    failed_logins: int
    locked_until: datetime | None
    areas: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()


async def hold_account(session: Session, scope: Scope, account: UUID) -> Held | None:
    """The account, locked until the transaction ends; None when there is none."""
    row = await session.execute(HELD, {"id": account, "county": scope.county})
    found = row.mappings().first()
    if found is None:
        return None
    held = Held(**found)
    roles = (await session.execute(ROLES_HELD, {"id": account, "now": scope.now})).all()
    held.areas = tuple(role.area_code for role in roles)
    held.reaches = tuple(reach(Role(r.role), r.area_code, r.unit_area) for r in roles)
    return held


async def store_account(session: Session, held: Held) -> None:
    """Write back what may change."""
    names = ("id", "name", "status", "home", "oidc_subject", "password_hash", "failed_logins",
             "locked_until")  # fmt: skip
    await session.execute(STORE_ACCOUNT, {name: getattr(held, name) for name in names})


async def exists(session: Session, statement: TextClause, **values: Any) -> bool:
    """The answer of one of the EXISTS statements above."""
    return bool((await session.execute(statement, values)).scalar_one())


async def added(session: Session, statement: TextClause, **values: Any) -> bool:
    """Whether one of the INSERT statements above added its row; False when a key is taken."""
    return (await session.execute(statement, values)).first() is not None
