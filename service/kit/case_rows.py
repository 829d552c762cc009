"""What travels into the gathered statements: elements, cases, events, evidence, contacts.

Each kind travels as one JSON array that PostgreSQL turns back into rows. Measured against one
array parameter a column: a third of the service's time for a batch, some more of the database's.
Bytes travel in base64.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from service.kit.events import Event

_encoder = msgspec.json.Encoder()


class Case(Protocol):
    """What every case row has; the rest is its room's. A case is a msgspec.Struct."""

    id: UUID
    state: str
    version: int
    head_hash: bytes
    last_event_at: datetime


class Element(msgspec.Struct, frozen=True):
    """Who asks, under which roles and where, and what a replay of `key` gets again.

    `anywhere` lets an actor with a grant in the same county act outside its own area (reports).
    `base_version` is the version of the case that the decision was made on; 0 for a new one. `pair`
    is another case that changes in the same decision: both change, or neither. Its element has the
    same actor, key, request and answer.
    """

    case_id: UUID
    base_version: int
    actor: UUID
    roles: str
    area: str
    anywhere: bool
    unit: str | None
    key: str | None
    request_hash: bytes
    status: int
    answer: str
    pair: UUID | None = None


class Link(msgspec.Struct, frozen=True):
    """A file that is evidence of one event of a case."""

    attachment_id: UUID
    case_id: UUID
    seq: int


class ContactRow(msgspec.Struct, frozen=True):
    """A case's contact, each value encrypted already."""

    case_id: UUID
    name: bytes | None
    phone: bytes | None
    phone_hash: bytes | None


@dataclass(slots=True)
class Write:
    """One element with the case as it shall stand, its new events, evidence and contact.

    `partner` is the write of the other case where two change together.
    """

    element: Element
    case: Any
    events: list[Event]
    links: list[Link] = field(default_factory=list)
    contact: ContactRow | None = None
    partner: Write | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to one caller: status, JSON text, whether it is a replay."""

    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a case: its name in the JSON and the type it is read as.

    `target` is the stored column (the same name by default, "" for none) and `expression` its SQL
    over `c.<name>`. Only `mutable` values travel with a change, and `later` ones with nothing
    else. Values at their default are left out of the JSON: `default` is its SQL where the column
    may not be null.
    """

    name: str
    type: str
    mutable: bool = False
    target: str | None = None
    expression: str = ""
    default: str = ""
    later: bool = False

    @property
    def stored(self) -> tuple[str, str] | None:
        """The stored column and its SQL; None for a value that is only part of another's."""
        target = self.name if self.target is None else self.target
        value = self.expression or f"c.{self.name}"
        if self.default:
            value = f"coalesce({value}, {self.default})"
        return (target, value) if target else None


def as_json(rows: list[Any]) -> str:
    """The rows as a JSON array's text."""
    return _encoder.encode(rows).decode()
