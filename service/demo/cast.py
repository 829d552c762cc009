"""Who plays in the demo: accounts with random passwords, each in its own area."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

from pwdlib import PasswordHash
from sqlalchemy import text

from service.auth.permissions import Role
from service.db import Session
from service.kit import clock
from service.kit.ids import uuid7

ACCOUNT = text("""
INSERT INTO account (id, login, name, kind, status, password_hash, failed_logins, created_at)
VALUES (:id, :login, :name, 'person', 'active', :password_hash, 0, :now)
ON CONFLICT (login) DO UPDATE SET password_hash = excluded.password_hash, status = 'active',
  failed_logins = 0, locked_until = NULL
RETURNING id
""")
ASSIGNMENT = text("""
INSERT INTO assignment (id, account_id, role, area_code, unit_code, valid_from, created_at)
SELECT :id, :account_id, :role, :area, :unit, :since, :now
WHERE NOT EXISTS (SELECT FROM assignment a WHERE a.account_id = :account_id AND a.role = :role
  AND a.area_code = :area AND a.unit_code IS NOT DISTINCT FROM :unit AND a.valid_to IS NULL)
""")


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One demo account, as `.local/demo.json` lists it."""

    login: str
    password: str
    role: str
    area: str
    name: str
    unit: str | None = None


def cast(grid_code: str, unit: str) -> list[DemoAccount]:
    """The accounts around one grid, from its worker to the county, with new random passwords."""
    village, township, county = grid_code[:12], grid_code[:9], grid_code[:6]

    def player(login: str, role: Role, area: str, name: str, of: str | None = None) -> DemoAccount:
        return DemoAccount(login, secrets.token_urlsafe(12), role.value, area, name, of)

    return [
        player("worker", Role.GRID_WORKER, grid_code, "王网格"),
        player("agent", Role.PROXY_AGENT, village, "陈代办"),
        player("village", Role.VILLAGE_DISPATCHER, village, "李村长"),
        player("township", Role.TOWNSHIP_DISPATCHER, township, "赵镇调度"),
        player("county", Role.COUNTY_DISPATCHER, county, "周县调度"),
        player("unit", Role.UNIT_HANDLER, county, "吴处置", unit),
        player("auditor", Role.AUDITOR, county, "郑审计"),
        player("admin", Role.ADMINISTRATOR, county, "孙管理"),
    ]


async def admit(session: Session, accounts: list[DemoAccount]) -> None:
    """Create the accounts, or give existing ones their new password; commits."""
    hasher = PasswordHash.recommended()
    now = clock.now()
    for player in accounts:
        values = {
            "id": uuid7(),
            "login": player.login,
            "name": player.name,
            "password_hash": hasher.hash(player.password),
            "now": now,
        }
        account_id = (await session.execute(ACCOUNT, values)).scalar_one()
        grant = {
            "id": uuid7(),
            "account_id": account_id,
            "role": player.role,
            "area": player.area,
            "unit": player.unit,
            "since": now - timedelta(minutes=1),
            "now": now,
        }
        await session.execute(ASSIGNMENT, grant)
    await session.commit()


def listing(accounts: list[DemoAccount]) -> list[dict[str, str | None]]:
    """What `.local/demo.json` says of the accounts."""
    return [asdict(account) for account in accounts]
