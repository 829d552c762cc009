"""Named failures of dispatching outside a duty list, and of approvals."""

from __future__ import annotations

from service.errors import AppError, Forbidden


class OutsideDutyList(AppError):
    """The list lacks the matter, and no approval is at hand (35.2; 25.1 and 35.4)."""

    status, code = 409, "outside_duty_list"
    zh = (
        "类别 {category} 对{name_zh} {area} {why_zh}，不能直接派遣：请先申请清单外派单审批"
        "（POST /v1/dispatch-approvals），由当地出具意见、县级批准后再派。"
    )
    en = (
        "Category {category} {why_en} of the {name_en} {area}: ask for an approval first "
        "(POST /v1/dispatch-approvals), then dispatch when the township has given its opinion "
        "and the county has approved."
    )


class WithinDutyList(AppError):
    """No approval is needed: the list holds the matter, or no list judges it."""

    status, code = 409, "within_duty_list"
    zh = "类别 {category} 在 {area} 属清单内事项（{item}），可直接派遣，无需审批。"
    en = (
        "Category {category} is on the list of {area} ({item}): dispatch it, no approval is needed."
    )


class NotRequester(Forbidden):
    """Only a dispatcher of the county or a handler of a county unit asks."""

    code = "not_county_side"
    zh = "只有县级调度员或县级单位的经办人可以申请清单外派单，且须代表本单位。"
    en = "Only a county dispatcher, or a handler of a county unit for that unit, may ask."


class OwnPart(Forbidden):
    """Who asked, who gives the opinion and who decides are different people (35.2)."""

    code = "own_part"
    zh = "申请人、出具意见人与审批人不得为同一人，您已参与此申请（{part}）。"
    en = "Who asks, who gives the opinion and who decides must differ: you have a part ({part})."


class NotOwnRequest(Forbidden):
    """Only who asked, or that unit, takes a request back."""

    code = "not_own_request"
    zh = "只有申请人或其单位可以撤回。"
    en = "Only who asked, or that unit, may withdraw it."


class OpinionMissing(AppError):
    """The township has not been heard (35.2)."""

    status, code = 409, "opinion_missing"
    zh = "乡镇（街道）尚未出具意见，不能审批。"
    en = "The township has not given its opinion yet; nothing can be decided before."


class ReasonMissing(AppError):
    """Approving against the township's opinion needs a reason."""

    status, code = 422, "reason_missing"
    zh = "乡镇（街道）不同意，批准时须说明理由（note）。"
    en = "The township disagrees: approving against it needs a reason (note)."


class ApprovalExpired(AppError):
    """Its time has run out."""

    status, code = 409, "approval_expired"
    zh = "该申请已于 {at} 过期，请重新申请。"
    en = "The request expired at {at}; ask again."


class ApprovalMismatch(AppError):
    """The approval is for another dispatch."""

    status, code = 409, "approval_mismatch"
    zh = "该审批不是针对这一事件、类别和派遣对象的。"
    en = "The approval is for another case, category or target."


class ApprovalPending(AppError):
    """The case has an open request or approval for that target."""

    status, code = 409, "approval_pending"
    zh = "该事件对 {area} 已有进行中的申请或有效批准。"
    en = "There is an open request or a valid approval of this case for {area} already."


class TargetElsewhere(AppError):
    """The target does not contain the case's grid, or the unit is not of the target."""

    status, code = 422, "target_elsewhere"
    zh = "派遣对象 {target} 与网格 {grid} 不在同一区域。"
    en = "The target {target} is not where the grid {grid} lies."


class TargetUnitElsewhere(AppError):
    """The target unit works for another area."""

    status, code = 422, "target_unit_elsewhere"
    zh = "单位 {unit} 不属于派遣对象 {target}。"
    en = "Unit {unit} is not one of the target {target}."


class IdTaken(AppError):
    """The client-made id belongs to another request."""

    status, code = 409, "id_taken"
    zh = "标识 {id} 已存在，请换新的 UUIDv7。"
    en = "The id {id} exists already; make a new UUIDv7."
