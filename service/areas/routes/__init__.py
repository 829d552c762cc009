"""HTTP of this room. `/grids/locate` and `/grids/merge` stand before `/grids/{code}`."""

from __future__ import annotations

from fastapi import APIRouter

from service.areas.routes.areas import router as areas
from service.areas.routes.changes import router as changes
from service.areas.routes.delineations import router as delineations
from service.areas.routes.grids import router as grids
from service.areas.routes.locate import router as locate

router = APIRouter()
for part in (areas, locate, changes, grids, delineations):
    router.include_router(part)
