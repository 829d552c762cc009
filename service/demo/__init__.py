"""The product's main job, played on real input over real HTTP: `gridward demo`."""

from __future__ import annotations

from service.demo.stage import main

__all__ = ["main"]
