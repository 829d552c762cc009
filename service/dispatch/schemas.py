"""What crosses the wire for the console."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from service.dispatch.rules import Colour
from service.incidents.bodies import BODIES
from service.incidents.shown import Incident
from service.kit.fields import Strict
from service.kit.openapi import ProblemField

MAX_BULK = 200


def _known(action: str) -> str:
    if action not in BODIES:
        expected = ", ".join(BODIES)
        raise PydanticCustomError(
            "literal_error", "Input should be one of {expected}", {"expected": expected}
        )
    return action


Action = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(BODIES)})]


class QueueItem(Incident):
    """An incident that waits, with how urgent it is; `due_at` is null when no clock runs."""

    colour: Colour
    due_at: AwareDatetime | None


class QueueCounts(BaseModel):
    """How many wait, by state and by colour; what there is none of is left out."""

    total: int
    by_state: dict[str, int]
    by_colour: dict[str, int]


class QueuePage(BaseModel):
    """A keyset page of what waits, most urgent first."""

    items: list[QueueItem]
    next: str | None
    counts: QueueCounts | None


class BulkItem(Strict):
    """One case, and the version of it that the caller has seen."""

    id: UUID
    expected_version: Annotated[int, Field(ge=1, le=999_999_999)] | None = None


class Bulk(Strict):
    """批量操作 One action on many cases; `input` is what the action takes for a single one."""

    action: Action = Field(examples=["accept"])
    items: list[BulkItem] = Field(min_length=1, max_length=MAX_BULK)
    input: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_once(self) -> Bulk:
        ids = [item.id for item in self.items]
        if len(set(ids)) < len(ids):
            twice = next(i for n, i in enumerate(ids) if i in ids[:n])
            raise PydanticCustomError(
                "duplicate_id",
                "The case {id} is in the list twice",
                {"id": str(twice), "zh": "事件 {id} 在列表中重复"},
            )
        return self


class BulkProblem(BaseModel):
    """Why a row was rejected: the problem that the single action would have answered."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemField] | None = None
    clause: str | None = None
    current_version: int | None = None


class BulkRow(BaseModel):
    """What became of one case: done now, done by an earlier request with this key, or not done."""

    id: UUID
    result: Literal["applied", "duplicate", "rejected"]
    incident: Incident | None
    problem: BulkProblem | None


class BulkResult(BaseModel):
    """One result for each row, in the order of the rows."""

    items: list[BulkRow]
