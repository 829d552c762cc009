"""Dependencies of routes: who is calling, and whether they may at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import Forbidden, Unauthenticated
from service.kit import clock

# Documents the security scheme in the OpenAPI; `caller` reads the header itself.
bearer = OAuth2PasswordBearer(tokenUrl="/v1/auth/token", auto_error=False)


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


def holder_of(permission: Permission) -> Callable[[Subject], Awaitable[Subject]]:
    """A dependency: the caller, who must hold `permission` somewhere. Raises Forbidden."""

    async def check(subject: Caller) -> Subject:
        if not subject.has(permission):
            raise Forbidden
        return subject

    return check
