"""Examples of request bodies of this room, for service.examples."""

from __future__ import annotations

from typing import Any

CASE = "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"

DUTIES: dict[str, dict[str, tuple[str, Any]]] = {
    "draft_duty_list": {
        "a_copy_of_the_list_in_force": (
            "复制现行 a copy of the list in force",
            {"kind": "township", "note": "年度动态调整"},
        ),
        "a_copy_of_a_version": (
            "复制某版 a copy of a version",
            {"kind": "community", "copy_of": 2},
        ),
    },
    "put_duty_item": {
        "an_item_with_an_exception": (
            "事项 an item with an exception",
            {
                "name_zh": "占道经营劝导",
                "name_en": "Talking to street traders",
                "section": "basic",
                "categories": ["0903"],
                "lead_unit": "511723-law-enforcement",
                "cooperating_units": ["511723-housing"],
                "basis": "《城市市容和环境卫生管理条例》",
                "exceptions": [
                    {"township": "511723205", "section": "recovered", "note": "无专业力量"}
                ],
                "clauses": ["35.3"],
            },
        )
    },
    "request_dispatch_approval": {
        "help_with_a_county_task": (
            "申请清单外派单 help with a county task",
            {
                "case_id": CASE,
                "category": "1004",
                "grid_code": "511723001001001",
                "target_area": "511723001",
                "reason": "专项整治期间人手不足，请协助现场值守",
                "support": "县局派 2 人、车辆 1 台",
            },
        )
    },
    "give_dispatch_opinion": {
        "agreed": ("同意 agreed", {"agrees": True, "text": "同意协助值守，请县局同步到场"}),
        "not_agreed": ("不同意 not agreed", {"agrees": False, "text": "人手不足，请县局自行处置"}),
    },
    "approve_dispatch": {"approved": ("批准 approved", {"note": "按属地配合，限本次"})},
    "deny_dispatch": {"denied": ("不予批准 denied", {"note": "应由县局自行处置"})},
    "withdraw_dispatch_approval": {"withdrawn": ("撤回 withdrawn", {"note": "县局已自行处置"})},
}
