"""The list of routers: the one place that knows every room."""

from __future__ import annotations

from fastapi import APIRouter

from service.areas.routes import router as areas
from service.attachments.routes import router as attachments
from service.auth.routes import router as auth
from service.incidents.categories.routes import router as categories
from service.incidents.routes import hot as incident_actions
from service.incidents.routes import router as incidents
from service.indicators.catalogue import load_catalogue
from service.indicators.routes import router as indicators
from service.plain import router as plain
from service.plan.fulfilment import Indicator
from service.plan.routes import router as plan

ROUTERS: tuple[APIRouter, ...] = (
    incident_actions,
    incidents,
    plain,
    areas,
    auth,
    attachments,
    categories,
    plan,
    indicators,
)

# What the plan shows of the readers: they are above it, so it cannot ask them.
INDICATORS: tuple[Indicator, ...] = tuple(
    Indicator(i.clauses, i.shown) for i in load_catalogue().indicators
)
