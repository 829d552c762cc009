"""Roles, permissions, and which role has which: one map, read by routes, rules and matrix tests."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an assignment makes of an account inside an area or a unit."""

    GRID_WORKER = "grid_worker"
    PROXY_AGENT = "proxy_agent"
    VILLAGE_DISPATCHER = "village_dispatcher"
    TOWNSHIP_DISPATCHER = "township_dispatcher"
    COUNTY_DISPATCHER = "county_dispatcher"
    UNIT_HANDLER = "unit_handler"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    INTEGRATION_CLIENT = "integration_client"


class Permission(StrEnum):
    """What may be done; the text is stable and shown by `GET /v1/me`."""

    INCIDENT_REPORT = "incident:report"
    INCIDENT_READ = "incident:read"
    INCIDENT_SELF_HANDLE = "incident:self_handle"
    INCIDENT_ACCEPT = "incident:accept"
    INCIDENT_REJECT = "incident:reject"
    INCIDENT_ASSIGN = "incident:assign"
    INCIDENT_TRANSFER = "incident:transfer"
    INCIDENT_HANDLE = "incident:handle"
    INCIDENT_RETURN = "incident:return"
    INCIDENT_ESCALATE = "incident:escalate"
    INCIDENT_VERIFY = "incident:verify"
    INCIDENT_CLOSE = "incident:close"
    INCIDENT_FOLLOW_UP = "incident:follow_up"
    INCIDENT_REOPEN = "incident:reopen"
    INCIDENT_VOID = "incident:void"
    INCIDENT_EXTEND = "incident:extend"
    INCIDENT_DECIDE_EXTENSION = "incident:decide_extension"
    INCIDENT_SUSPEND = "incident:suspend"
    INCIDENT_URGE = "incident:urge"
    INCIDENT_SUPERVISE = "incident:supervise"
    INCIDENT_CLOCK = "incident:clock"
    INCIDENT_CALL = "incident:call"
    INCIDENT_ANSWER = "incident:answer"
    INCIDENT_COORDINATE = "incident:coordinate"
    INCIDENT_MERGE = "incident:merge"
    INCIDENT_REVEAL = "incident:reveal"
    INCIDENT_EXPORT = "incident:export"
    ATTACHMENT_WRITE = "attachment:write"
    AREA_READ = "area:read"
    DELINEATION_WRITE = "delineation:write"
    DELINEATION_PUBLISH = "delineation:publish"
    GRID_CHANGE = "grid:change"
    CATEGORY_MANAGE = "category:manage"
    POLICY_READ = "policy:read"
    POLICY_MANAGE = "policy:manage"
    DUTY_LIST_MANAGE = "duty_list:manage"
    DISPATCH_APPROVAL_READ = "dispatch_approval:read"
    DISPATCH_APPROVAL_REQUEST = "dispatch_approval:request"
    DISPATCH_APPROVAL_OPINE = "dispatch_approval:opine"
    DISPATCH_APPROVAL_DECIDE = "dispatch_approval:decide"
    ACCOUNT_READ = "account:read"
    ACCOUNT_MANAGE = "account:manage"
    EMERGENCY_READ = "emergency:read"
    EMERGENCY_MANAGE = "emergency:manage"
    ACTIVATION_COMMAND = "activation:command"
    RESOURCE_READ = "resource:read"
    RESOURCE_MANAGE = "resource:manage"
    RESOURCE_ALLOCATE = "resource:allocate"
    RESOURCE_REVEAL = "resource:reveal"
    STOCK_MOVE = "stock:move"
    TRACK_WRITE = "track:write"
    TRACK_READ = "track:read"
    PLAN_READ = "plan:read"
    PLAN_IMPORT = "plan:import"
    AUDIT_READ = "audit:read"
    INDICATOR_READ = "indicator:read"


P = Permission

