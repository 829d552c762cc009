"""Pure decisions about logins and roles; the clock and what the tables hold are passed in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from service.auth.permissions import Role

# A client whose network dropped the answer may ask again this long.
LOST_ANSWER_GRACE = timedelta(seconds=30)
# Clocks of clients run a little ahead or behind; a start just past is "now".
START_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token as stored. `successors_untouched`: none was used or revoked since."""

    device_id: str | None
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    successors_untouched: bool


class Verdict(Enum):
    """What becomes of a refresh token that was presented."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    EXPIRED = "expired"
    REUSED = "refresh_token_reused"
    OTHER_DEVICE = "refresh_token_from_other_device"

    @property
    def grants(self) -> bool:
        """Whether new tokens are given."""
        return self in (Verdict.ROTATE, Verdict.REPEAT)

    @property
    def ends_family(self) -> bool:
        """Whether the whole login ends: somebody else may hold its tokens."""
        return self in (Verdict.REUSED, Verdict.OTHER_DEVICE)


def judge_refresh(token: Presented, *, device_id: str | None, now: datetime) -> Verdict:
    """What to do with a refresh token (RFC 9700 4.14.2: rotation with reuse detection).

    A token works once. Seen again, it ends its family, with one exception: the answer may have
    been lost on the way, so the same device may repeat the exchange within 30 s as long as no
    successor has been used. The successors are then alternatives; the use of one ends the others,
    so that a thief and the owner can never both go on.
    """
    if token.device_id is not None and device_id != token.device_id:
        return Verdict.OTHER_DEVICE
    if token.revoked_at is not None:
        return Verdict.REUSED
    if token.used_at is not None:
        lost = (
            now - token.used_at <= LOST_ANSWER_GRACE
            and token.successors_untouched
            and device_id == token.device_id
        )
        if not lost:
            return Verdict.REUSED
    if token.expires_at <= now:
        return Verdict.EXPIRED
    return Verdict.ROTATE if token.used_at is None else Verdict.REPEAT


# Digits of the area that a role may be given for. A tier comes with its role, so a county
# dispatcher "of a township" would act above that township's administrator.
ROLE_AREAS: dict[Role, frozenset[int]] = {
    Role.GRID_WORKER: frozenset({12, 15}),
    Role.PROXY_AGENT: frozenset({9, 12, 15}),
    Role.VILLAGE_DISPATCHER: frozenset({12}),
    Role.TOWNSHIP_DISPATCHER: frozenset({9}),
    Role.COUNTY_DISPATCHER: frozenset({6}),
    Role.UNIT_HANDLER: frozenset({6, 9, 12}),
    Role.AUDITOR: frozenset({6, 9, 12}),
    Role.ADMINISTRATOR: frozenset({6, 9}),
    Role.INTEGRATION_CLIENT: frozenset({6, 9, 12}),
}
# Tier of a unit by the digits of its area: 2 village or community, 3 township, 4 county.
UNIT_TIERS = {12: 2, 9: 3, 6: 4}


@dataclass(frozen=True, slots=True)
class Placement:
    """A role about to be given; `unit_area` is None when no unit is named."""

    kind: str
    role: Role
    area: str
    unit_area: str | None


def misplacement(placed: Placement) -> tuple[str, str] | None:
    """Why the role cannot be given like that (Chinese, English); None when it can."""
    if (placed.kind == "system") != (placed.role is Role.INTEGRATION_CLIENT):
        return "系统账号只能任 integration_client，人员不能", (
            "integration_client is for systems and the only role they take"
        )
    if len(placed.area) not in ROLE_AREAS[placed.role]:
        digits = sorted(ROLE_AREAS[placed.role])
        return f"{placed.role} 的区域代码应为 {digits} 位", (
            f"{placed.role} needs an area code of {digits} digits"
        )
    if placed.role is Role.UNIT_HANDLER:
        if placed.unit_area is None:
            return "unit_handler 须注明单位", "unit_handler needs a unit"
        if not placed.area.startswith(placed.unit_area):
            return "区域不在该单位负责范围内", "the unit does not work in this area"
    return None


def reach(role: Role, area: str, unit_area: str | None) -> str:
    """The area over which a role has power: a unit's handler sees all cases of the unit."""
    return unit_area if role is Role.UNIT_HANDLER and unit_area is not None else area


def inside_any(area: str, prefixes: Collection[str]) -> bool:
    """Whether `area` lies inside one of `prefixes`: "inside" is a prefix."""
    return any(area.startswith(prefix) for prefix in prefixes)


def may_administer(home: str, reaches: Collection[str], prefixes: Collection[str]) -> bool:
    """Whether an administrator of `prefixes` may change an account.

    Its home and everything that it may do must lie inside: who resets a password could act as
    that account everywhere.
    """
    return all(inside_any(area, prefixes) for area in (home, *reaches))


def period(
    start: datetime | None, end: datetime | None, now: datetime
) -> tuple[datetime, datetime | None] | None:
    """The period to store, from `now` unless `start` is later; None when it makes no sense."""
    begins = start or now
    if begins < now - START_TOLERANCE or (end is not None and end <= max(begins, now)):
        return None
    return max(begins, now), end
