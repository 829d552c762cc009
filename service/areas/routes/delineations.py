"""HTTP of delineations: submit, read, check again, publish."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from service.areas.actions import delineate, drafts
from service.areas.actions import publish as publishing
from service.areas.actions.read import require_area_code
from service.areas.routes.common import Reader, json_answer
from service.areas.schemas import delineations as schemas
from service.auth.guards import holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.kit import clock
from service.kit.idempotency import Once, once, run_once
from service.kit.openapi import problems, sends
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["delineations"], route_class=ClauseRoute)

Drawer = Annotated[Subject, Depends(holder_of(Permission.DELINEATION_WRITE))]
Publisher = Annotated[Subject, Depends(holder_of(Permission.DELINEATION_PUBLISH))]


@router.post(
    "/delineations",
    status_code=201,
    operation_id="submit_delineation",
    response_model=schemas.Delineation,
    responses={201: sends("Location"), **problems(401, 403, 409, 415)},
    openapi_extra=clauses("23.2", "30.1"),
)
async def submit_delineation(
    request: Request,
    caller: Drawer,
    form: Annotated[schemas.DelineationForm, Form(media_type="multipart/form-data")],
    asked: Annotated[Once, Depends(once)],
) -> Response:
    """提交划分成果 Polygons with provenance: checked at once, stored with the findings.

    `status` is `checked`, or `refused` when a finding is an error. A file that cannot be read, does
    not say its coordinate system or breaks a limit is a problem, and nothing is stored.
    """
    state = request.app.state
    submission = delineate.submission_of(form)
    checked = await delineate.check(
        state.db, state.settings, state.examiner, caller, submission, form.file.file
    )
    named = delineate.keyed(asked, form, checked)
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            named,
            lambda: delineate.submit(session, state.settings, caller, checked, clock.now()),
        )


@router.get(
    "/delineations",
    operation_id="list_delineations",
    response_model=schemas.DelineationPage,
    responses=problems(401, 403),
    openapi_extra=clauses("23.2"),
)
async def list_delineations(
    request: Request,
    caller: Reader,
    area: Annotated[str | None, Query(max_length=64)] = None,
    status: schemas.Status | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> Response:
    """划分成果列表 Published ones, and drafts of the caller's own areas, the newest first."""
    state = request.app.state
    inside = require_area_code(area, "/area") if area is not None else None
    return json_answer(
        await drafts.page(
            state.db.reads, state.cursors, caller, area=inside, status=status, cursor=cursor,
            limit=limit,
        )
    )  # fmt: skip


@router.get(
    "/delineations/{delineation_id}",
    operation_id="read_delineation",
    response_model=schemas.Delineation,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2"),
)
async def read_delineation(request: Request, caller: Reader, delineation_id: UUID) -> Response:
    """划分成果 One delineation: provenance, state, and the check in figures."""
    return json_answer(await drafts.read(request.app.state.db.reads, caller, delineation_id))


@router.get(
    "/delineations/{delineation_id}/findings",
    operation_id="read_delineation_findings",
    response_model=schemas.Findings,
    responses=problems(401, 403, 404),
    openapi_extra=clauses("23.2"),
)
async def read_delineation_findings(
    request: Request, caller: Reader, delineation_id: UUID
) -> Response:
    """检查结果 What the check found, as GeoJSON in EPSG:4490 that a GIS shows; errors first."""
    body = await drafts.findings(request.app.state.db.reads, caller, delineation_id)
    return Response(body, media_type="application/json")


@router.post(
    "/delineations/{delineation_id}/check",
    operation_id="check_delineation",
    response_model=schemas.Delineation,
    responses=problems(401, 403, 404, 409),
    openapi_extra=clauses("23.2"),
)
async def check_delineation(
    request: Request,
    caller: Drawer,
    delineation_id: UUID,
    asked: Annotated[Once, Depends(once)],
) -> Response:
    """重新检查 Check a draft against the grids and boundaries that are there now."""
    state = request.app.state
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            asked,
            lambda: delineate.check_again(session, state.db, caller, delineation_id, clock.now()),
        )


@router.post(
    "/delineations/{delineation_id}/publish",
    operation_id="publish_delineation",
    response_model=schemas.Published,
    responses=problems(401, 403, 404, 409),
    openapi_extra=clauses("23.2", "30.1"),
)
async def publish_delineation(
    request: Request,
    caller: Publisher,
    delineation_id: UUID,
    asked: Annotated[Once, Depends(once)],
    body: schemas.Publication | None = None,
) -> Response:
    """发布 Publish a checked delineation: all of it or nothing.

    A polygon that equals a grid in force (up to 1 m2) keeps its code; one that names a grid in
    force by `grid_code` corrects its boundary and keeps the code in a new version; all others get
    new codes after the highest ever used, from north to south and west to east. Grids of the
    villages in the file that nobody kept retire, with their successors noted.
    """
    state = request.app.state
    now: datetime = clock.now()
    async with state.db.session(caller.account_id) as session:
        return await run_once(
            session,
            caller.account_id,
            asked,
            lambda: publishing.publish(
                session,
                state.settings.county,
                caller,
                delineation_id,
                approval_document=body.approval_document if body else None,
                now=now,
            ),
        )
