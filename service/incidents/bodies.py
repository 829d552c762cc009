"""The body of each action on an incident."""

from __future__ import annotations

from service.incidents import schemas
from service.incidents.together.schemas import BODIES as TOGETHER_BODIES

BODIES: dict[str, type[schemas.Noted]] = {
    "self-handle": schemas.Submitted,
    "accept": schemas.Noted,
    "reject": schemas.Reasoned,
    "assign": schemas.Assigned,
    "transfer": schemas.Assigned,
    "arrive": schemas.Arrived,
    "handle": schemas.Noted,
    "submit": schemas.Submitted,
    "return": schemas.Reasoned,
    "escalate": schemas.Reasoned,
    "verify": schemas.Verified,
    "rework": schemas.Reasoned,
    "close": schemas.Closed,
    "follow-up": schemas.FollowedUp,
    "reopen": schemas.Reasoned,
    "void": schemas.Reasoned,
    "extend": schemas.Extended,
    "approve-extension": schemas.Noted,
    "refuse-extension": schemas.Reasoned,
    "suspend": schemas.Reasoned,
    "resume": schemas.Noted,
    "urge": schemas.Noted,
    "supervise": schemas.Reasoned,
    **TOGETHER_BODIES,
}
