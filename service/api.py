"""The list of routers: the one place that knows every room."""

from __future__ import annotations

from fastapi import APIRouter

from service.plain import router as plain

ROUTERS: tuple[APIRouter, ...] = (plain,)
