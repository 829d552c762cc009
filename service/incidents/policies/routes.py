"""The room's router: policies, and the work time that they count in."""

from __future__ import annotations

from fastapi import APIRouter

from service.incidents.policies.policy_routes import router as policies
from service.incidents.policies.workday_routes import router as workdays

router = APIRouter()
router.include_router(policies)
router.include_router(workdays)
