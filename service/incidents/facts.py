"""From a caller and a case to what the rules need to know."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from service.auth.permissions import ROLE_PERMISSIONS, ROLE_TIER, Permission, Role
from service.auth.subject import Subject
from service.incidents.categories.cache import CategoryRow
from service.incidents.rules import Actor, CategoryRule
from service.incidents.workflow import TOP_TIER

NO_RULE = CategoryRule()


class Located(Protocol):
    """What of a case decides over a caller's reach."""

    @property
    def grid_code(self) -> str:
        """The responsible grid."""

    @property
    def unit_code(self) -> str | None:
        """The unit that has it in hand."""

    @property
    def co_units(self) -> list[str]:
        """The units that have a part in it besides."""

    @property
    def concerns_unit(self) -> str | None:
        """The unit that a complaint is about."""


def actor_for(subject: Subject, case: Located, *, commands: bool = False) -> Actor:
    """What `subject` is to `case`: permissions that hold there, dispatch tier, unit, readable.

    Who `commands` in an emergency decides at every tier (24.2).
    """
    units = (case.unit_code, *case.co_units)
    actor = _actor(subject, case.grid_code, units, case.concerns_unit)
    return replace(actor, tier=TOP_TIER) if commands else actor


@lru_cache(maxsize=50_000)
def _actor(
    subject: Subject, grid_code: str, units: tuple[str | None, ...], concerns_unit: str | None
) -> Actor:
    permissions: set[str] = set()
    tier, role, own = 0, None, set()
    for grant in subject.grants:
        if grant.role is Role.UNIT_HANDLER:
            if grant.unit is None or grant.unit not in units:
                continue
            own.add(grant.unit)
        elif not grid_code.startswith(grant.area):
            continue
        permissions |= ROLE_PERMISSIONS[grant.role]
        if role is None or ROLE_TIER.get(grant.role, 0) > tier:
            role = grant.role.value
        tier = max(tier, ROLE_TIER.get(grant.role, 0))
    hidden = concerns_unit is not None and concerns_unit in subject.own_units
    return Actor(
        account_id=subject.account_id,
        permissions=frozenset(permissions),
        tier=tier,
        in_unit=units[0] in own,
        readable=Permission.INCIDENT_READ in permissions and not hidden,
        role=role,
        units=frozenset(own),
    )


def category_rule(row: CategoryRow | None) -> CategoryRule:
    """What the category's published row demands; a category that is gone demands nothing."""
    return CategoryRule(row.self_handle, row.evidence) if row is not None else NO_RULE
