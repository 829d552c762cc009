"""The colour of a case at a moment; pure, and the same decision that the queue's SQL makes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

Colour = Literal["none", "green", "amber", "red", "supervised"]
COLOURS: tuple[Colour, ...] = get_args(Colour)


def colour_of(
    now: datetime,
    amber_at: datetime | None,
    due_at: datetime | None,
    supervise_at: datetime | None,
) -> Colour:
    """`none` without a running clock; else how far it has run at `now`, each mark included."""
    if due_at is None:
        return "none"
    if supervise_at is not None and now >= supervise_at:
        return "supervised"
    if now >= due_at:
        return "red"
    if amber_at is not None and now >= amber_at:
        return "amber"
    return "green"
