"""Use cases of emergencies; other rooms ask here what is in force and who commands."""

from __future__ import annotations

from service.emergency.actions.command import Commander, InForce, commanders, in_force

__all__ = ["Commander", "InForce", "commanders", "in_force"]
