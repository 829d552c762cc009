"""Named failures of the plan, and what the parser's refusals mean for a caller."""

from __future__ import annotations

from service.errors import AppError
from service.plan.parsing.errors import (
    NotAPlan,
    PlanHasNul,
    PlanParseError,
    PlanTooLarge,
    PlanUndecodable,
)

FILE = "/file"


class UnknownPlanClause(AppError):
    """The plan has neither a task nor a measure of that number."""

    status, code = 404, "unknown_clause"
    zh = "方案中没有编号为 {asked} 的任务或举措；任务如 23，举措如 23.2。"
    en = "The plan has no task or measure {asked}; a task is like 23, a measure like 23.2."


class PlanRefused(AppError):
    """The file cannot be imported as a plan; nothing was stored."""

    status, code = 422, PlanParseError.code
    zh = "文件不能作为方案导入：{reason}。未作任何更改。"
    en = "The file cannot be imported as a plan: {reason}. Nothing was changed."


class PlanFileTooLarge(PlanRefused):
    """More bytes or lines than any plan has."""

    status, code = 413, PlanTooLarge.code
    zh = "文件过大：方案文本不超过 5 MiB、50000 行。未作任何更改。"
    en = "The file is too large: a plan has at most 5 MiB and 50,000 lines. Nothing was changed."


class PlanFileBinary(PlanRefused):
    """A NUL byte: not plain text."""

    code = PlanHasNul.code
    zh = "第 {offset} 字节是 NUL，文件不是纯文本；请另存为 UTF-8 文本后再导入。"
    en = "Byte {offset} is NUL, so this is not plain text; save it as UTF-8 text and try again."


class PlanFileUndecodable(PlanRefused):
    """Neither UTF-8 nor GB 18030."""

    code = PlanUndecodable.code
    zh = "第 {offset} 字节起既不是 UTF-8 也不是 GB 18030；请另存为 UTF-8 文本后再导入。"
    en = "From byte {offset} on the file is neither UTF-8 nor GB 18030; save it as UTF-8 text."


class PlanWithoutTasks(PlanRefused):
    """Text, but no plan: not one numbered task."""

    code = NotAPlan.code
    zh = "文件中没有任何编号任务（如“1.”），不是方案文本。未作任何更改。"
    en = "The file has no numbered task (such as “1.”): it is no plan. Nothing was changed."


class PlanTooIrregular(PlanRefused):
    """So much of one kind that a report over it would help nobody; see `extra` for how much."""

    code = "plan_too_irregular"
    zh = "{what_zh}多达 {found}（上限 {limit}），不像方案文本。未作任何更改。"
    en = "{found} {what_en} (at most {limit}): this does not look like a plan. Nothing was changed."


def refusal_of(error: PlanParseError) -> PlanRefused:
    """The problem that a refusal of the parser means; its details come along as members."""
    match error:
        case PlanTooLarge():
            return PlanFileTooLarge(pointer=FILE, extra={"limits": error.details})
        case PlanHasNul():
            return PlanFileBinary(pointer=FILE, offset=error.details["offset"])
        case PlanUndecodable():
            return PlanFileUndecodable(pointer=FILE, offset=error.details["offset"])
        case NotAPlan():
            return PlanWithoutTasks(pointer=FILE, extra={"lines": error.details.get("lines", 0)})
    return PlanRefused(pointer=FILE, reason=str(error))
