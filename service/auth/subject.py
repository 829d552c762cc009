"""The caller: an account and what its assignments let it do, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from service.auth.permissions import ROLE_PERMISSIONS, ROLE_TIER, Permission, Role


@dataclass(frozen=True, slots=True)
class Grant:
    """One assignment in force: a role inside an area prefix, for a unit when the role has one."""

    role: Role
    area: str
    unit: str | None = None

    def covers(self, area: str) -> bool:
        """Whether `area` lies inside this grant's area: "inside" is a prefix."""
        return area.startswith(self.area)


@dataclass(frozen=True, eq=False)
class Subject:
    """Who is calling. `grants` holds only what is in force now. Compared by identity."""

    account_id: UUID
    login: str
    name: str
    grants: tuple[Grant, ...]
    loaded_at: datetime

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        """Everything that any grant allows somewhere."""
        return frozenset().union(*(ROLE_PERMISSIONS[g.role] for g in self.grants))

    @cached_property
    def units(self) -> frozenset[str]:
        """The units that the caller handles cases for."""
        return frozenset(g.unit for g in self.grants if g.unit and g.role is Role.UNIT_HANDLER)

    @cached_property
    def own_units(self) -> frozenset[str]:
        """The units that the caller belongs to in any role."""
        return frozenset(g.unit for g in self.grants if g.unit)

    def has(self, permission: Permission) -> bool:
        """Whether any grant allows it somewhere."""
        return permission in self.permissions

    def grants_for(self, permission: Permission) -> tuple[Grant, ...]:
        """The grants that allow `permission`."""
        return tuple(g for g in self.grants if permission in ROLE_PERMISSIONS[g.role])

    def area_prefixes(self, permission: Permission) -> tuple[str, ...]:
        """The shortest area prefixes in which `permission` holds by area (not by unit), sorted."""
        prefixes = sorted(
            {g.area for g in self.grants_for(permission) if g.role is not Role.UNIT_HANDLER}
        )
        kept: list[str] = []
        for prefix in prefixes:
            if not kept or not prefix.startswith(kept[-1]):
                kept.append(prefix)
        return tuple(kept)

    def tier_in(self, permission: Permission, area: str) -> int:
        """The highest response tier that the caller has for `permission` in `area`; 0 for none."""
        return max(
            (
                ROLE_TIER.get(g.role, 0)
                for g in self.grants_for(permission)
                if g.role is not Role.UNIT_HANDLER and g.covers(area)
            ),
            default=0,
        )

    def role_in(self, permission: Permission, area: str, unit: str | None = None) -> Role | None:
        """The role under which the caller acts: the highest in `area`, else the unit's handler."""
        best: Role | None = None
        for g in self.grants_for(permission):
            if g.role is Role.UNIT_HANDLER:
                if unit is not None and g.unit == unit:
                    best = best or g.role
            elif g.covers(area) and (
                best is None or ROLE_TIER.get(g.role, 0) > ROLE_TIER.get(best, 0)
            ):
                best = g.role
        return best

    def may_in(self, permission: Permission, area: str) -> bool:
        """Whether `permission` holds by area in `area`."""
        return any(area.startswith(prefix) for prefix in self.area_prefixes(permission))
