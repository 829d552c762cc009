"""Turns what pydantic says of bad input into problems to act on, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.errors import AppError, FieldProblem, InvalidInput, MalformedBody

# pydantic error type -> Chinese text over its context; the English text is pydantic's own.
ZH = {
    "missing": "缺少此项",
    "extra_forbidden": "不认识此项，请删除或检查拼写",
    "string_type": "应为文本",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确，应符合 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限数字（不能是 NaN 或无穷大）",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "enum": "应为其中之一：{expected}",
    "literal_error": "应为其中之一：{expected}",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "datetime_parsing": "应为 RFC 3339 时间",
    "datetime_from_date_parsing": "应为 RFC 3339 时间",
    "timezone_aware": "时间应带时区偏移，例如 +08:00",
    "date_from_datetime_parsing": "应为日期 YYYY-MM-DD",
    "date_parsing": "应为日期 YYYY-MM-DD",
    "string_unicode": "含有不能存储的字符",
}


def problem_of(error: RequestValidationError | ValidationError) -> AppError:
    """The named failure for what pydantic refused: broken JSON is 400, wrong content is 422."""
    found = error.errors()
    for item in found:
        if item["type"] == "json_invalid":
            return MalformedBody(reason=str(item.get("ctx", {}).get("error", item["msg"])))
    return InvalidInput(fields=tuple(_field(item) for item in found[:50]))


def _field(item: Mapping[str, Any]) -> FieldProblem:
    location = [str(part) for part in item["loc"] if part != "body"]
    context = {k: v for k, v in (item.get("ctx") or {}).items() if k != "error"}
    given = context.pop("zh", None)
    template = given or ZH.get(item["type"], "内容不正确")
    try:
        zh = template.format(**context)
    except (KeyError, IndexError):
        zh = template
    return FieldProblem("/" + "/".join(location), item["type"], zh, item["msg"])
