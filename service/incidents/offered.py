"""What a caller may do with a listed case: the columns that decide it, and the answer as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

import asyncpg
import msgspec
from starlette.datastructures import State

from service.auth.subject import Subject
from service.incidents import rules
from service.incidents.case import IncidentCase
from service.incidents.facts import actor_for, category_rule
from service.incidents.rows import JSON_PARTS, part
from service.incidents.together.structs import Call, SubOrder
from service.kit import clock

# What the rules need of a row over the alias `i`, beside its JSON.
RULE_COLUMNS = (
    "i.id, i.state, i.tier, i.grid_code, i.unit_code, i.assignee_id, i.handler_ids, "
    "i.verification, i.category_code, i.concerns_unit, i.reported_at, i.extensions, i.finish_due, "
    "i.extension ->> 'state' AS extension_state, i.extension ->> 'asked_by' AS extension_by, "
    "i.co_units, i.sub_orders, i.calls, i.closing_rule, i.merged_ids"
)


class _Seen(NamedTuple):
    """What of a listed case decides over what may be done with it."""

    state: str
    tier: int
    grid_code: str
    unit_code: str | None
    assignee_id: UUID | None
    handler_ids: list[UUID]
    verification: str | None
    concerns_unit: str | None
    category_code: str
    extensions: int
    finish_due: datetime | None
    extension_state: str | None
    extension_by: str | None
    co_units: list[str]
    sub_orders: list[SubOrder]
    calls: list[Call]
    closing_rule: str
    merged_ids: list[UUID]


async def offered_actions(state: State, caller: Subject, row: asyncpg.Record) -> str:
    """`available_actions` of a row that has RULE_COLUMNS, as the text of a JSON array."""
    rule = category_rule(state.categories.peek().by_code.get(row["category_code"]))
    seen = _Seen(*(part(row, n) if n in JSON_PARTS else row[n] for n in _Seen._fields))
    commands = await state.incidents.command.over(caller, seen.grid_code) is not None
    actor = actor_for(caller, seen, commands=commands)
    actions = rules.available_actions(cast("IncidentCase", seen), actor, rule, clock.now())
    return msgspec.json.encode(actions).decode()
