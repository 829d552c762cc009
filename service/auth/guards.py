"""Dependencies of routes: who is calling, and whether they may at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import Forbidden, Unauthenticated
from service.kit import clock

COUNTY_DIGITS = 6


async def caller(request: Request) -> Subject:
    """The account that the request's bearer token names. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    state = request.app.state
    if state.oidc is not None and (subject_id := await state.oidc.account_of(token)) is not None:
        found: Subject = await state.subjects.get(subject_id)
        return found
    claims = state.tokens.verify(token, clock.now())
    known: Subject = await state.subjects.get(claims.account_id)
    return known


Caller = Annotated[Subject, Depends(caller)]


def holder_of(
    permission: Permission, *, countywide: bool = False
) -> Callable[[Subject], Awaitable[Subject]]:
    """A dependency: the caller, who must hold `permission` somewhere, or in the whole county.

    What all areas share (categories, the plan) is changed by the county alone. Raises Forbidden.
    """

    async def check(subject: Caller) -> Subject:
        grants = subject.grants_for(permission)
        if not any(len(g.area) == COUNTY_DIGITS or not countywide for g in grants):
            raise Forbidden
        return subject

    return check


@dataclass(frozen=True, slots=True)
class Visit:
    """Who calls, and the moment (epoch seconds) at which its token ends."""

    subject: Subject
    ends: float


async def visit(request: Request, subject: Caller) -> Visit:
    """A dependency: the caller with its token's end, for answers that outlive a request.

    Raises Unauthenticated.
    """
    _, _, token = request.headers.get("authorization", "").partition(" ")
    state = request.app.state
    if state.oidc is not None and state.oidc.issued(token):
        return Visit(subject, state.oidc.end_of(token))
    return Visit(subject, state.tokens.verify(token, clock.now()).expires)


async def login_family(request: Request) -> UUID | None:
    """A dependency: the login that the request's token belongs to.

    None for a token of the other issuer, whose logins are not kept here. Raises Unauthenticated.
    """
    _, _, token = request.headers.get("authorization", "").partition(" ")
    state = request.app.state
    if state.oidc is not None and state.oidc.issued(token):
        return None
    family: UUID = state.tokens.verify(token, clock.now()).family_id
    return family
