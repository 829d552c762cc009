"""HTTP of files: send one, read about it, fetch its bytes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from service.attachments import actions, schemas, store
from service.attachments.form import Upload, upload_form
from service.auth.guards import Caller, holder_of
from service.auth.permissions import Permission
from service.auth.subject import Subject
from service.errors import NotFound
from service.kit.openapi import problems, sends, takes
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["attachments"], route_class=ClauseRoute)

OF_FILE = ("ETag", "Accept-Ranges", "Content-Disposition")
BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
CONTENT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file", "content": BYTES, **sends(*OF_FILE)},
    206: {
        "description": "The range that was asked for",
        "content": BYTES,
        **sends(*OF_FILE, "Content-Range"),
    },
    304: {"description": "The caller has it already", **sends(*OF_FILE)},
    416: {
        "description": "The range lies outside the file",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
        **sends("Content-Range"),
    },
}
Uploader = Annotated[Subject, Depends(holder_of(Permission.ATTACHMENT_WRITE))]


@router.post(
    "/attachments",
    status_code=201,
    operation_id="upload_attachment",
    response_model=schemas.Attachment,
    responses={201: sends("Location"), **problems(401, 403, 409, 415)},
    openapi_extra={**clauses("23.2"), "requestBody": schemas.UPLOAD_BODY},
)
async def upload_attachment(
    request: Request, caller: Uploader, asked: Annotated[Upload, Depends(upload_form)]
) -> Response:
    """上传附件 Send one photo, sound, video or document as evidence; link it by its `id` later.

    The type is found in the content. Position and capture time are read from it, then every
    note of a position is removed from the stored bytes. Replaying the same `id` or
    Idempotency-Key with the same file gives the first answer. What is never linked to a case is
    deleted after a week.
    """
    return await actions.upload(request.app.state, caller, asked)


@router.get(
    "/attachments/{attachment_id}",
    operation_id="read_attachment",
    response_model=schemas.Attachment,
    responses=problems(401, 404),
    openapi_extra=clauses("23.2"),
)
async def read_attachment(request: Request, caller: Caller, attachment_id: UUID) -> Response:
    """附件信息 About a file: the caller's own, or evidence of a case that the caller may read."""
    body = await store.metadata(request.app.state.db, caller.account_id, attachment_id)
    if body is None:
        raise NotFound
    return Response(body, media_type="application/json")


@router.get(
    "/attachments/{attachment_id}/content",
    operation_id="download_attachment",
    response_class=Response,
    responses={**CONTENT_ANSWERS, **problems(401, 404)},
    openapi_extra={**clauses("23.2"), **takes("If-None-Match", "Range", "If-Range")},
)
async def download_attachment(request: Request, caller: Caller, attachment_id: UUID) -> Response:
    """下载附件 The file's bytes, whole or one range; `ETag` is the SHA-256 of the whole."""
    return await actions.content(request.app.state, caller, attachment_id, request.headers)
