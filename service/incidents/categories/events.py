"""Events of category sets: each version is a case of its own in the audit trail."""

from __future__ import annotations

from uuid import UUID

from service.kit.event_log import NamedHistory

HISTORY = NamedHistory("category_set", UUID("b5b0b1a6-0b0e-5a53-9a65-6d1d7e0a2a01"), ("23.2",))
case_id_of = HISTORY.case_id_of
record = HISTORY.record
