"""What is sent to act on calls, sub-orders and duplicates."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.incidents.schemas import Noted, Reasoned
from service.incidents.together.shown import ClosingRule
from service.kit.fields import Moment, Strict, Text50, Text2000

MAX_AT_ONCE = 20


class Called(Noted):
    """社区呼叫 The units to call, the next tier, or both."""

    units: Annotated[list[Text50], Field(max_length=MAX_AT_ONCE, default_factory=list)]
    next_tier: bool = Field(default=False, description="Call the tier above the holder's too")

    @model_validator(mode="after")
    def _somebody(self) -> Called:
        if not self.units and not self.next_tier:
            raise PydanticCustomError(
                "nobody_called",
                "Give units, or next_tier: true, or both",
                {"zh": "请给出 units（单位）或 next_tier: true（上一层级），或两者"},
            )
        if len(set(self.units)) < len(self.units):
            raise PydanticCustomError(
                "called_twice", "A unit is named twice", {"zh": "同一单位重复出现"}
            )
        return self


class CallAnswered(Noted):
    """应答 What the called ones do; a refusal needs its reason in `note`."""

    answer: Literal["on_the_way", "accept", "refuse"]
    call: UUID | None = Field(
        default=None, description="Which call; by default your first open one"
    )

    @model_validator(mode="after")
    def _reason(self) -> CallAnswered:
        if self.answer == "refuse" and self.note is None:
            raise PydanticCustomError(
                "reason_missing",
                "A refusal needs its reason: give note",
                {"zh": "拒绝须说明理由：请填写 note"},
            )
        return self


class CallArrived(Noted):
    """应答到场 The called ones are on the spot."""

    call: UUID | None = Field(
        default=None, description="Which call; by default your first open one"
    )


class NewSubOrder(Strict):
    """A sub-order to be issued."""

    unit: Text50
    task: Text2000
    deadline: Moment | None = None


class HelpRequested(Noted):
    """协办 Sub-orders to one or several units."""

    sub_orders: Annotated[list[NewSubOrder], Field(min_length=1, max_length=MAX_AT_ONCE)]


class ClosingRuleSet(Noted):
    """结案规则 Which sub-orders the case waits for."""

    rule: ClosingRule
    named: Annotated[list[UUID], Field(max_length=100, default_factory=list)]

    @model_validator(mode="after")
    def _named(self) -> ClosingRuleSet:
        if self.rule == "all" and self.named:
            raise PydanticCustomError(
                "names_without_need",
                "The rule all waits for every sub-order: name none",
                {"zh": "规则 all 等待全部协办单，不需指定 named"},
            )
        return self


class MergedInto(Noted):
    """并案 The case that this one follows from now on."""

    master: UUID


class DuplicateDeclined(Noted):
    """否定重复 The case that is another matter."""

    duplicate: UUID


class SubOrderSubmitted(Noted):
    """反馈 What the unit has done."""

    note: Text2000


class SubOrderMoved(Noted):
    """转派、裁定 The unit that has to do it from now on."""

    unit: Text50


BODIES: dict[str, type[Noted]] = {
    "call": Called,
    "answer": CallAnswered,
    "arrive-call": CallArrived,
    "request-help": HelpRequested,
    "set-closing-rule": ClosingRuleSet,
    "merge": MergedInto,
    "split-off": Noted,
    "decline-duplicate": DuplicateDeclined,
}
ORDER_BODIES: dict[str, type[Noted]] = {
    "accept": Noted,
    "refuse": Reasoned,
    "submit": SubOrderSubmitted,
    "approve": Noted,
    "send-back": Reasoned,
    "transfer": SubOrderMoved,
    "withdraw": Reasoned,
    "assign": SubOrderMoved,
}
