"""Named failures of incidents."""

from __future__ import annotations

from service.errors import AppError, Forbidden


class OutsideCounty(AppError):
    """The position lies in no grid of this county."""

    status, code = 422, "outside_county"
    zh = "位置（{lon:.6f}, {lat:.6f}，CGCS2000）不在本县任何网格内，请核对坐标系 crs 与定位。"
    en = (
        "The position ({lon:.6f}, {lat:.6f}, CGCS2000) is in no grid of this county; "
        "check crs and the fix."
    )


class InaccuratePosition(AppError):
    """The fix is too coarse to name a grid."""

    status, code = 422, "inaccurate_position"
    zh = "定位误差 {accuracy_m:.0f} 米过大（上限 {limit:.0f} 米），请重新定位或在图上选点。"
    en = "The fix may be {accuracy_m:.0f} m off (limit {limit:.0f} m); fix again or pick a point."


class BadPosition(AppError):
    """The position itself cannot be: not a number, out of range, out of the country."""

    status, code = 422, "bad_position"
    zh = "坐标无效：{reason}"
    en = "The position is not valid: {reason}"


class BadOccurredAt(AppError):
    """The time lies in the future or too far back."""

    status, code = 422, "bad_occurred_at"
    zh = "发生时间应在最近 {days} 天内且不晚于现在，请核对设备时钟。"
    en = "occurred_at must lie within the last {days} days and not in the future; check the clock."


class SelfHandleNotAllowed(AppError):
    """This category may not be handled and closed by who found it."""

    status, code = 409, "self_handle_not_allowed"
    zh = "类别 {category} 不允许自处置结案，请上报后由他人核查。"
    en = "Category {category} may not be closed by who found it; report it, somebody else verifies."


class EvidenceMissing(AppError):
    """The category's rule asks for evidence of what was done."""

    status, code = 422, "evidence_missing"
    zh = "类别 {category} 要求提供处置后的证据附件。"
    en = "Category {category} asks for evidence of the result: add attachments."


class UnknownAttachment(AppError):
    """An attachment that does not exist or was uploaded by somebody else."""

    status, code = 422, "unknown_attachment"
    zh = "附件 {ids} 不存在，或不是您上传的。"
    en = "Attachments {ids} do not exist or are not your uploads."


class IdTaken(AppError):
    """The client-made id belongs to another incident."""

    status, code = 409, "id_taken"
    zh = "标识 {id} 已被另一事件使用，请换新的标识。"
    en = "The id {id} belongs to another incident; make a new one."


class HeldAbove(Forbidden):
    """A higher tier holds the case."""

    code = "held_by_higher_tier"
    zh = "事件现由第 {tier} 级（{name}）负责，您的层级不能执行“{action}”。"
    en = "The case is held at tier {tier}; your tier may not {action} it."


class NotHandler(Forbidden):
    """Only the assignee, or a member of the assigned unit, handles the case."""

    code = "not_the_handler"
    zh = "只有被派遣的人员或单位才能执行“{action}”。"
    en = "Only the assigned person or unit may {action}."


class VerifierIsHandler(Forbidden):
    """Who handled the case may neither verify nor close it."""

    code = "verifier_is_handler"
    zh = "处置人不能核查或结案自己处置的事件，请由他人核查。"
    en = "Who handled the case may not verify or close it; somebody else must."


class NotVerified(AppError):
    """The last verification failed: rework it."""

    status, code = 409, "not_verified"
    zh = "最近一次核查未通过，请返工（rework），不能结案。"
    en = "The last verification failed: send it to rework, it may not be closed."


class NoHigherTier(AppError):
    """The county is the top tier here."""

    status, code = 409, "no_higher_tier"
    zh = "事件已在县级，无法继续升级。"
    en = "The case is at county tier already; there is no higher one."


class BadAssignee(AppError):
    """The unit or person cannot handle this case."""

    status, code = 422, "bad_assignee"
    zh = "被派遣对象无效：{reason_zh}"
    en = "The assignee is not valid: {reason_en}"


class NoContact(AppError):
    """The report came without a contact."""

    status, code = 404, "no_contact"
    zh = "该事件没有留下联系方式。"
    en = "This incident has no contact."


class NoLimitRuns(AppError):
    """There is no limit that could be extended."""

    status, code = 409, "no_limit_runs"
    zh = "该事件当前没有可延长的办结时限。"
    en = "No limit runs on this case that could be extended."


class ExtensionUsed(AppError):
    """The case has had as many extensions as the policy allows."""

    status, code = 409, "extension_used"
    zh = "该事件的延期次数已用完。"
    en = "The case was extended already, as often as the policy allows."


class ExtensionPending(AppError):
    """An extension was asked for and is not decided."""

    status, code = 409, "extension_pending"
    zh = "已有延期申请待批，请等待答复。"
    en = "An extension was asked for and waits for its decision."


class ExtensionTooLate(AppError):
    """An extension is asked for before the limit is over, never afterwards."""

    status, code = 409, "extension_too_late"
    zh = "办结时限已过，不能再申请延期。"
    en = "The limit is over; an extension has to be asked for before that."


class ExtensionTooLong(AppError):
    """An extension is at most the original limit, on the same clock."""

    status, code = 422, "extension_too_long"
    zh = "延期时长不能超过原时限 {limit}，且计时方式须相同（工作时间或自然时间）。"
    en = "An extension is at most the original limit {limit}, counted on the same clock."


class NoExtensionAsked(AppError):
    """There is nothing to decide."""

    status, code = 409, "no_extension_asked"
    zh = "没有待批的延期申请。"
    en = "No extension waits for a decision."


class ExtensionDecidedByAsker(Forbidden):
    """Somebody else than the asker decides over an extension."""

    code = "extension_decided_by_asker"
    zh = "延期申请须由他人审批，申请人不能自批。"
    en = "An extension is decided by somebody else than who asked for it."


class ActivationNotInForce(AppError):
    """The emergency or drill named is not in force where the incident is."""

    status, code = 422, "activation_not_in_force"
    zh = "该应急响应（或演练）未启动、已结束，或不覆盖事件所在网格。"
    en = "No such emergency or drill is in force where the incident is."
