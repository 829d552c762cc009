"""Which role may do what: the table is written out by hand, so that a change is deliberate."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from service.auth.permissions import ROLE_PERMISSIONS, Permission, Role, roles_with
from service.auth.subject import Grant, Subject

# Columns: grid worker, proxy agent, village, township and county dispatcher, unit handler,
# auditor, administrator, integration client.
COLUMNS = (
    Role.GRID_WORKER,
    Role.PROXY_AGENT,
    Role.VILLAGE_DISPATCHER,
    Role.TOWNSHIP_DISPATCHER,
    Role.COUNTY_DISPATCHER,
    Role.UNIT_HANDLER,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
    Role.INTEGRATION_CLIENT,
)
TABLE = """
                        gw pa vd td cd uh au ad ic
incident:report          x  x  x  x  x  x  .  .  x
incident:read            x  .  x  x  x  x  x  .  x
incident:self_handle     x  .  x  .  .  .  .  .  .
incident:accept          x  .  x  x  x  .  .  .  .
incident:reject          .  .  x  x  x  .  .  .  .
incident:assign          .  .  x  x  x  .  .  .  .
incident:transfer        .  .  x  x  x  .  .  .  .
incident:handle          x  .  x  x  x  x  .  .  .
incident:return          x  .  x  x  x  x  .  .  .
incident:escalate        x  .  x  x  x  .  .  .  .
incident:verify          .  .  x  x  x  .  .  .  .
incident:close           .  .  x  x  x  .  .  .  .
incident:follow_up       x  .  x  x  x  .  .  .  .
incident:reopen          .  .  x  x  x  .  .  .  .
incident:void            .  .  x  x  x  .  .  .  .
incident:extend          x  .  x  x  x  x  .  .  .
incident:decide_extension .  .  x  x  x  .  .  .  .
incident:suspend         .  .  x  x  x  .  .  .  .
incident:urge            .  .  x  x  x  .  .  .  .
incident:supervise       .  .  x  x  x  .  .  .  .
incident:clock           .  .  .  .  .  .  .  .  .
incident:call            x  .  x  x  x  .  .  .  .
incident:answer          .  .  x  x  x  x  .  .  .
incident:coordinate      .  .  x  x  x  x  .  .  .
incident:merge           .  .  x  x  x  .  .  .  .
incident:reveal          x  .  x  x  x  x  .  .  .
incident:export          .  .  x  x  x  x  x  .  .
attachment:write         x  x  x  x  x  x  .  .  .
area:read                x  x  x  x  x  x  x  x  x
delineation:write        .  .  .  .  .  .  .  x  .
delineation:publish      .  .  .  .  .  .  .  x  .
grid:change              .  .  .  .  .  .  .  x  .
category:manage          .  .  .  .  .  .  .  x  .
policy:read              .  .  .  .  x  .  .  x  .
policy:manage            .  .  .  .  .  .  .  x  .
duty_list:manage         .  .  .  .  .  .  .  x  .
dispatch_approval:read   .  .  x  x  x  x  x  .  .
dispatch_approval:request . .  .  .  x  x  .  .  .
dispatch_approval:opine  .  .  .  x  .  .  .  .  .
dispatch_approval:decide .  .  .  .  x  .  .  .  .
account:read             .  .  x  x  x  .  x  x  .
account:manage           .  .  .  .  .  .  .  x  .
emergency:read           x  x  x  x  x  x  x  x  .
emergency:manage         .  .  .  .  .  .  .  x  .
activation:command       .  .  x  x  x  .  .  .  .
resource:read            .  .  x  x  x  x  x  x  .
resource:manage          .  .  x  x  x  x  .  x  .
resource:allocate        .  .  x  x  x  x  .  .  .
resource:reveal          .  .  x  x  x  x  .  .  .
stock:move               .  .  x  x  x  x  .  .  .
track:write              x  .  .  .  .  .  .  .  .
track:read               .  .  x  x  x  x  .  .  .
plan:read                x  x  x  x  x  x  x  x  x
plan:import              .  .  .  .  .  .  .  x  .
audit:read               .  .  .  .  .  .  x  x  .
indicator:read           .  .  x  x  x  .  x  .  .
"""
EXPECTED = {
    (role, Permission(name)): mark == "x"
    for name, *marks in (line.split() for line in TABLE.strip().splitlines()[1:])
    for role, mark in zip(COLUMNS, marks, strict=True)
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_has_exactly_the_permissions_written_here(
    role: Role, permission: Permission
) -> None:
    assert (permission in ROLE_PERMISSIONS[role]) is EXPECTED[role, permission]


@pytest.mark.parametrize("permission", Permission)
def test_the_roles_of_a_permission_are_those_that_have_it(permission: Permission) -> None:
    having = sorted(role.value for role in Role if EXPECTED[role, permission])
    assert list(roles_with(permission)) == having


def subject(*grants: Grant) -> Subject:
    return Subject(UUID(int=1), "who", "谁", grants, datetime(2026, 1, 1, tzinfo=UTC))


COUNTY, TOWNSHIP, OTHER, VILLAGE = "511723", "511723100", "511723101", "511723100200"
# Where a role is held, and whether it then holds in each of these areas.
SCOPES = {
    COUNTY: {COUNTY: True, TOWNSHIP: True, OTHER: True, VILLAGE: True, "511724": False},
    TOWNSHIP: {COUNTY: False, TOWNSHIP: True, OTHER: False, VILLAGE: True, "5117231": False},
    VILLAGE: {COUNTY: False, TOWNSHIP: False, OTHER: False, VILLAGE: True,
              f"{VILLAGE}001": True, "511723100201": False},
}  # fmt: skip


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.UNIT_HANDLER])
@pytest.mark.parametrize("held_in", SCOPES)
def test_a_permission_holds_inside_the_area_of_its_role_and_nowhere_else(
    role: Role, held_in: str
) -> None:
    caller = subject(Grant(role, held_in))
    for permission in Permission:
        for area, inside in SCOPES[held_in].items():
            expected = EXPECTED[role, permission] and inside
            assert caller.may_in(permission, area) is expected, (permission, area)


def test_a_units_handler_has_no_permission_by_area() -> None:
    caller = subject(Grant(Role.UNIT_HANDLER, COUNTY, "511723-housing"))
    assert caller.has(Permission.INCIDENT_READ)
    assert caller.units == {"511723-housing"}
    assert not any(caller.may_in(permission, VILLAGE) for permission in Permission)


def test_prefixes_inside_one_another_are_named_once() -> None:
    caller = subject(
        Grant(Role.VILLAGE_DISPATCHER, VILLAGE),
        Grant(Role.TOWNSHIP_DISPATCHER, TOWNSHIP),
        Grant(Role.TOWNSHIP_DISPATCHER, OTHER),
        Grant(Role.AUDITOR, COUNTY),
    )
    assert caller.area_prefixes(Permission.INCIDENT_ASSIGN) == (TOWNSHIP, OTHER)
    assert caller.area_prefixes(Permission.INCIDENT_READ) == (COUNTY,)
    assert caller.area_prefixes(Permission.ACCOUNT_MANAGE) == ()
