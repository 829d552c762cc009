"""Cases as this process last wrote them, so that the next action on one needs no reading first.

A remembered case may be old: another process may have acted on it. That does no harm, because the
gathered statement takes a decision only in the version that it was made on, and because a refusal
is never given on a remembered case alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from service.incidents.case import IncidentCase

REMEMBERED = 4_096


class CaseMemory:
    """The cases written last, at most `REMEMBERED`; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._cases: OrderedDict[UUID, IncidentCase] = OrderedDict()

    def take(self, ids: Sequence[UUID]) -> dict[UUID, IncidentCase]:
        """Those of `ids` that are remembered, and now the caller's to change."""
        taken = ((i, self._cases.pop(i, None)) for i in ids)
        return {i: case for i, case in taken if case is not None}

    def keep(self, case: IncidentCase) -> None:
        """Remember `case` as it was just stored."""
        self._cases[case.id] = case
        if len(self._cases) > REMEMBERED:
            self._cases.popitem(last=False)
