"""An incident as the rules see it: the row's values, plus what it is not stored with."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.incidents.together.structs import Call, SubOrder
from service.incidents.workflow import TOP_TIER
from service.kit.advance import CaseTable
from service.kit.case_rows import Column

WAITING = -1


class Clock(msgspec.Struct, array_like=True):
    """A running limit: epoch seconds at which it began, turns amber, is due, calls supervision.

    `done` counts the marks (amber, due, supervision) that have been acted on, and is WAITING while
    the clock cannot be counted; `limit` is the
    limit in the notation of `service.kit.durations`.
    """

    began: int
    amber: int
    due: int
    supervise: int
    done: int
    limit: str

    @property
    def is_waiting(self) -> bool:
        """Whether it cannot be counted yet: the work calendar of a year is missing."""
        return self.done == WAITING


class IncidentCase(msgspec.Struct, omit_defaults=True):
    """One incident's row; `lon`, `lat` in EPSG:4490, `raw_x`, `raw_y` in `raw_crs`.

    `clocks` holds what runs now by name; `amber_at`, `due_at` and `supervise_at` are the earliest
    among them and `next_alarm_at` the next mark that somebody has to act on. `sub_orders` and
    `calls` are parts of the case: they change with it, under its version. `merged_ids` are the
    cases that follow this one, `declined_ids` those that somebody found to be another matter.
    """

    id: UUID
    number: str
    category_code: str
    category_version: int
    level: int
    channel: str
    description: str
    occurred_at: datetime
    reported_at: datetime
    reporter_id: UUID
    state: str
    tier: int
    version: int
    head_hash: bytes
    last_event_at: datetime
    grid_code: str
    micro_grid_code: str | None
    lon: float
    lat: float
    raw_x: float
    raw_y: float
    raw_crs: str
    accuracy_m: float | None
    cell: int
    unit_code: str | None = None
    assignee_id: UUID | None = None
    handler_ids: list[UUID] = msgspec.field(default_factory=list)
    concerns_unit: str | None = None
    returns: int = 0
    verified_by: UUID | None = None
    verification: str | None = None
    closed_at: datetime | None = None
    satisfaction: str | None = None
    clauses: list[str] = msgspec.field(default_factory=list)
    policy_version: int | None = None
    clocks: dict[str, Clock] = msgspec.field(default_factory=dict)
    amber_at: datetime | None = None
    due_at: datetime | None = None
    supervise_at: datetime | None = None
    next_alarm_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    on_site_due: datetime | None = None
    finish_due: datetime | None = None
    suspended_at: datetime | None = None
    suspended_seconds: int = 0
    extension: dict[str, Any] | None = None
    extensions: int = 0
    assignments: int = 0
    verifications: int = 0
    failed_verifications: int = 0
    supervised_at: datetime | None = None
    outcome: str | None = None
    drill: bool = False
    activation_id: UUID | None = None
    master_id: UUID | None = None
    closing_rule: str = "all"
    co_units: list[str] = msgspec.field(default_factory=list)
    sub_orders: list[SubOrder] = msgspec.field(default_factory=list)
    calls: list[Call] = msgspec.field(default_factory=list)
    merged_ids: list[UUID] = msgspec.field(default_factory=list)
    declined_ids: list[UUID] = msgspec.field(default_factory=list)

    @property
    def holder_area(self) -> str:
        """The area whose tier holds the case now: grid, village, township or county code."""
        return self.grid_code[: {1: 15, 2: 12, 3: 9, TOP_TIER: 6}[self.tier]]

    @property
    def extension_state(self) -> str | None:
        """How far an extension is that somebody has asked for."""
        return self.extension["state"] if self.extension else None

    @property
    def extension_by(self) -> str | None:
        """The account that asked for it."""
        return self.extension["asked_by"] if self.extension else None

    @property
    def waiting(self) -> list[str]:
        """The clocks that cannot be counted yet, by name."""
        return sorted(name for name, clock in self.clocks.items() if clock.is_waiting)


# What no new case has: these travel with changes alone.
LATER = (
    ("suspended_at", "timestamptz", ""),
    ("suspended_seconds", "int", "0"),
    ("extension", "jsonb", ""),
    ("extensions", "smallint", "0"),
    ("assignments", "smallint", "0"),
    ("verifications", "smallint", "0"),
    ("failed_verifications", "smallint", "0"),
    ("supervised_at", "timestamptz", ""),
    ("outcome", "text", ""),
    ("master_id", "uuid", ""),
    ("closing_rule", "text", "'all'"),
    ("co_units", "text[]", "'{}'"),
    ("sub_orders", "jsonb", "'[]'"),
    ("calls", "jsonb", "'[]'"),
    ("merged_ids", "uuid[]", "'{}'"),
    ("declined_ids", "uuid[]", "'{}'"),
)
# What of an open incident stands in `open_incident` too, over the stored row `s`.
OPEN_COLUMNS = {
    name: f"s.{name}"
    for name in (
        "county_code", "township_code", "village_code", "grid_code", "unit_code", "co_units",
        "concerns_unit", "category_code", "level", "tier", "state", "reported_at", "amber_at",
        "supervise_at", "next_alarm_at", "drill",
    )
} | {"due_at": "coalesce(s.due_at, 'infinity')"}  # fmt: skip

_POINT = "ST_SetSRID(ST_MakePoint(c.lon, c.lat), 4490)"

INCIDENTS = CaseTable(
    "incident",
    (
        Column("id", "uuid"),
        Column("number", "text"),
        Column("category_code", "text"),
        Column("category_version", "int"),
        Column("level", "smallint"),
        Column("channel", "text"),
        Column("description", "text"),
        Column("occurred_at", "timestamptz"),
        Column("reported_at", "timestamptz"),
        Column("reporter_id", "uuid"),
        Column("state", "text", mutable=True),
        Column("tier", "smallint", mutable=True),
        Column("version", "int", mutable=True),
        Column("head_hash", "text", mutable=True, expression="decode(c.head_hash, 'base64')"),
        Column("last_event_at", "timestamptz", mutable=True),
        Column("grid_code", "text"),
        Column("micro_grid_code", "text"),
        Column("lon", "float8", target="location", expression=_POINT),
        Column("lat", "float8", target=""),
        Column("raw_x", "float8"),
        Column("raw_y", "float8"),
        Column("raw_crs", "text"),
        Column("accuracy_m", "float8"),
        Column("cell", "int"),
        Column("unit_code", "text", mutable=True),
        Column("assignee_id", "uuid", mutable=True),
        Column("handler_ids", "uuid[]", mutable=True, default="'{}'"),
        Column("concerns_unit", "text"),
        Column("returns", "smallint", mutable=True, default="0"),
        Column("verified_by", "uuid", mutable=True),
        Column("verification", "text", mutable=True),
        Column("closed_at", "timestamptz", mutable=True),
        Column("satisfaction", "text", mutable=True),
        Column("clauses", "text[]"),
        Column("policy_version", "int"),
        Column("clocks", "jsonb", mutable=True, default="'{}'"),
        Column("amber_at", "timestamptz", mutable=True),
        Column("due_at", "timestamptz", mutable=True),
        Column("supervise_at", "timestamptz", mutable=True),
        Column("next_alarm_at", "timestamptz", mutable=True),
        Column("accepted_at", "timestamptz", mutable=True),
        Column("arrived_at", "timestamptz", mutable=True),
        Column("on_site_due", "timestamptz", mutable=True),
        Column("finish_due", "timestamptz", mutable=True),
        Column("drill", "boolean", default="false"),
        Column("activation_id", "uuid"),
        *(
            Column(name, kind, mutable=True, later=True, default=value)
            for name, kind, value in LATER
        ),
    ),
    derived={
        "county_code": "left(c.grid_code, 6)",
        "township_code": "left(c.grid_code, 9)",
        "village_code": "left(c.grid_code, 12)",
    },
    contact_table="incident_contact",
    open_table="open_incident",
    open_columns=OPEN_COLUMNS,
    key="incident_id",
)
