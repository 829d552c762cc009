"""Examples of request bodies for calls, sub-orders and merging."""

from __future__ import annotations

from typing import Any

UNIT, OTHER_UNIT = "511723-housing", "511723-water"
CASE = "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"

TOGETHER: dict[str, dict[str, tuple[str, Any]]] = {
    "call_incident": {
        "units": ("呼叫单位 call units", {"units": [UNIT], "note": "井盖缺失，请携带围挡"}),
        "next_tier": ("呼叫上一层级 call the next tier", {"next_tier": True}),
    },
    "answer_incident": {
        "on_the_way": ("已出发 on the way", {"answer": "on_the_way"}),
        "refuse": ("拒绝 refuse", {"answer": "refuse", "note": "人员均在处置另一险情"}),
    },
    "arrive_call_incident": {"arrived": ("已到场 arrived", {"note": "两人到场"})},
    "request_help_incident": {
        "two_units": (
            "请两个单位协办 two units",
            {
                "sub_orders": [
                    {"unit": UNIT, "task": "更换井盖"},
                    {
                        "unit": OTHER_UNIT,
                        "task": "清理井内淤泥",
                        "deadline": "2099-03-06T18:00:00+08:00",
                    },
                ]
            },
        )
    },
    "issue_sub_orders": {
        "one_unit": (
            "下达一个协办单 one unit",
            {"sub_orders": [{"unit": UNIT, "task": "更换井盖"}]},
        )
    },
    "set_closing_rule_incident": {
        "all": ("全部完成 every sub-order", {"rule": "all"}),
        "main_only": ("主办完成即可 the main unit's", {"rule": "main_and_named"}),
    },
    "merge_incident": {"merge": ("并案 merge", {"master": CASE, "note": "同一井盖"})},
    "split_off_incident": {"split_off": ("撤销并案 split off", {"note": "核实为另一井盖"})},
    "decline_duplicate_incident": {
        "another": ("不是同一件事 another matter", {"duplicate": CASE, "note": "相邻的另一井盖"})
    },
    "accept_sub_order": {"accept": ("接收 accept", {})},
    "refuse_sub_order": {"refuse": ("拒绝 refuse", {"note": "不属本单位职责"})},
    "submit_sub_order": {"submit": ("反馈 submit", {"note": "已更换", "attachments": []})},
    "approve_sub_order": {"approve": ("认可 approve", {"note": "现场核实"})},
    "send_back_sub_order": {"send_back": ("退回重办 send back", {"note": "井盖松动"})},
    "transfer_sub_order": {"transfer": ("转派 transfer", {"unit": OTHER_UNIT})},
    "withdraw_sub_order": {"withdraw": ("撤回 withdraw", {"note": "主办单位已一并处理"})},
    "assign_sub_order": {"assign": ("裁定 assign finally", {"unit": UNIT, "note": "依职责归口"})},
}
