"""From a stored row to the case that it is: its JSON parts come as text."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec

from service.incidents.case import Clock, IncidentCase
from service.incidents.together.structs import Call, SubOrder

JSON_PARTS: dict[str, Any] = {
    "clocks": dict[str, Clock],
    "extension": dict[str, Any],
    "sub_orders": list[SubOrder],
    "calls": list[Call],
}


def case_of(row: asyncpg.Record) -> IncidentCase:
    """The case that a row of `CASE_COLUMNS` holds; its JSON comes as text."""
    values = dict(row)
    for name in JSON_PARTS:
        values[name] = part(row, name)
    return IncidentCase(**values)


def part(row: asyncpg.Record, name: str) -> Any:
    """A column of `JSON_PARTS`, read; most cases have nothing in them."""
    text = row[name]
    if text is None or text == "[]":
        return None if text is None else []
    return msgspec.json.decode(text, type=JSON_PARTS[name])
