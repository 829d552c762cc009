"""HTTP of the plan: clauses with what fulfils them, coverage, imports of the official text."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Path, Query, Request, UploadFile
from starlette.responses import Response

from service.auth.guards import Caller, holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import UnsupportedMediaType
from service.kit import clock
from service.kit.answers import JSON_TYPE, json_answer
from service.kit.fields import Text50, Text200
from service.kit.idempotency import HEADER, Answer, Once, hash_request, key_of, run_once
from service.kit.openapi import problems, reads, sends
from service.kit.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit
from service.kit.routing import ClauseRoute, clauses
from service.plan import actions, schemas
from service.plan.catalogue import ClauseFilter, Status
from service.plan.parsing.decode import MAX_BYTES

router = APIRouter(prefix="/v1/plan", tags=["plan"], route_class=ClauseRoute)

FORM = "multipart/form-data"
# Evidence that is there to be read need not be reported (see the registry's 36.2).
SERVED = clauses("36.2")

Importer = Annotated[Subject, Depends(holder_of(Permission.PLAN_IMPORT, countywide=True))]


@reads(HEADER)
async def multipart(request: Request, _caller: Importer) -> None:
    """A dependency: a form with files, and a key that can be kept, by one who may send them.

    Raises UnsupportedMediaType, BadKey.
    """
    key_of(request)
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(given=given[:100] or "–", expected=FORM)


@router.get(
    "/clauses",
    operation_id="list_plan_clauses",
    response_model=schemas.ClausePage,
    responses=problems(401),
    openapi_extra=SERVED,
)
async def list_plan_clauses(
    request: Request,
    _caller: Caller,
    section: Annotated[int | None, Query(ge=1, le=99)] = None,
    task: Annotated[int | None, Query(ge=1, le=99)] = None,
    mechanism: Annotated[Text50 | None, Query(examples=["incidents"])] = None,
    status: Annotated[Status | None, Query(description="Of its mechanisms")] = None,
    unit: Annotated[Text200 | None, Query(description="A responsible unit, or part of it")] = None,
    q: Annotated[Text200 | None, Query(description="In summaries, units, official text")] = None,
    limit: Limit = MAX_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """方案条款 The plan's measures with units, completion time and mechanisms; all on one page."""
    wanted = ClauseFilter(section, task, mechanism, status, unit, q)
    state = request.app.state
    return json_answer(
        await actions.list_clauses(state.db, state.cursors, wanted, limit=limit, cursor=cursor)
    )


@router.get(
    "/clauses/{clause}",
    operation_id="read_plan_clause",
    response_model=schemas.ClauseDetail,
    responses=problems(401, 404),
    openapi_extra=SERVED,
)
async def read_plan_clause(
    request: Request,
    caller: Caller,
    clause: Annotated[str, Path(max_length=20, examples=["23.2"])],
) -> Response:
    """条款详情 A measure (`23.2`) or task (`23`): what fulfils it, live counts, last evidence.

    Full-width digits are taken too. Counts are of the whole county; what happened last is shown
    to those who may read that case, others see only when.
    """
    state = request.app.state
    return json_answer(
        await actions.show_clause(state.db, state.operations, caller.account_id, clause)
    )


@router.get(
    "/coverage",
    operation_id="read_plan_coverage",
    response_model=schemas.Coverage,
    responses=problems(401),
    openapi_extra=SERVED,
)
async def read_plan_coverage(request: Request, _caller: Caller) -> Response:
    """方案覆盖 What of the plan has a counterpart here, and what has none, in figures."""
    state = request.app.state
    return json_answer(await actions.show_coverage(state.db, state.operations))


@router.post(
    "/imports",
    status_code=201,
    operation_id="import_plan",
    response_model=schemas.ImportReportOut,
    responses={201: sends("Location"), **problems(401, 403, 409, 415)},
    openapi_extra=SERVED,
    dependencies=[Depends(multipart)],
)
async def import_plan(
    request: Request,
    caller: Importer,
    file: Annotated[UploadFile, File(description="Plain text, UTF-8 or GB 18030, up to 5 MiB")],
) -> Response:
    """导入方案文本 Import the official text; the answer lists every irregularity and difference.

    Nothing is dropped: text that has no place is stored as unassigned and told; a number that
    stands twice is stored twice, with ordinals, and told. A file that is no plan is refused.
    """
    data = await file.read(MAX_BYTES + 1)
    name = file.filename
    body = b"%b\n%b" % ((name or "").encode(errors="replace"), data)
    asked = Once(key_of(request), hash_request(request.method, request.url.path, body))
    who = caller.account_id
    async with request.app.state.db.session(who) as session:

        async def act() -> Answer:
            report = await actions.import_plan(session, data, name, who, clock.now())
            return Answer(201, report, {"Location": f"/v1/plan/imports/{report.id}"})

        return await run_once(session, who, asked, act)


@router.get(
    "/imports",
    operation_id="list_plan_imports",
    response_model=schemas.ImportPage,
    responses=problems(401),
    openapi_extra=SERVED,
)
async def list_plan_imports(
    request: Request,
    _caller: Caller,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """导入记录 Imports of the official text, newest first."""
    state = request.app.state
    page = await actions.list_imports(state.db, state.cursors, limit=limit, cursor=cursor)
    return Response(page, media_type=JSON_TYPE)


@router.get(
    "/imports/{import_id}",
    operation_id="read_plan_import",
    response_model=schemas.ImportDetail,
    responses=problems(401, 404),
    openapi_extra=SERVED,
)
async def read_plan_import(
    request: Request,
    _caller: Caller,
    import_id: UUID,
    pieces: Annotated[bool, Query(description="All pieces of the text as well")] = False,
) -> Response:
    """导入详情 One import with every irregularity and difference; with `pieces` all its text."""
    return json_answer(await actions.show_import(request.app.state.db, import_id, pieces=pieces))
