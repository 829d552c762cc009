"""HTTP of duty lists: what is in force for everybody, drafts for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from service.auth.acting import administer
from service.auth.guards import Caller, holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.duties.judging import TIER_BY_DIGITS, Verdict, judge
from service.duties.lists import actions, schemas, store
from service.duties.lists.cache import DutySnapshot
from service.duties.lists.errors import UnknownDutyCategory
from service.duties.lists.present import list_in_force, shown_item
from service.duties.lists.rules import Known
from service.errors import NotFound
from service.kit.answers import json_answer
from service.kit.conditional import has_already
from service.kit.idempotency import Asked
from service.kit.openapi import problems, sends, takes
from service.kit.paging import BEYOND_ANY, DEFAULT_LIMIT, Cursor, Limit, query_page
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["duties"], route_class=ClauseRoute)

COUNTY_TIER = 4
KEEPING = clauses("9.1", "25.1", "35.1", "35.3", "35.4")
CHECKING = clauses("9.1", "25.1", "35.2", "35.3", "35.4")

Manager = Annotated[Subject, Depends(holder_of(Permission.DUTY_LIST_MANAGE, countywide=True))]
ItemCode = Annotated[schemas.ItemCode, Path(examples=["T0601"])]


@router.get(
    "/duty-list",
    operation_id="read_duty_list",
    response_model=schemas.DutyListInForce,
    responses={
        200: sends("ETag"),
        304: {"description": "The caller has it already", **sends("ETag")},
        **problems(401, 404),
    },
    openapi_extra={**KEEPING, **takes("If-None-Match")},
)
async def read_duty_list(
    request: Request,
    _caller: Caller,
    kind: Annotated[schemas.Kind, Query()] = "township",
    township: Annotated[
        schemas.Township | None, Query(description="With this township's exceptions")
    ] = None,
) -> Response:
    """现行权责清单 The list in force: of all townships, or as it stands in one.

    `kind=community` is what may be handed to villages and communities.
    """
    snapshot: DutySnapshot = await request.app.state.duties.current()
    found = snapshot.by_kind.get(kind)
    if found is None:
        raise NotFound
    etag = f'"duties-{found.version}-{township or "all"}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has_already(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    body = list_in_force(kind, found.version, found.published_at, found.entries, township)
    return json_answer(body, headers)


@router.get(
    "/duty-list/check",
    operation_id="check_duty",
    response_model=schemas.DutyCheck,
    responses=problems(401, 404),
    openapi_extra=CHECKING,
)
async def check_duty(
    request: Request,
    _caller: Caller,
    category: Annotated[schemas.CategoryCode, Query(examples=["1004"])],
    area: Annotated[schemas.TargetArea, Query(examples=["511723100"])],
) -> Response:
    """清单校验 Whether the county may dispatch this category there, by which item and clause."""
    state = request.app.state
    if category not in (await state.categories.current()).by_code:
        raise UnknownDutyCategory(pointer="/category", category=category)
    verdict = judge(
        await state.duties.current(),
        category=category,
        from_tier=COUNTY_TIER,
        target_area=area,
        target_tier=TIER_BY_DIGITS[len(area)],
    )
    if verdict.list_version is None:
        raise NotFound
    return json_answer(_checked(verdict))


def _checked(verdict: Verdict) -> dict[str, Any]:
    item = verdict.item
    return {
        "verdict": "allowed" if verdict.allowed else "outside",
        "kind": verdict.kind,
        "list_version": verdict.list_version,
        "category": verdict.category,
        "area": verdict.area,
        "section": item.section_in(verdict.area) if item else None,
        "item": shown_item(item) if item else None,
        "clause": verdict.clause,
    }


@router.get(
    "/duty-lists",
    operation_id="list_duty_lists",
    response_model=schemas.DutyListPage,
    responses=problems(401, 403),
    openapi_extra=KEEPING,
)
async def list_duty_lists(
    request: Request,
    _caller: Manager,
    kind: Annotated[schemas.Kind | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """权责清单版本 Versions, newest first: drafts, those in force, those they replaced."""
    return await query_page(
        request, store.PAGE, "version", cursor, limit, first=BEYOND_ANY, more=(kind,),
        name=f"duty-lists {kind}",
    )  # fmt: skip


@router.post(
    "/duty-lists",
    status_code=201,
    operation_id="draft_duty_list",
    response_model=schemas.DutyListVersion,
    responses={201: sends("Location"), **problems(401, 403, 404, 409)},
    openapi_extra=KEEPING,
)
async def draft_duty_list(
    request: Request, caller: Manager, asked: Asked, body: schemas.DutyListDraft
) -> Response:
    """起草权责清单 A copy of the list in force, of another version, or a whole new list."""
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.draft(session, who, body)
    )


@router.get(
    "/duty-lists/{version}",
    operation_id="read_duty_list_version",
    response_model=schemas.DutyListVersion,
    responses=problems(401, 403, 404),
    openapi_extra=KEEPING,
)
async def read_duty_list_version(
    request: Request, _caller: Manager, version: schemas.Version
) -> Response:
    """权责清单某版 One version with all its items, a draft too."""
    found = await actions.read_version(request.app.state.db, version)
    return json_answer(found)


@router.put(
    "/duty-lists/{version}/items/{code}",
    operation_id="put_duty_item",
    response_model=schemas.DutyItem,
    responses=problems(401, 403, 404, 409),
    openapi_extra=KEEPING,
)
async def put_duty_item(
    request: Request,
    caller: Manager,
    asked: Asked,
    version: schemas.Version,
    code: ItemCode,
    body: schemas.DutyItemFields,
) -> Response:
    """编辑草案事项 Add or replace an item of a draft.

    What is wrong shows in `validate`.
    """
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.put_item(session, who, version, code, body)
    )


@router.delete(
    "/duty-lists/{version}/items/{code}",
    status_code=204,
    operation_id="delete_duty_item",
    responses=problems(401, 403, 404, 409),
    openapi_extra=KEEPING,
)
async def delete_duty_item(
    request: Request, caller: Manager, asked: Asked, version: schemas.Version, code: ItemCode
) -> Response:
    """删除草案事项 Take an item out of a draft.

    To end one that was published, set `active` to false.
    """
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.delete_item(session, who, version, code)
    )


async def _known(request: Request) -> Known:
    state = request.app.state
    return await actions.what_is_known(state.db, state.categories)


@router.post(
    "/duty-lists/{version}/validate",
    operation_id="validate_duty_list",
    response_model=schemas.DutyValidation,
    responses=problems(401, 403, 404),
    openapi_extra=KEEPING,
)
async def validate_duty_list(
    request: Request, _caller: Manager, version: schemas.Version
) -> Response:
    """校验权责清单 Whether the version could be published, with every error and warning.

    Nothing changes.
    """
    found = await actions.validate(request.app.state.db, version, await _known(request))
    return json_answer(found)


@router.post(
    "/duty-lists/{version}/publish",
    operation_id="publish_duty_list",
    response_model=schemas.PublishedDutyList,
    responses=problems(401, 403, 404, 409),
    openapi_extra=KEEPING,
)
async def publish_duty_list(
    request: Request, caller: Manager, asked: Asked, version: schemas.Version
) -> Response:
    """发布权责清单 Put a draft in force; dispatches from now on are judged by it."""
    who, known = caller.account_id, await _known(request)
    return await administer(
        request, caller, asked, lambda session: actions.publish(session, who, version, known)
    )
