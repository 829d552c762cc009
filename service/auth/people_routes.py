"""HTTP of administering people: accounts and assignments."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth import actions, schemas, store
from service.auth.office import scope_of
from service.auth.office_http import (
    Manager,
    NearArea,
    Reader,
    UnitFilter,
    administer,
    list_page,
)
from service.auth.permissions import Role
from service.errors import NotFound
from service.kit.answers import json_answer
from service.kit.idempotency import Asked, keyed
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["people"], route_class=ClauseRoute)

PEOPLE = clauses("23.2", "42.3")


@router.get(
    "/accounts",
    operation_id="list_accounts",
    response_model=schemas.AccountPage,
    responses=problems(401, 403),
    openapi_extra=PEOPLE,
)
async def list_accounts(
    request: Request,
    caller: Reader,
    area: NearArea = None,
    role: Annotated[Role | None, Query()] = None,
    unit: UnitFilter = None,
    status: Annotated[str | None, Query(pattern="^(active|disabled)$")] = None,
    login: Annotated[schemas.Login | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """账号列表 Accounts with a role (or, to be given one, a home) inside the caller's area.

    With `area`, `role` or `unit`: those who hold such a role now, so who can handle there.
    """
    by_role = (area, role, unit) != (None, None, None)
    return await list_page(
        request, caller, store.ACCOUNTS, cursor, limit, area=area, unit=unit, status=status,
        login=login, by_role=by_role, role=role.value if role else None,
    )  # fmt: skip


@router.post(
    "/accounts",
    status_code=201,
    operation_id="create_account",
    response_model=schemas.AccountIssued,
    responses={201: sends("Location"), **problems(401, 403, 409)},
    openapi_extra=PEOPLE,
)
async def create_account(
    request: Request, caller: Manager, body: schemas.AccountNew, asked: Asked
) -> Response:
    """新建账号 A person or a system; its first password or client secret is shown this once.

    A replay (same `id` or Idempotency-Key) gives the same account without the secret; reset it
    when the answer was lost.
    """
    return await administer(
        request, caller, keyed(asked, "account", body.id),
        lambda office: actions.create_account(office, body),
    )  # fmt: skip


@router.get(
    "/accounts/{account_id}",
    operation_id="get_account",
    response_model=schemas.AccountOut,
    responses=problems(401, 403, 404),
    openapi_extra=PEOPLE,
)
async def get_account(request: Request, caller: Reader, account_id: UUID) -> Response:
    """账号 One account inside the caller's area."""
    state = request.app.state
    scope = scope_of(caller, state.settings.county)
    async with state.db.session(caller.account_id) as session:
        found = await store.account_json(session, scope, account_id)
    if found is None:
        raise NotFound
    return json_answer(found)


@router.patch(
    "/accounts/{account_id}",
    operation_id="change_account",
    response_model=schemas.AccountIssued,
    responses=problems(401, 403, 404, 409),
    openapi_extra=PEOPLE,
)
async def change_account(
    request: Request, caller: Manager, account_id: UUID, body: schemas.AccountChange, asked: Asked
) -> Response:
    """修改账号 Rename, move, disable, enable, unlock, link, or give a new secret (shown once).

    Only an account whose home and roles all lie inside the caller's area; never the own one.
    """
    return await administer(
        request, caller, asked, lambda office: actions.change_account(office, account_id, body)
    )


@router.get(
    "/assignments",
    operation_id="list_assignments",
    response_model=schemas.AssignmentPage,
    responses=problems(401, 403),
    openapi_extra=PEOPLE,
)
async def list_assignments(
    request: Request,
    caller: Reader,
    account: Annotated[UUID | None, Query()] = None,
    area: NearArea = None,
    role: Annotated[Role | None, Query()] = None,
    unit: UnitFilter = None,
    ended: Annotated[bool, Query(description="With those that have ended")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """任职列表 Assignments inside the caller's area, in force or to come."""
    return await list_page(
        request, caller, store.ASSIGNMENTS, cursor, limit, account=account, area=area, unit=unit,
        ended=ended, role=role.value if role else None,
    )  # fmt: skip


@router.post(
    "/assignments",
    status_code=201,
    operation_id="create_assignment",
    response_model=schemas.AssignmentOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=PEOPLE,
)
async def create_assignment(
    request: Request, caller: Manager, body: schemas.AssignmentNew, asked: Asked
) -> Response:
    """任职 Give an account a role inside the caller's area; never the caller's own account."""
    return await administer(
        request, caller, keyed(asked, "assignment", body.id),
        lambda office: actions.assign(office, body),
    )  # fmt: skip


@router.post(
    "/assignments/{assignment_id}/end",
    operation_id="end_assignment",
    response_model=schemas.AssignmentOut,
    responses=problems(401, 403, 404, 409),
    openapi_extra=PEOPLE,
)
async def end_assignment(
    request: Request,
    caller: Manager,
    assignment_id: UUID,
    asked: Asked,
    body: schemas.AssignmentEnd | None = None,
) -> Response:
    """免职 End a role now, or take it back before it begins."""
    note = body.note if body else None
    return await administer(
        request, caller, asked, lambda office: actions.end_assignment(office, assignment_id, note)
    )
