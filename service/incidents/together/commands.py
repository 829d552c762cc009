"""What a step of this room was asked with, checked and complete."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to be made: of a unit, or of the next tier when `unit` is None."""

    id: UUID
    unit: str | None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A sub-order to be issued."""

    id: UUID
    unit: str
    task: str
    deadline: datetime | None


@dataclass(slots=True)
class Joint:
    """The members of a command that belong to calls, sub-orders and merging.

    `answer_due` is when the new calls are over; `call` and `order` name the part that is acted on,
    `other` another case.
    """

    calls: list[NewCall] = field(default_factory=list)
    answer_due: datetime | None = None
    call: UUID | None = None
    answer: str | None = None
    orders: list[NewOrder] = field(default_factory=list)
    order: UUID | None = None
    unit: str | None = None
    rule: str | None = None
    named: list[UUID] = field(default_factory=list)
    other: UUID | None = None
