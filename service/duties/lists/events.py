"""Events of duty lists: each version is a case of its own in the audit trail."""

from __future__ import annotations

from uuid import UUID

from service.kit.event_log import NamedHistory

CASE_KIND = "duty_list"
CLAUSES = {
    "township": ("9.1", "35.1", "35.3"),
    "community": ("9.1", "25.1", "35.4"),
}
_NAMESPACE = UUID("4d1c8f0e-5d0a-5b52-8f3a-2c7be54d9a63")
HISTORY = {
    kind: NamedHistory(CASE_KIND, _NAMESPACE, clauses, about={"kind": kind})
    for kind, clauses in CLAUSES.items()
}


def case_id_of(version: int) -> UUID:
    """The id under which the audit trail knows this version of the duty lists, of any kind."""
    return HISTORY["township"].case_id_of(version)
