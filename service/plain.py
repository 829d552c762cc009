"""Plain operations: alive, ready, metrics."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from service.errors import Unavailable
from service.kit.routing import ClauseRoute, clauses
from service.schema_version import expected_revision

router = APIRouter(tags=["plain"], route_class=ClauseRoute)


class Health(BaseModel):
    """Whether the process is alive."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", openapi_extra=clauses("23.2"))
async def healthz() -> Health:
    """Alive: the process answers."""
    return Health()


@router.get("/readyz", openapi_extra=clauses("23.2"), responses={503: {"description": "Not ready"}})
async def readyz(request: Request) -> Health:
    """Ready: the database answers and its schema is the one that this code expects."""
    try:
        found = await request.app.state.db.reads.fetchval("SELECT version_num FROM alembic_version")
    except Exception as failure:
        raise Unavailable from failure
    if found != expected_revision():
        raise Unavailable
    return Health()


@router.get("/metrics", openapi_extra=clauses("23.2"), response_class=Response)
async def metrics() -> Response:
    """Prometheus metrics of this process; keep it inside the deployment's network."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
