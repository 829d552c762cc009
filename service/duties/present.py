"""An approval as clients read it."""

from __future__ import annotations

from typing import Any

from service.duties.case import ApprovalCase
from service.kit.clock import iso


def document(case: ApprovalCase, actions: list[str]) -> dict[str, Any]:
    """The approval as JSON-ready values, for a caller who may take `actions`."""
    return {
        "id": str(case.id),
        "state": case.state,
        "version": case.version,
        "case_id": str(case.case_id),
        "category": case.category_code,
        "grid_code": case.grid_code,
        "target": {"area": case.target_area, "unit": case.target_unit},
        "list_version": case.list_version,
        "item": case.item_code,
        "reason": case.reason,
        "support": case.support,
        "requested_by": str(case.requested_by),
        "requesting_unit": case.requesting_unit,
        "requested_at": iso(case.requested_at),
        "opinion": _opinion(case),
        "decision": _decision(case),
        "expires_at": iso(case.expires_at),
        "used_by": str(case.used_by) if case.used_by else None,
        "used_at": iso(case.used_at) if case.used_at else None,
        "last_event_at": iso(case.last_event_at),
        "clauses": list(case.clauses),
        "available_actions": actions,
    }


def _opinion(case: ApprovalCase) -> dict[str, Any] | None:
    if case.opinion_at is None:
        return None
    return {
        "agrees": case.opinion_agrees,
        "text": case.opinion_text,
        "by": str(case.opinion_by),
        "at": iso(case.opinion_at),
    }


def _decision(case: ApprovalCase) -> dict[str, Any] | None:
    if case.decided_at is None:
        return None
    return {"note": case.decision_note, "by": str(case.decided_by), "at": iso(case.decided_at)}
