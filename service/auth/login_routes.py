"""HTTP of logging in: tokens, logout, the caller, the caller's password and devices."""

from __future__ import annotations

import hmac
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from service.auth import logins, schemas
from service.auth.errors import InvalidRequest, UnsupportedGrantType
from service.auth.forms import RevokeForm, TokenForm, form_body, revoke_form, token_form
from service.auth.guards import Caller, login_family
from service.auth.login_store import SESSIONS
from service.auth.logins import Issued, Logins
from service.auth.permissions import Role
from service.errors import NotFound
from service.kit import clock
from service.kit.answers import JSON_TYPE
from service.kit.idempotency import HEADER, Answer, Once, key_of, once, run_once
from service.kit.openapi import problems, reads
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit, page_bytes
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["auth"], route_class=ClauseRoute)

Family = Annotated[UUID | None, Depends(login_family)]


@reads(HEADER)
async def once_keyed(request: Request) -> Once:
    """Like `once`, for a body with passwords: the stored hash is keyed, so no guess fits it."""
    secret: bytes = request.app.state.settings.signing_secret
    asked = request.url.path.encode() + b"\0" + await request.body()
    return Once(key_of(request), hmac.digest(secret, asked, "sha256")[:16])


@router.post(
    "/auth/token",
    operation_id="issue_token",
    response_model=schemas.TokenAnswer,
    responses=problems(401, 415, 429),
    openapi_extra={**clauses("30.1", "31.1"), **form_body(TokenForm)},
)
async def issue_token(
    request: Request, form: Annotated[TokenForm, Depends(token_form)]
) -> Response:
    """登录、续期 Tokens for a password, a refresh token or a system's secret (RFC 6749).

    A refresh token works once; using one again ends its login, except that a client whose
    network lost the answer may repeat the exchange within 30 seconds from the same device as
    long as no newer token has been used. With `device_id` a login is bound to that device.
    Too many wrong passwords lock the account for a while (429, Retry-After).
    """
    issued = await _grant(request.app.state.logins, form)
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(msgspec.json.encode(issued), headers=headers, media_type=JSON_TYPE)


async def _grant(doors: Logins, form: TokenForm) -> Issued:
    match form:
        case TokenForm(grant_type="password", username=str(login), password=str(password)):
            return await doors.by_password(login, password, form.device_id)
        case TokenForm(grant_type="refresh_token", refresh_token=str(token)):
            return await doors.by_refresh(token, form.device_id)
        case TokenForm(grant_type="client_credentials", client_id=str(login), client_secret=str(s)):
            return await doors.by_client(login, s)
        case TokenForm(grant_type="password" | "refresh_token" | "client_credentials"):
            raise InvalidRequest(
                reason_zh=f"grant_type={form.grant_type} 缺少必需的参数",
                reason_en=f"grant_type={form.grant_type} lacks a parameter",
            )
        case _:
            raise UnsupportedGrantType


@router.post(
    "/auth/revoke",
    operation_id="revoke_token",
    response_model=schemas.Revoked,
    responses=problems(415),
    openapi_extra={**clauses("30.1", "31.1"), **form_body(RevokeForm)},
)
async def revoke_token(
    request: Request, form: Annotated[RevokeForm, Depends(revoke_form)]
) -> Response:
    """退出登录 End the login that a token belongs to (RFC 7009); an unknown token is no error."""
    await request.app.state.logins.revoke(form.token)
    return Response(b'{"revoked":true}', media_type=JSON_TYPE)


@router.get(
    "/me",
    operation_id="get_me",
    response_model=schemas.Me,
    responses=problems(401),
    openapi_extra=clauses("23.2", "42.3"),
)
async def get_me(caller: Caller) -> Response:
    """我的账号 The caller: account, roles in force, areas, units and permissions."""
    by_area = sorted({g.area for g in caller.grants if g.role is not Role.UNIT_HANDLER})
    body = {
        "id": caller.account_id,
        "login": caller.login,
        "name": caller.name,
        "roles": sorted({g.role for g in caller.grants}),
        "grants": [{"role": g.role, "area": g.area, "unit": g.unit} for g in caller.grants],
        "areas": [a for a in by_area if not any(a != b and a.startswith(b) for b in by_area)],
        "units": sorted(caller.units),
        "permissions": sorted(caller.permissions),
    }
    return Response(msgspec.json.encode(body), media_type=JSON_TYPE)


@router.post(
    "/me/password",
    status_code=204,
    operation_id="change_password",
    responses=problems(401, 409, 429),
    openapi_extra=clauses("30.1", "31.1"),
)
async def change_password(
    request: Request,
    caller: Caller,
    family: Family,
    body: schemas.PasswordChange,
    asked: Annotated[Once, Depends(once_keyed)],
) -> Response:
    """修改密码 Replace the caller's password; every other login ends.

    A wrong old password counts as a guess and may lock the account.
    """
    state = request.app.state
    async with state.db.session(caller.account_id) as session:

        async def change() -> Answer:
            await state.logins.change_password(
                session,
                caller.account_id,
                old=body.old_password,
                new=body.new_password,
                keep=family,
            )
            return Answer(204, None)

        return await run_once(session, caller.account_id, asked, change)


@router.get(
    "/me/sessions",
    operation_id="list_my_sessions",
    response_model=schemas.SessionPage,
    responses=problems(401),
    openapi_extra=clauses("30.1", "31.1"),
)
async def list_my_sessions(
    request: Request,
    caller: Caller,
    family: Family,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """我的登录设备 Where the caller is logged in, newest login first."""
    state = request.app.state
    scope = f"sessions {caller.account_id}"
    after = state.cursors.read(cursor, scope, UUID)[0] if cursor else None
    rows = await state.db.reads.fetch(
        SESSIONS, caller.account_id, clock.now(), after, limit + 1, family
    )
    more = state.cursors.make(scope, rows[limit - 1]["family_id"]) if len(rows) > limit else None
    return Response(page_bytes([row["item"] for row in rows[:limit]], more), media_type=JSON_TYPE)


@router.delete(
    "/me/sessions/{family}",
    status_code=204,
    operation_id="end_my_session",
    responses=problems(401, 404, 409),
    openapi_extra=clauses("30.1", "31.1"),
)
async def end_my_session(
    request: Request, caller: Caller, family: UUID, asked: Annotated[Once, Depends(once)]
) -> Response:
    """退出某设备 End one of the caller's logins, as for a lost telephone.

    Its refresh token stops at once, its access token within its ten minutes.
    """
    async with request.app.state.db.session(caller.account_id) as session:

        async def end() -> Answer:
            if not await logins.end_session(session, caller.account_id, family):
                raise NotFound
            return Answer(204, None)

        return await run_once(session, caller.account_id, asked, end)
