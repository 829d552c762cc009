"""The list of routers: the one place that knows every room."""

from __future__ import annotations

from fastapi import APIRouter

from service.areas.routes import router as areas
from service.attachments.routes import router as attachments
from service.auth.routes import router as auth
from service.duties.lists.routes import router as duty_lists
from service.duties.routes import router as dispatch_approvals
from service.emergency.routes import router as emergency
from service.incidents.categories.routes import router as categories
from service.incidents.policies.routes import router as response
from service.incidents.routes import hot as incident_actions
from service.incidents.routes import router as incidents
from service.incidents.together.routes import hot as together_actions
from service.incidents.together.routes import router as together
from service.plain import router as plain
from service.plan.routes import router as plan

ROUTERS: tuple[APIRouter, ...] = (
    incident_actions,
    incidents,
    together_actions,
    together,
    plain,
    areas,
    auth,
    attachments,
    categories,
    response,
    duty_lists,
    dispatch_approvals,
    emergency,
    plan,
)
