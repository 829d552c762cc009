"""Events of the response room: each policy, calendar year and area's hours is a case of its own."""

from __future__ import annotations

from uuid import UUID

from service.kit.event_log import NamedHistory

POLICY, CALENDAR, HOURS = "response_policy", "work_calendar", "service_hours"
# 23.2 tiered response; 13.7 staggered and extended hours.
CLAUSES = {POLICY: ("23.2",), CALENDAR: ("23.2",), HOURS: ("13.7", "23.2")}
_NAMESPACE = UUID("b5b0b1a6-0b0e-5a53-9a65-6d1d7e0a2a03")
HISTORY = {
    kind: NamedHistory(kind, _NAMESPACE, clauses, called="name")
    for kind, clauses in CLAUSES.items()
}


def case_id_of(kind: str, name: str | int) -> UUID:
    """The id under which the audit trail knows this policy, calendar or area's hours."""
    return HISTORY[kind].case_id_of(name)
