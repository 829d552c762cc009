"""Why a file is refused as a whole. Everything less is an irregularity, not an error."""

from __future__ import annotations

from typing import ClassVar


class PlanParseError(ValueError):
    """The input is not a plan that could be imported; `code` says why, `details` how much."""

    code: ClassVar[str] = "plan_unreadable"

    def __init__(self, message: str, **details: int | str) -> None:
        self.details = details
        super().__init__(message)


class PlanTooLarge(PlanParseError):
    """More bytes or more lines than a plan can have; refused before it is read."""

    code = "plan_too_large"


class PlanHasNul(PlanParseError):
    """A NUL character: the file is binary or UTF-16, not the plan as plain text."""

    code = "plan_nul_byte"


class PlanUndecodable(PlanParseError):
    """Neither UTF-8 nor GB 18030."""

    code = "plan_undecodable"


class NotAPlan(PlanParseError):
    """Text without a single numbered task."""

    code = "plan_without_tasks"
