"""HTTP of categories: the published tree for everybody, drafts for administrators."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from service.auth.acting import administer
from service.auth.guards import Caller, holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import NotFound
from service.incidents.categories import actions, schemas, store
from service.incidents.categories.cache import CategoryCache, CategorySnapshot
from service.incidents.categories.tree import shown_row
from service.kit.answers import json_answer
from service.kit.conditional import has_already
from service.kit.idempotency import Asked
from service.kit.openapi import problems, sends, takes
from service.kit.paging import BEYOND_ANY, DEFAULT_LIMIT, Cursor, Limit, query_page
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["categories"], route_class=ClauseRoute)

CONDITIONAL: dict[int | str, dict[str, Any]] = {
    200: sends("ETag"),
    304: {"description": "The caller has it already", **sends("ETag")},
}
CASE = clauses("23.2")

Manager = Annotated[Subject, Depends(holder_of(Permission.CATEGORY_MANAGE, countywide=True))]
AnyVersion = Annotated[
    int | None,
    Query(ge=1, le=1_000_000, description="A version in force earlier; the present one if absent"),
]


async def _snapshot(request: Request, version: int | None) -> CategorySnapshot:
    cache: CategoryCache = request.app.state.categories
    found = await (cache.current() if version is None else cache.version(version))
    if found is None:
        raise NotFound
    return found


def _conditional(request: Request, snapshot: CategorySnapshot, body: bytes) -> Response:
    etag = f'"categories-{snapshot.version}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if has_already(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return json_answer(body, headers)


@router.get(
    "/categories",
    operation_id="list_categories",
    response_model=schemas.CategoryTree,
    responses={**CONDITIONAL, **problems(401, 404)},
    openapi_extra={**CASE, **takes("If-None-Match")},
)
async def list_categories(
    request: Request, _caller: Caller, version: AnyVersion = None
) -> Response:
    """事件类别表 The published tree in both languages, whole; `ETag` is its version."""
    snapshot = await _snapshot(request, version)
    return _conditional(request, snapshot, snapshot.document)


@router.get(
    "/categories/{code}",
    operation_id="read_category",
    response_model=schemas.PublishedCategory,
    responses={**CONDITIONAL, **problems(401, 404)},
    openapi_extra={**CASE, **takes("If-None-Match")},
)
async def read_category(
    request: Request,
    _caller: Caller,
    code: Annotated[schemas.CategoryCode, Path(examples=["0601"])],
    version: AnyVersion = None,
) -> Response:
    """事件类别 One category with its level, limits and rules.

    A retired one too, with `active` false.
    """
    snapshot = await _snapshot(request, version)
    row = snapshot.by_code.get(code)
    if row is None:
        raise NotFound
    body = {**shown_row(row), "version": snapshot.version, "group": row.group}
    return _conditional(request, snapshot, msgspec.json.encode(body))


@router.get(
    "/category-sets",
    operation_id="list_category_sets",
    response_model=schemas.CategorySetPage,
    responses=problems(401, 403),
    openapi_extra=CASE,
)
async def list_category_sets(
    request: Request,
    _caller: Manager,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """类别表版本 Versions, newest first: drafts, the published one, those it replaced."""
    return await query_page(
        request, store.PAGE, "version", cursor, limit, first=BEYOND_ANY, name="category-sets"
    )


@router.get(
    "/category-sets/{version}",
    operation_id="read_category_set",
    response_model=schemas.CategorySet,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def read_category_set(
    request: Request, _caller: Manager, version: schemas.Version
) -> Response:
    """类别表某版 One version with all its rows, a draft too."""
    found = await actions.read_set(request.app.state.db, version)
    return json_answer(found)


@router.post(
    "/category-sets",
    status_code=201,
    operation_id="draft_category_set",
    response_model=schemas.CategorySet,
    responses={201: sends("Location"), **problems(401, 403, 404, 409)},
    openapi_extra=CASE,
)
async def draft_category_set(
    request: Request, caller: Manager, asked: Asked, body: schemas.CategorySetDraft
) -> Response:
    """起草类别表 A copy of the published tree, of another version, or a whole new tree."""
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.draft(session, who, body)
    )


@router.put(
    "/category-sets/{version}/categories/{code}",
    operation_id="put_category",
    response_model=schemas.Category,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def put_category(
    request: Request,
    caller: Manager,
    asked: Asked,
    version: schemas.Version,
    code: Annotated[schemas.Code, Path(examples=["0601"])],
    body: schemas.CategoryFields,
) -> Response:
    """编辑草案类别 Add or replace a group or category of a draft.

    What is wrong shows in `validate`.
    """
    who = caller.account_id
    return await administer(
        request,
        caller,
        asked,
        lambda session: actions.put_category(session, who, version, code, body),
    )


@router.delete(
    "/category-sets/{version}/categories/{code}",
    status_code=204,
    operation_id="delete_category",
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def delete_category(
    request: Request,
    caller: Manager,
    asked: Asked,
    version: schemas.Version,
    code: Annotated[schemas.Code, Path(examples=["0601"])],
) -> Response:
    """删除草案类别 Take a group or category out of a draft.

    To end a published one, set `active` to false.
    """
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.delete_category(session, who, version, code)
    )


@router.post(
    "/category-sets/{version}/validate",
    operation_id="validate_category_set",
    response_model=schemas.Validation,
    responses=problems(401, 403, 404),
    openapi_extra=CASE,
)
async def validate_category_set(
    request: Request, _caller: Manager, version: schemas.Version
) -> Response:
    """校验类别表 Whether the version could be published, with every error and warning.

    Nothing changes.
    """
    found = await actions.validate(request.app.state.db, version)
    return json_answer(found)


@router.post(
    "/category-sets/{version}/publish",
    operation_id="publish_category_set",
    response_model=schemas.PublishedSet,
    responses=problems(401, 403, 404, 409),
    openapi_extra=CASE,
)
async def publish_category_set(
    request: Request, caller: Manager, asked: Asked, version: schemas.Version
) -> Response:
    """发布类别表 Put a draft in force.

    Cases that run keep the version that they started under.
    """
    who = caller.account_id
    return await administer(
        request, caller, asked, lambda session: actions.publish(session, who, version)
    )
