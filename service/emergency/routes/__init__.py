"""HTTP of this room. `/resources/nearest` stands before `/resources/{resource_id}`."""

from __future__ import annotations

from fastapi import APIRouter

from service.emergency.routes.activations import router as activations
from service.emergency.routes.plans import router as plans
from service.emergency.routes.resources import router as resources
from service.emergency.routes.stock import router as stock
from service.emergency.routes.tracks import router as tracks

router = APIRouter()
for part in (plans, activations, tracks, stock, resources):
    router.include_router(part)
