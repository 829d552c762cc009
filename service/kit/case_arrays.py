"""What travels into the gathered statements: elements, events, evidence, contacts, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from service.kit.events import Event, encode_payload


class Case(Protocol):
    """What every case row has; the rest is its room's."""

    id: UUID
    state: str
    version: int
    head_hash: bytes
    last_event_at: datetime


@dataclass(frozen=True, slots=True)
class Logged:
    """An event with the hashes that chain it."""

    event: Event
    previous: bytes
    digest: bytes


@dataclass(slots=True)
class Write:
    """One element of a gathered statement: who, under which roles and where, what to store.

    `anywhere` lets an actor with a grant in the same county act outside its own area (reports).
    `answer` is the JSON text that a replay of `key` gets again.
    """

    actor_id: UUID
    roles: str
    area: str
    anywhere: bool
    unit: str | None
    key: str | None
    request_hash: bytes
    status: int
    answer: str
    case: Any
    events: list[Logged]
    links: list[tuple[UUID, int]] = field(default_factory=list)
    contact: tuple[bytes | None, bytes | None, bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to one caller: status, JSON text, whether it is a replay."""

    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a case: the name and type of the array that it travels in, and where it goes.

    `target` is the stored column (the same name by default, "" for none) and `expression` its SQL
    over `u.<name>`. `read` takes the value from the case (the attribute of that name by default).
    """

    name: str
    type: str
    mutable: bool = False
    target: str | None = None
    expression: str = ""
    read: Callable[[Any], Any] | None = None

    @property
    def stored(self) -> tuple[str, str] | None:
        """The stored column and its SQL; None for a value that is only part of another's."""
        target = self.name if self.target is None else self.target
        return (target, self.expression or f"u.{self.name}") if target else None

    def values(self, writes: Sequence[Write]) -> list[Any]:
        """This column's array over a batch."""
        read = self.read or attrgetter(self.name)
        return [read(w.case) for w in writes]


ELEMENT = (
    ("ord", "int"),
    ("actor", "uuid"),
    ("roles", "text"),
    ("area", "text"),
    ("anywhere", "bool"),
    ("unit", "text"),
    ("key", "text"),
    ("request_hash", "bytea"),
    ("status", "smallint"),
    ("answer", "text"),
)
EVENT = (
    ("ord", "int"),
    ("case_kind", "text"),
    ("case_id", "uuid"),
    ("seq", "int"),
    ("event", "text"),
    ("action", "text"),
    ("actor_id", "uuid"),
    ("actor_role", "text"),
    ("from_state", "text"),
    ("to_state", "text"),
    ("clauses", "text"),
    ("recorded_at", "timestamptz"),
    ("occurred_at", "timestamptz"),
    ("payload", "text"),
    ("prev_hash", "bytea"),
    ("hash", "bytea"),
)
LINK = (("ord", "int"), ("attachment_id", "uuid"), ("case_id", "uuid"), ("seq", "int"))
CONTACT = (("ord", "int"), ("case_id", "uuid"), ("name", "bytea"), ("phone", "bytea"),
            ("phone_hash", "bytea"))  # fmt: skip


class Arrays:
    """Numbers the array parameters of a statement."""

    def __init__(self, first: int) -> None:
        self.next = first

    def unnest(self, alias: str, columns: Sequence[tuple[str, str]]) -> str:
        """SQL that turns the next array parameters into rows of `alias`."""
        arrays = []
        for _, kind in columns:
            arrays.append(f"${self.next}::{kind}[]")
            self.next += 1
        names = ", ".join(name for name, _ in columns)
        return f"unnest({', '.join(arrays)}) AS {alias}({names})"


def element_arrays(writes: Sequence[Write]) -> list[list[Any]]:
    """The array parameters: who, where, key and answer of each element."""
    return [
        list(range(len(writes))),
        [w.actor_id for w in writes],
        [w.roles for w in writes],
        [w.area for w in writes],
        [w.anywhere for w in writes],
        [w.unit for w in writes],
        [w.key for w in writes],
        [w.request_hash for w in writes],
        [w.status for w in writes],
        [w.answer for w in writes],
    ]


def event_arrays(writes: Sequence[Write]) -> list[list[Any]]:
    """The array parameters: the chained events of a batch."""
    logged = [(ord_, item) for ord_, w in enumerate(writes) for item in w.events]
    events = [item.event for _, item in logged]
    return [
        [ord_ for ord_, _ in logged],
        [e.case_kind for e in events],
        [e.case_id for e in events],
        [e.seq for e in events],
        [e.event for e in events],
        [e.action for e in events],
        [e.actor_id for e in events],
        [e.actor_role for e in events],
        [e.from_state for e in events],
        [e.to_state for e in events],
        [",".join(e.clauses) for e in events],
        [e.recorded_at for e in events],
        [e.occurred_at for e in events],
        [encode_payload(e.payload) for e in events],
        [item.previous for _, item in logged],
        [item.digest for _, item in logged],
    ]


def link_arrays(writes: Sequence[Write]) -> list[list[Any]]:
    """The array parameters: evidence links of a batch."""
    links = [(o, a, w.case.id, seq) for o, w in enumerate(writes) for a, seq in w.links]
    return [list(column) for column in zip(*links, strict=True)] if links else [[], [], [], []]


def contact_arrays(writes: Sequence[Write]) -> list[list[Any]]:
    """The array parameters: encrypted contacts of a batch."""
    found = [(o, w.case.id, *w.contact) for o, w in enumerate(writes) if w.contact]
    return [list(column) for column in zip(*found, strict=True)] if found else [[], [], [], [], []]
