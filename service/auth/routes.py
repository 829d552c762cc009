"""The room's router: logging in, and administering people."""

from __future__ import annotations

from fastapi import APIRouter

from service.auth.login_routes import router as logins
from service.auth.people_routes import router as people
from service.auth.unit_routes import router as units

router = APIRouter()
router.include_router(logins)
router.include_router(people)
router.include_router(units)
