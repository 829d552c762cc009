"""What is in force where, and who commands then (24.2): for this room and for others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from service.db import Session
from service.emergency.store import activations as store
from service.emergency.store.plans import rows


@dataclass(frozen=True, slots=True)
class InForce:
    """An activation in force: where, at which level, by which plan, since when."""

    id: UUID
    area_code: str
    level: int
    plan_code: str
    drill: bool
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class Commander:
    """A member of a village's two committees: a dispatcher, or the handler of one of its units."""

    assignment: UUID
    account: UUID
    name: str
    role: str
    unit: str | None
    village: str


async def in_force(
    connection: Session | asyncpg.Connection, area: str, at: datetime, *, drills: bool = False
) -> list[InForce]:
    """The activations that cover the area or grid code at that time, the longest first.

    Drills only when asked for. `level` is the present one. The answer does not depend on who asks;
    both application roles may ask. In SQL: `gw_activations_in_force(area, at)`.
    """
    if isinstance(connection, Session):
        found = await rows(connection, store.IN_FORCE_SESSION, area=area, at=at)
    else:
        found = [dict(r) for r in await connection.fetch(store.IN_FORCE_ASYNCPG, area, at)]
    return [InForce(**row) for row in found if drills or not row["drill"]]


async def commanders(
    session: Session, area: str, at: datetime, *, after: UUID | None = None, limit: int = 1_000
) -> list[Commander]:
    """Who commands the area of an activation or of a case, by assignment (24.2).

    For a grid or village the two committees of its village; for a wider area those of all its
    villages. Whether an activation is in force there is another question: `in_force`.
    """
    values = {"area": area, "at": at, "after": after, "limit": limit}
    return [Commander(**row) for row in await rows(session, store.COMMANDERS, **values)]
