"""Named failures of duty lists."""

from __future__ import annotations

from service.errors import AppError


class DutyListNotDraft(AppError):
    """A published or retired version never changes: dispatches were judged by it."""

    status, code = 409, "duty_list_not_draft"
    zh = "权责清单第 {version} 版是“{state}”，不能修改；请新建草稿。"
    en = "Version {version} of the duty lists is {state} and never changes; start a new draft."


class DutyListInvalid(AppError):
    """The draft breaks rules; `errors` lists each place. Nothing was published."""

    status, code = 409, "duty_list_invalid"
    zh = "权责清单第 {version} 版有 {count} 处错误，未发布。"
    en = "Version {version} of the duty lists has {count} errors and was not published."


class DuplicateItem(AppError):
    """The submitted list names an item twice."""

    status, code = 422, "duplicate_item"
    zh = "事项编码 {item} 出现多次。"
    en = "Item {item} appears more than once."


class OtherKind(AppError):
    """A list is copied from one of its own kind."""

    status, code = 422, "other_kind"
    zh = "第 {version} 版是“{found}”清单，不能作为“{kind}”清单的底稿。"
    en = "Version {version} is a {found} list and cannot be copied as a {kind} list."


class UnknownDutyCategory(AppError):
    """The published tree has no such category."""

    status, code = 422, "unknown_category"
    zh = "没有编码为 {category} 的事件类别，请先更新类别表（GET /v1/categories）。"
    en = "There is no category {category}; load the present tree from GET /v1/categories."
