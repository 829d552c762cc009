"""HTTP of changes of published grids: split, merge, adjust."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from service.areas.actions import adjust as adjusting
from service.areas.actions import change
from service.areas.routes.common import GridCode
from service.areas.rules import expected_version
from service.areas.schemas import changes as schemas
from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.kit import clock
from service.kit.idempotency import Once, once, run_once
from service.kit.openapi import problems, sends
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["grids"], route_class=ClauseRoute)

Changer = Annotated[Subject, Depends(holder_of(Permission.GRID_CHANGE))]
Key = Annotated[Once, Depends(once)]
IfMatch = Annotated[
    str | None, Header(max_length=100, description="ETag of the grid; another version is 412")
]


@router.post(
    "/grids/merge",
    operation_id="merge_grids",
    response_model=schemas.GridChange,
    responses=problems(401, 403, 404, 409, 412),
    openapi_extra=clauses("23.2"),
)
async def merge_grids(
    request: Request, caller: Changer, body: schemas.Merge, asked: Key
) -> Response:
    """合并网格 Adjoining grids of one village and kind become one new grid; they retire."""
    state = request.app.state
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            asked,
            lambda: change.merge(session, state.settings, caller, body=body, now=clock.now()),
        )


@router.post(
    "/grids/{code}/split",
    operation_id="split_grid",
    response_model=schemas.GridChange,
    responses=problems(401, 403, 404, 409, 412),
    openapi_extra=clauses("23.2"),
)
async def split_grid(
    request: Request,
    caller: Changer,
    code: GridCode,
    body: schemas.Split,
    asked: Key,
    if_match: IfMatch = None,
) -> Response:
    """拆分网格 The parts cover the grid exactly (up to 1 m2) and are new; it retires."""
    state = request.app.state
    expected = expected_version(if_match)
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            asked,
            lambda: change.split(
                session, state.settings, caller, code, body=body, expected=expected,
                now=clock.now(),
            ),
        )  # fmt: skip


@router.post(
    "/grids/{code}/adjust",
    operation_id="adjust_grid",
    response_model=schemas.GridChange,
    responses={200: sends("ETag"), **problems(401, 403, 404, 409, 412)},
    openapi_extra=clauses("23.2"),
)
async def adjust_grid(
    request: Request,
    caller: Changer,
    code: GridCode,
    body: schemas.Adjust,
    asked: Key,
    if_match: IfMatch = None,
) -> Response:
    """调整网格 A boundary correction: codes stay, versions are new.

    The border of basic grids moves between neighbours: the grid and its `neighbours` cover together
    what they covered before (up to 1 m2), and each keeps at least half of its ground.
    """
    state = request.app.state
    expected = expected_version(if_match)
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            asked,
            lambda: adjusting.adjust(
                session, state.settings, caller, code, body=body, expected=expected,
                now=clock.now(),
            ),
        )  # fmt: skip
