"""The cells of an exported list: what stands in them, and what must never run in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.incidents.workflow import STATES, TIERS
from service.kit import clock

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
COLOURS = {"none": "无时限", "green": "正常", "amber": "预警", "red": "超期", "supervised": "督办"}
HEADINGS = (
    "编号 Number", "类别 Category", "类别名称 Name", "级别 Level", "状态 State", "层级 Tier",
    "时限 Clock", "到期 Due", "上报时间 Reported", "最近办理 Last step", "结案 Closed", "网格 Grid",
    "单位 Unit", "渠道 Channel", "描述 Description", "依据条款 Clauses", "导出 Exported",
)  # fmt: skip


def harmless(text: str) -> str:
    """`text` so that no spreadsheet runs it: an apostrophe before what would begin a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def wall_clock(moment: str | None) -> str:
    """An RFC 3339 time as it is read on the wall in China; empty for none."""
    return f"{clock.local(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S}" if moment else ""


def cells(item: dict[str, Any], name: str, mark: str) -> list[str]:
    """One row: an incident of the list or the queue, its category's name, and the watermark."""
    holder = item["holder"]
    return [
        harmless(text)
        for text in (
            item["number"],
            item["category"],
            name,
            f"L{item['level']}",
            STATES[item["state"]],
            TIERS.get(holder["tier"], str(holder["tier"])),
            COLOURS.get(item.get("colour", ""), ""),
            wall_clock(item.get("due_at")),
            wall_clock(item["reported_at"]),
            wall_clock(item["last_event_at"]),
            wall_clock(item["closed_at"]),
            item["grid_code"],
            holder["unit"] or "",
            item["channel"],
            item["description"],
            " ".join(item["clauses"]),
            mark,
        )
    ]
