"""From a caller and an approval to what the rules need to know."""

from __future__ import annotations

from service.auth.permissions import ROLE_PERMISSIONS, ROLE_TIER, Permission, Role
from service.auth.subject import Subject
from service.duties.case import ApprovalCase
from service.duties.rules import Actor


def actor_for(subject: Subject, case: ApprovalCase) -> Actor:
    """What `subject` is to `case`: permissions that hold there, its unit, whether it may read.

    A unit's handler has them for what the unit asked for; of what was asked of the unit it is
    told, and no more.
    """
    permissions: set[str] = set()
    role, tier, in_unit = None, -1, False
    for grant in subject.grants:
        held: frozenset[str] = frozenset(ROLE_PERMISSIONS[grant.role])
        if grant.role is Role.UNIT_HANDLER:
            if grant.unit is None or grant.unit not in (case.requesting_unit, case.target_unit):
                continue
            in_unit = in_unit or grant.unit == case.requesting_unit
            held = held if grant.unit == case.requesting_unit else held & {_READ}
        elif not grant.covers(case.target_area):
            continue
        permissions |= held
        if ROLE_TIER.get(grant.role, 0) > tier:
            role, tier = grant.role.value, ROLE_TIER.get(grant.role, 0)
    if subject.account_id == case.requested_by:
        permissions |= {p for p in (_READ, Permission.DISPATCH_APPROVAL_REQUEST) if subject.has(p)}
    return Actor(subject.account_id, frozenset(permissions), in_unit, _READ in permissions, role)


_READ = Permission.DISPATCH_APPROVAL_READ
