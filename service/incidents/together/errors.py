"""Named failures of calls, sub-orders, duplicates and merging."""

from __future__ import annotations

from service.errors import AppError, Forbidden


class NotCalled(Forbidden):
    """Only who was called answers a call."""

    code = "not_called"
    zh = "贵单位（或贵层级）未被呼叫，不能应答。"
    en = "Your unit or tier was not called on this case."


class CallOver(AppError):
    """The call has ended: refused, arrived or unanswered."""

    status, code = 409, "call_over"
    zh = "该呼叫已结束，不能再应答。"
    en = "This call is over and takes no answer any more."


class AlreadyCalled(AppError):
    """A call to the same unit or tier is still open."""

    status, code = 409, "already_called"
    zh = "已呼叫 {who}，尚未结束，请勿重复呼叫。"
    en = "{who} is called already and that call is open."


class TooManyParts(AppError):
    """A case holds only so many calls and sub-orders."""

    status, code = 409, "too_many_parts"
    zh = "一件事件最多 {limit} 条呼叫或协办单。"
    en = "A case holds {limit} calls or sub-orders at most."


class NotSubOrderUnit(Forbidden):
    """Only the unit that a sub-order names handles it."""

    code = "not_the_sub_order_unit"
    zh = "只有协办单指定的单位 {unit} 才能执行“{action}”。"
    en = "Only unit {unit}, which the sub-order names, may {action} it."


class NotIssuer(Forbidden):
    """Only who issued a sub-order, or the tier that holds the case, decides on it."""

    code = "not_the_issuer"
    zh = "只有下达方（主办单位或现负责层级）才能执行“{action}”。"
    en = "Only its issuer, the main unit or the tier that holds the case, may {action} it."


class ArbitrationAbove(Forbidden):
    """A disputed sub-order is decided one tier up."""

    code = "arbitration_above"
    zh = "该协办单已两次被拒，须由第 {tier} 级（{name}）裁定。"
    en = "The sub-order was refused twice: tier {tier} decides on it."


class FinallyAssigned(AppError):
    """What arbitration has assigned may not be refused again."""

    status, code = 409, "finally_assigned"
    zh = "该协办单经裁定指派，不得再次拒绝。"
    en = "The sub-order was assigned by arbitration and may not be refused again."


class SubOrdersOpen(AppError):
    """Sub-orders that the step has to wait for are not done."""

    status, code = 409, "sub_orders_open"
    zh = "尚有协办单未完成：{orders}；请先认可或撤回，或调整结案规则。"
    en = "Sub-orders are not done: {orders}; approve or withdraw them, or change the closing rule."


class UnknownSubOrder(AppError):
    """A closing rule names sub-orders that the case has not."""

    status, code = 422, "unknown_sub_order"
    zh = "本事件没有协办单 {orders}。"
    en = "This case has no sub-orders {orders}."


class BadDeadline(AppError):
    """A deadline has to lie ahead."""

    status, code = 422, "bad_deadline"
    zh = "办理期限应晚于现在。"
    en = "A deadline has to lie in the future."


class UnknownCase(AppError):
    """The other case does not exist, or is outside what the caller may see."""

    status, code = 422, "unknown_case"
    zh = "事件 {id} 不存在，或不在您的权限范围内。"
    en = "There is no case {id}, or it is outside what you may see."


class MergedIntoItself(AppError):
    """A case is no duplicate of itself."""

    status, code = 409, "merged_into_itself"
    zh = "事件不能与自身并案。"
    en = "A case cannot be a duplicate of itself."


class MasterMerged(AppError):
    """The master is itself merged into another case."""

    status, code = 409, "master_is_merged"
    zh = "主案 {number} 本身已并入其他事件，请选择最终主案。"
    en = "Case {number} is itself merged into another one; take that one as the master."


class MasterClosed(AppError):
    """The master is over."""

    status, code = 409, "master_is_closed"
    zh = "主案 {number} 已结束（{state}），不能并入或移出。"
    en = "Case {number} is over ({state}): nothing is merged into it or split off from it."


class HasMerged(AppError):
    """Other cases are merged into this one: a chain is never made."""

    status, code = 409, "is_a_master"
    zh = "已有其他事件并入本案，不能再并入别的事件；请先撤销并案。"
    en = "Other cases are merged into this one; split them off before merging it."


class ConcernsDiffer(AppError):
    """A complaint about a unit stays hidden from it: its history would be told in the master's."""

    status, code = 409, "concerns_differ"
    zh = "投诉件只能与涉及同一单位的投诉件并案，也不能并入普通事件。"
    en = "A complaint is merged only with one that concerns the same unit, and with no other case."
