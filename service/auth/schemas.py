"""What crosses the wire about logins, accounts, assignments and units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from service.auth.permissions import Permission, Role
from service.kit.fields import Strict, Text50, Text200

Login = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{2,49}$"),
    Field(description="3–50 of a-z 0-9 . _ -; typed in any case", examples=["wang.fang"]),
]
UnitCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{1,49}$"),
    Field(examples=["511723-housing"]),
]
# ASCII digits only: `\d` would take full-width ones too.
Area = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$"),
    Field(examples=["511723100"]),
]
UnitArea = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$"), Field(examples=["511723"])
]
Subject = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$"),
    Field(description="`sub` of the other issuer's tokens"),
]
PasswordText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$"),
    Field(json_schema_extra={"format": "password"}),
]


class TokenAnswer(BaseModel):
    """Tokens (RFC 6749 5.1); a system gets no refresh token. Lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(examples=[600])
    refresh_token: str | None
    refresh_token_expires_in: int | None = Field(examples=[2592000])


class Revoked(BaseModel):
    """The login has ended, or never was (RFC 7009 2.2 tells no difference)."""

    revoked: Literal[True]


class GrantOut(BaseModel):
    """A role in force: where, and for which unit."""

    role: Role
    area: str
    unit: str | None


class Me(BaseModel):
    """The caller: roles in force, the shortest area prefixes, units, and all permissions."""

    id: UUID
    login: str
    name: str
    roles: list[Role]
    grants: list[GrantOut]
    areas: list[str] = Field(description="Where any role holds by area", examples=[["511723100"]])
    units: list[str] = Field(description="Units the caller handles for")
    permissions: list[Permission]


class SessionOut(BaseModel):
    """One login that is alive, with the device that it is bound to."""

    family: UUID
    device_id: str | None
    logged_in_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool = Field(description="The login that this request was made with")


class SessionPage(BaseModel):
    """Logins, newest first."""

    items: list[SessionOut]
    next: str | None


class PasswordChange(Strict):
    """The old password and the new: 10 characters or more, not the login, not a common one."""

    old_password: PasswordText
    new_password: PasswordText


class AssignmentOut(BaseModel):
    """Who has which role where, from when until when."""

    id: UUID
    account_id: UUID
    role: Role
    area: str
    unit: str | None
    valid_from: datetime
    valid_to: datetime | None


class AssignmentPage(BaseModel):
    """Assignments, oldest first."""

    items: list[AssignmentOut]
    next: str | None


class AccountOut(BaseModel):
    """An account, with its roles in force or to come inside the caller's area."""

    id: UUID
    login: str
    name: str
    kind: Literal["person", "system"]
    status: Literal["active", "disabled"]
    area: str | None = Field(description="Whose administrators look after it; null: the county's")
    locked_until: datetime | None
    has_password: bool
    oidc_subject: str | None = Field(description="Shown to administrators only")
    created_at: datetime
    assignments: list[AssignmentOut]


class AccountIssued(AccountOut):
    """An account with its new secret, which is shown this once and in no replay."""

    password: str | None = None
    client_secret: str | None = None


class AccountPage(BaseModel):
    """Accounts, oldest first."""

    items: list[AccountOut]
    next: str | None


class AccountNew(Strict):
    """A person (gets a password to be changed) or a system (gets a client secret)."""

    id: UUID | None = Field(default=None, description="UUIDv7 made by the client: a safe replay")
    login: Login
    name: Text50 = Field(examples=["王芳"])
    kind: Literal["person", "system"] = "person"
    area: Area = Field(description="Whose administrators look after it", examples=["511723100"])
    oidc_subject: Subject | None = None
    with_password: bool = Field(
        default=True, description="False for a person who only comes by the other issuer"
    )

    @model_validator(mode="after")
    def _reachable(self) -> AccountNew:
        if not self.with_password and self.oidc_subject is None:
            raise PydanticCustomError(
                "no_way_in",
                "Without a password the account needs an oidc_subject",
                {"zh": "不设密码时须填写 oidc_subject"},
            )
        return self


class AccountChange(Strict):
    """What is to change; what is left out stays. `oidc_subject: null` unlinks."""

    name: Text50 | None = None
    status: Literal["active", "disabled"] | None = None
    area: Area | None = None
    oidc_subject: Subject | None = None
    unlock: Literal[True] | None = None
    reset_password: Literal[True] | None = Field(
        default=None, description="A new password or client secret, shown once; ends all logins"
    )

    @model_validator(mode="after")
    def _something(self) -> AccountChange:
        if not self.model_fields_set:
            raise PydanticCustomError(
                "nothing_to_change", "Nothing is to change", {"zh": "没有要修改的内容"}
            )
        return self


class AssignmentNew(Strict):
    """A role for an account in an area, for a unit where the role needs one."""

    id: UUID | None = Field(default=None, description="UUIDv7 made by the client: a safe replay")
    account_id: UUID
    role: Role
    area: Area
    unit: UnitCode | None = None
    valid_from: AwareDatetime | None = Field(default=None, description="Now unless given")
    valid_to: AwareDatetime | None = None


class AssignmentEnd(Strict):
    """Why the assignment ends."""

    note: Text200 | None = None


class UnitOut(BaseModel):
    """A department or committee; its area is where it may be sent."""

    code: str
    name_zh: str
    name_en: str
    tier: int = Field(ge=2, le=4, description="2 village or community, 3 township, 4 county")
    area: str
    active: bool


class UnitPage(BaseModel):
    """Units by code."""

    items: list[UnitOut]
    next: str | None


class UnitNew(Strict):
    """A unit; its tier follows from its area."""

    code: UnitCode
    name_zh: Text50 = Field(examples=["县住建局"])
    name_en: Text200 = Field(examples=["County Housing and Construction Bureau"])
    area: UnitArea


class UnitChange(Strict):
    """New names, or whether the unit takes cases; what is left out stays."""

    name_zh: Text50 | None = None
    name_en: Text200 | None = None
    active: bool | None = None
