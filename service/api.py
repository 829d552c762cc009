"""The list of routers: the one place that knows every room."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter
from starlette.datastructures import State

from service.areas.routes import router as areas
from service.attachments.routes import router as attachments
from service.auth.routes import router as auth
from service.dispatch.export.routes import router as exports
from service.dispatch.routes import hot as queue
from service.dispatch.routes import router as dispatch
from service.dispatch.stream.hub import streaming
from service.duties.lists.routes import router as duty_lists
from service.duties.routes import router as dispatch_approvals
from service.emergency.routes import router as emergency
from service.incidents.categories.routes import router as categories
from service.incidents.policies.routes import router as response
from service.incidents.routes import hot as incident_actions
from service.incidents.routes import router as incidents
from service.incidents.together.routes import hot as together_actions
from service.incidents.together.routes import router as together
from service.indicators.catalogue import load_catalogue
from service.indicators.routes import router as indicators
from service.plain import router as plain
from service.plan.fulfilment import Indicator
from service.plan.routes import router as plan

ROUTERS: tuple[APIRouter, ...] = (
    incident_actions,
    incidents,
    together_actions,
    together,
    queue,
    dispatch,
    exports,
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
    indicators,
)

# What the plan shows of the readers: they are above it, so it cannot ask them.
INDICATORS: tuple[Indicator, ...] = tuple(
    Indicator(i.clauses, i.shown) for i in load_catalogue().indicators
)

# What readers keep for as long as the application runs.
LIFESPANS: tuple[Callable[[State], AbstractAsyncContextManager[None]], ...] = (streaming,)
