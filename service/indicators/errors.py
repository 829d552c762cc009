"""Named failures of the figures."""

from __future__ import annotations

from typing import ClassVar

from service.errors import AppError


class BadPeriod(AppError):
    """The period ends before it begins, or is longer than what is answered at once."""

    status, code = 422, "bad_period"
    zh = "时段无效：结束日期不得早于开始日期，且不超过 {years} 年。"
    en = "The period is not valid: it must not end before it begins, nor last over {years} years."


class BadGrouping(AppError):
    """An area has no parts of a level above its own."""

    status, code = 422, "bad_grouping"
    zh = "区域 {area} 不能按 {group_by} 分组：分组级别不得高于区域本身。"
    en = "Area {area} cannot be grouped by {group_by}: the parts must not be larger than the area."


class FiguresBehind(AppError):
    """More events wait to be counted than a question can add up by itself."""

    status, code = 503, "figures_behind"
    zh = "指标正在统计中，稍后再查。"
    en = "The figures are still being counted: ask again in a few minutes."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}