_EVERYBODY = {P.AREA_READ, P.PLAN_READ}
_FIELD = _EVERYBODY | {P.INCIDENT_REPORT, P.ATTACHMENT_WRITE, P.EMERGENCY_READ}
# Resources are kept and given by their owners too, and by a village's committees in an emergency.
_RESOURCES = {
    P.RESOURCE_READ,
    P.RESOURCE_MANAGE,
    P.RESOURCE_ALLOCATE,
    P.RESOURCE_REVEAL,
    P.STOCK_MOVE,
    P.TRACK_READ,
}
_DISPATCH = (
    _FIELD
    | _RESOURCES
    | {
        P.ACTIVATION_COMMAND,
        P.INCIDENT_READ,
        P.INCIDENT_ACCEPT,
        P.INCIDENT_REJECT,
        P.INCIDENT_ASSIGN,
        P.INCIDENT_TRANSFER,
        P.INCIDENT_HANDLE,
        P.INCIDENT_RETURN,
        P.INCIDENT_ESCALATE,
        P.INCIDENT_VERIFY,
        P.INCIDENT_CLOSE,
        P.INCIDENT_FOLLOW_UP,
        P.INCIDENT_REOPEN,
        P.INCIDENT_VOID,
        P.INCIDENT_EXTEND,
        P.INCIDENT_DECIDE_EXTENSION,
        P.INCIDENT_SUSPEND,
        P.INCIDENT_URGE,
        P.INCIDENT_SUPERVISE,
        P.INCIDENT_CALL,
        P.INCIDENT_ANSWER,
        P.INCIDENT_COORDINATE,
        P.INCIDENT_MERGE,
        P.INCIDENT_REVEAL,
        P.INCIDENT_EXPORT,
        P.DISPATCH_APPROVAL_READ,
        P.INDICATOR_READ,
        P.ACCOUNT_READ,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.GRID_WORKER: frozenset(
        _FIELD
        | {
            P.TRACK_WRITE,
            P.INCIDENT_READ,
            P.INCIDENT_SELF_HANDLE,
            P.INCIDENT_ACCEPT,
            P.INCIDENT_HANDLE,
            P.INCIDENT_RETURN,
            P.INCIDENT_ESCALATE,
            P.INCIDENT_FOLLOW_UP,
            P.INCIDENT_EXTEND,
            P.INCIDENT_CALL,
            P.INCIDENT_REVEAL,
        }
    ),
    Role.PROXY_AGENT: frozenset(_FIELD),
    Role.VILLAGE_DISPATCHER: frozenset(_DISPATCH | {P.INCIDENT_SELF_HANDLE}),
    Role.TOWNSHIP_DISPATCHER: frozenset(_DISPATCH | {P.DISPATCH_APPROVAL_OPINE}),
    Role.COUNTY_DISPATCHER: frozenset(
        _DISPATCH | {P.POLICY_READ, P.DISPATCH_APPROVAL_REQUEST, P.DISPATCH_APPROVAL_DECIDE}
    ),
    Role.UNIT_HANDLER: frozenset(
        _FIELD
        | _RESOURCES
        | {
            P.INCIDENT_READ,
            P.INCIDENT_HANDLE,
            P.INCIDENT_RETURN,
            P.INCIDENT_EXTEND,
            P.INCIDENT_ANSWER,
            P.INCIDENT_COORDINATE,
            P.INCIDENT_REVEAL,
            P.INCIDENT_EXPORT,
            P.DISPATCH_APPROVAL_READ,
            P.DISPATCH_APPROVAL_REQUEST,
        }
    ),
    Role.AUDITOR: frozenset(
        _EVERYBODY
        | {
            P.INCIDENT_READ,
            P.INCIDENT_EXPORT,
            P.DISPATCH_APPROVAL_READ,
            P.EMERGENCY_READ,
            P.RESOURCE_READ,
            P.INDICATOR_READ,
            P.ACCOUNT_READ,
            P.AUDIT_READ,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        _EVERYBODY
        | {
            P.DELINEATION_WRITE,
            P.DELINEATION_PUBLISH,
            P.GRID_CHANGE,
            P.CATEGORY_MANAGE,
            P.POLICY_READ,
            P.POLICY_MANAGE,
            P.DUTY_LIST_MANAGE,
            P.EMERGENCY_READ,
            P.EMERGENCY_MANAGE,
            P.RESOURCE_READ,
            P.RESOURCE_MANAGE,
            P.ACCOUNT_READ,
            P.ACCOUNT_MANAGE,
            P.PLAN_IMPORT,
            P.AUDIT_READ,
        }
    ),
    Role.INTEGRATION_CLIENT: frozenset(_EVERYBODY | {P.INCIDENT_REPORT, P.INCIDENT_READ}),
}

# Response tier of a role (domain: 1 grid, 2 village/community, 3 township/street, 4 county).
# A role acts as a dispatcher on cases of its own tier and below.
ROLE_TIER: dict[Role, int] = {
    Role.GRID_WORKER: 1,
    Role.VILLAGE_DISPATCHER: 2,
    Role.TOWNSHIP_DISPATCHER: 3,
    Role.COUNTY_DISPATCHER: 4,
}


def roles_with(permission: Permission) -> tuple[str, ...]:
    """The roles that have `permission`, sorted; the database checks an assignment against them."""
    return tuple(sorted(r.value for r, held in ROLE_PERMISSIONS.items() if permission in held))
