"""Named failures of categories."""

from __future__ import annotations

from service.errors import AppError


class UnknownCategory(AppError):
    """The published tree has no such category; a group alone is no category."""

    status, code = 422, "unknown_category"
    zh = "没有编码为 {category} 的事件类别，请先更新类别表（GET /v1/categories）。"
    en = "There is no category {category}; load the present tree from GET /v1/categories."


class RetiredCategory(AppError):
    """The category exists, but nothing new is reported under it."""

    status, code = 422, "retired_category"
    zh = "类别 {category}（{name_zh}）已停用，请改选其他类别。"
    en = "Category {category} ({name_en}) is retired; choose another."


class CategorySetNotDraft(AppError):
    """A published or retired version never changes: cases run under it."""

    status, code = 409, "category_set_not_draft"
    zh = "类别表第 {version} 版是“{state}”，不能修改；请新建草稿。"
    en = "Version {version} of the categories is {state} and never changes; start a new draft."


class CategorySetInvalid(AppError):
    """The draft breaks rules; `errors` lists each place. Nothing was published."""

    status, code = 409, "category_set_invalid"
    zh = "类别表第 {version} 版有 {count} 处错误，未发布。"
    en = "Version {version} of the categories has {count} errors and was not published."


class DuplicateCategory(AppError):
    """The submitted tree names a code twice."""

    status, code = 422, "duplicate_category"
    zh = "编码 {category} 出现多次。"
    en = "Code {category} appears more than once."
