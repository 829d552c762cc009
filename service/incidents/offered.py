"""What a caller may do with a listed case: the columns that decide it, and the answer as JSON."""

from __future__ import annotations

from typing import NamedTuple, cast
from uuid import UUID

import asyncpg
import msgspec
from starlette.datastructures import State

from service.auth.subject import Subject
from service.incidents import rules
from service.incidents.case import IncidentCase
from service.incidents.facts import actor_for, category_rule

# What the rules need of a row over the alias `i`, beside its JSON.
RULE_COLUMNS = (
    "i.id, i.state, i.tier, i.grid_code, i.unit_code, i.assignee_id, i.handler_ids, "
    "i.verification, i.category_code, i.concerns_unit, i.reported_at"
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


def offered_actions(state: State, caller: Subject, row: asyncpg.Record) -> str:
    """`available_actions` of a row that has RULE_COLUMNS, as the text of a JSON array."""
    rule = category_rule(state.categories.peek().by_code.get(row["category_code"]))
    seen = _Seen(*(row[name] for name in _Seen._fields))
    actions = rules.available_actions(cast("IncidentCase", seen), actor_for(caller, seen), rule)
    return msgspec.json.encode(actions).decode()
