"""Calls and sub-orders as parts of a case: stored in its row, changed under its version."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service.incidents.together.workflow import CALL, SUB_ORDER


class Call(msgspec.Struct, kw_only=True):
    """社区呼叫 One unit, or the next tier's area, called on a case, and what came of it.

    Either `unit`, or `tier` with `area`, is given. `answer_due` is when a call that still waits is
    over; `outcome` says how it ended.
    """

    id: UUID
    unit: str | None
    tier: int | None
    area: str | None
    called_by: UUID
    called_at: datetime
    answer_due: datetime | None
    note: str | None
    state: str = CALL.initial
    answered_by: UUID | None = None
    answered_at: datetime | None = None
    reason: str | None = None
    arrived_at: datetime | None = None
    outcome: str | None = None


class SubOrder(msgspec.Struct, kw_only=True):
    """协办单 What one unit has to do on a case, and how far it is.

    `role` is main for the unit that has the case in hand, else co. `issuer_unit` is set when the
    main unit issued it. `named` orders count when the closing rule is main_and_named. `final` ones
    were assigned by arbitration and may not be refused. `arbitration_tier` is who decides after
    `MAX_REFUSALS`.
    """

    id: UUID
    unit: str
    role: str
    task: str
    deadline: datetime | None
    issued_by: UUID
    issued_at: datetime
    issuer_unit: str | None
    state: str = SUB_ORDER.initial
    named: bool = False
    final: bool = False
    refusals: int = 0
    arbitration_tier: int | None = None
    reason: str | None = None
    accepted_by: UUID | None = None
    accepted_at: datetime | None = None
    submitted_by: UUID | None = None
    submitted_at: datetime | None = None
    feedback: str | None = None
    evidence: list[UUID] = msgspec.field(default_factory=list)
    ended_by: UUID | None = None
    ended_at: datetime | None = None
