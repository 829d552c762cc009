"""Named failures of response policies, work calendars and service hours."""

from __future__ import annotations

from service.errors import AppError


class NoPolicy(AppError):
    """No response policy is in force then, or none has this version: nothing is guessed."""

    status, code = 409, "no_response_policy"
    zh = "没有可用的响应时限规则（{which}），请管理员先发布。"
    en = "There is no response policy ({which}); an administrator has to publish one first."


class NoServiceHours(AppError):
    """Neither the area nor anything around it has service hours."""

    status, code = 409, "no_service_hours"
    zh = "区域 {area} 没有工作时段，请管理员先设定全县工作时段。"
    en = "Area {area} has no service hours; an administrator has to enter those of the county."


class CalendarMissing(AppError):
    """A time would fall in a year whose work calendar nobody has entered: it is never guessed."""

    status, code = 409, "calendar_missing"
    zh = "{year} 年的工作日历尚未录入，无法计算期限；请管理员录入该年日历。"
    en = (
        "The work calendar of {year} is not entered, so the deadline is unknown; "
        "an administrator has to enter the calendar of that year."
    )

    def __init__(self, year: int) -> None:
        super().__init__(year=year, extra={"year": year})
        self.year = year


class PolicyNotDraft(AppError):
    """A published or withdrawn version never changes: cases may run under it."""

    status, code = 409, "response_policy_not_draft"
    zh = "响应时限规则第 {version} 版是“{state}”，不能修改；请新建草稿。"
    en = "Version {version} of the response policy is {state} and never changes; start a new draft."


class PolicyInvalid(AppError):
    """The draft contradicts itself; `errors` lists each place. Nothing was changed."""

    status, code = 409, "response_policy_invalid"
    zh = "响应时限规则第 {version} 版有 {count} 处错误。"
    en = "Version {version} of the response policy has {count} errors."


class ValidFromPast(AppError):
    """A policy is published from now on or from later, never backwards."""

    status, code = 422, "valid_from_past"
    zh = "生效时间 {given} 早于现在，请改为现在或以后。"
    en = "{given} is past; a policy is valid from now or from later."


class OverlappingValidity(AppError):
    """Another version is published that begins then or later: their validity would overlap."""

    status, code = 409, "overlapping_validity"
    zh = "第 {version} 版已定于 {begins} 生效，有效期重叠；请另选更晚的时间，或先撤回该版。"
    en = (
        "Version {version} is published from {begins} and would overlap; "
        "choose a later time or withdraw it first."
    )


class PolicyInForce(AppError):
    """Only a version that has not begun can be withdrawn."""

    status, code = 409, "response_policy_in_force"
    zh = "响应时限规则第 {version} 版已生效或未发布，不能撤回。"
    en = "Version {version} of the response policy has begun or is not published: too late."


class CountyHoursNeeded(AppError):
    """Every place needs service hours, so those of the county can be changed, not deleted."""

    status, code = 409, "county_hours_needed"
    zh = "全县的工作时段可以修改，不能删除。"
    en = "The county's service hours can be changed, but not deleted."


class BadWorkCalendar(AppError):
    """The days of a calendar contradict the year or each other; `errors` lists each."""

    status, code = 422, "bad_work_calendar"
    zh = "{year} 年工作日历有 {count} 处错误，未保存。"
    en = "The work calendar of {year} has {count} errors and was not stored."


class BadServiceHours(AppError):
    """The spans are empty, overlap, or do not run forward; `errors` lists each."""

    status, code = 422, "bad_service_hours"
    zh = "工作时段有 {count} 处错误，未保存。"
    en = "The service hours have {count} errors and were not stored."
