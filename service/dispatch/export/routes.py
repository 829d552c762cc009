"""HTTP of exports."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from service.auth.guards import Caller
from service.dispatch.export import actions
from service.dispatch.export.query import ExportQuery
from service.dispatch.export.sheets import CsvSheet, XlsxSheet
from service.kit.openapi import problems, sends
from service.kit.routing import ClauseRoute, clauses

router = APIRouter(prefix="/v1", tags=["dispatch"], route_class=ClauseRoute)

PDF = "application/pdf"
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": description,
            "content": {media_type: BINARY},
            **sends("Content-Disposition"),
        }
    }


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


@router.get(
    "/incidents/{incident_id}/export.pdf",
    operation_id="export_incident_pdf",
    response_class=Response,
    responses={**_file(PDF, "The case file"), **problems(401, 403, 404)},
    openapi_extra=clauses(*actions.CLAUSES),
)
async def export_incident_pdf(request: Request, caller: Caller, incident_id: UUID) -> Response:
    """案卷导出 The case with every step and its clauses as a PDF; contacts stay masked.

    Each page says who exported it and when; the export is on record.
    """
    pdf, name = await actions.export_case(request.app.state, caller, incident_id)
    return Response(pdf, headers=_attached(name), media_type=PDF)


@router.get(
    "/dispatch/export.csv",
    operation_id="export_dispatch_csv",
    response_class=Response,
    responses={**_file(CsvSheet.media_type, "The list"), **problems(401, 403)},
    openapi_extra=clauses(*actions.CLAUSES),
)
async def export_dispatch_csv(
    request: Request, caller: Caller, query: Annotated[ExportQuery, Query()]
) -> Response:
    """清单导出 The queue or the list of incidents as CSV, 10,000 rows at most.

    UTF-8 with a byte order mark; no cell runs as a formula; the export is on record.
    """
    return await _sent(request, caller, query, "csv")


@router.get(
    "/dispatch/export.xlsx",
    operation_id="export_dispatch_xlsx",
    response_class=Response,
    responses={**_file(XlsxSheet.media_type, "The list"), **problems(401, 403)},
    openapi_extra=clauses(*actions.CLAUSES),
)
async def export_dispatch_xlsx(
    request: Request, caller: Caller, query: Annotated[ExportQuery, Query()]
) -> Response:
    """清单导出 The queue or the list of incidents as a workbook, 10,000 rows at most.

    No cell is a formula; the export is on record.
    """
    return await _sent(request, caller, query, "xlsx")


async def _sent(request: Request, caller: Caller, query: ExportQuery, kind: str) -> Response:
    made = await actions.export_list(request.app.state, caller, query, kind)
    headers = {**_attached(made.name), "Content-Length": str(made.size)}
    return StreamingResponse(made.chunks(), headers=headers, media_type=made.media_type)
