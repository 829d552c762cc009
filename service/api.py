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
from service.incidents.categories.routes import router as categories
from service.incidents.routes import hot as incident_actions
from service.incidents.routes import router as incidents
from service.plain import router as plain
from service.plan.routes import router as plan

ROUTERS: tuple[APIRouter, ...] = (
    incident_actions,
    incidents,
    queue,
    dispatch,
    exports,
    plain,
    areas,
    auth,
    attachments,
    categories,
    plan,
)

# What readers keep for as long as the application runs.
LIFESPANS: tuple[Callable[[State], AbstractAsyncContextManager[None]], ...] = (streaming,)
