"""Plain operations: alive, ready, metrics."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import Unavailable
from service.kit.openapi import problems
from service.kit.routing import ClauseRoute, clauses
from service.schema_version import expected_revision

router = APIRouter(tags=["plain"], route_class=ClauseRoute)


class Health(BaseModel):
    """Whether the process is alive."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", operation_id="healthz", openapi_extra=clauses("23.2"))
async def healthz() -> Health:
    """存活 The process answers."""
    return Health()


@router.get(
    "/readyz",
    operation_id="readyz",
    responses=problems(),
    openapi_extra=clauses("23.2"),
)
async def readyz(request: Request) -> Health:
    """就绪 The database answers and its schema is the one that this code expects."""
    try:
        found = await request.app.state.db.reads.fetchval("SELECT version_num FROM alembic_version")
    except Exception as failure:
        raise Unavailable from failure
    if found != expected_revision():
        raise Unavailable
    return Health()


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    openapi_extra=clauses("23.2"),
)
async def metrics() -> Response:
    """指标 Prometheus metrics of this process; keep it inside the deployment's network."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
