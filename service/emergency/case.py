"""One activation or drill in memory, and how it is stored: one table, a workflow for each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.emergency.workflow import IN_FORCE, workflow_of
from service.kit.case_rows import Column
from service.kit.quiet_cases import QuietCase, QuietCases


class ActivationCase(QuietCase, kw_only=True):
    """An activation or a drill as it stands (see service.emergency.models)."""

    area_code: str
    level: int
    plan_code: str
    plan_version: int
    reason: str
    drill: bool
    tier: int
    activated_at: datetime
    activated_by: UUID
    ended_at: datetime | None = None
    ended_by: UUID | None = None
    end_note: str | None = None

    @property
    def in_force(self) -> bool:
        """Whether it has begun and not ended."""
        return self.state == IN_FORCE


_COLUMNS = (
    Column("area_code", "text"),
    Column("level", "smallint", mutable=True),
    Column("plan_code", "text"),
    Column("plan_version", "int"),
    Column("reason", "text"),
    Column("drill", "boolean"),
    Column("tier", "smallint", mutable=True),
    Column("activated_at", "timestamptz"),
    Column("activated_by", "uuid"),
    Column("ended_at", "timestamptz", mutable=True),
    Column("ended_by", "uuid", mutable=True),
    Column("end_note", "text", mutable=True),
)
ACTIVATIONS, DRILLS = (
    QuietCases(workflow_of(drill=drill), "activation", ActivationCase, _COLUMNS)
    for drill in (False, True)
)


def cases_of(*, drill: bool) -> QuietCases[ActivationCase]:
    """The gate through which an activation, or a drill, goes."""
    return DRILLS if drill else ACTIVATIONS
