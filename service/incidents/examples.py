"""Examples of request bodies of this room, for service.examples."""

from __future__ import annotations

from service.kit.examples import Examples, one

MADE_ID = "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"
UNIT = "511723-housing"
HERE = {"lon": 107.8683, "lat": 31.0829, "crs": "gcj02", "accuracy_m": 12.5}

REPORTS: Examples = {
    **one(
        "上报",
        "a missing manhole cover",
        {
            "id": MADE_ID,
            "category": "0502",
            "location": HERE,
            "description": "人行道窨井盖缺失，已放置警示牌",
            "occurred_at": "2026-03-05T08:20:00+08:00",
            "channel": "grid_worker",
            "contact": {"name": "李明", "phone": "13800000000"},
            "attachments": [],
        },
    ),
    **one(
        "上报并自处置",
        "found and fixed at once",
        {
            "category": "0601",
            "location": {"lon": 107.8683, "lat": 31.0829, "crs": "cgcs2000"},
            "description": "路边有暴露垃圾",
            "self_handled": {"note": "已清扫干净", "attachments": []},
        },
    ),
}

INCIDENTS: dict[str, Examples] = {
    "report_incident": REPORTS,
    "self_handle_incident": one("当场处理", "done on the spot", {"note": "已当场清理"}),
    "accept_incident": one("受理", "accept", {"note": "属本辖区事项"}),
    "reject_incident": one("不予受理", "not ours", {"note": "属高速公路管理单位，已告知报告人"}),
    "assign_incident": {
        **one("派给单位", "to a unit", {"unit": UNIT, "note": "请两小时内到场"}),
        **one("派给人员", "to a person", {"account": "wang.fang"}),
    },
    "transfer_incident": one("转派", "to another unit", {"unit": "511723-water"}),
    "arrive_incident": one("到场", "on site", {"location": HERE}),
    "handle_incident": one("处置中", "at work", {"note": "正在更换井盖"}),
    "submit_incident": one("处置完毕", "done", {"note": "已更换井盖", "attachments": []}),
    "return_incident": one("退回", "not for us", {"note": "该井属通信单位"}),
    "escalate_incident": one("升级", "beyond our means", {"note": "需县级部门协调"}),
    "verify_incident": {
        **one("核查通过", "passed", {"result": "passed", "note": "现场已恢复"}),
        **one("核查不通过", "failed", {"result": "failed", "note": "井盖松动"}),
    },
    "rework_incident": one("返工", "once more", {"note": "井盖松动，请加固"}),
    "close_incident": one("结案", "close", {"note": "核查通过，结案"}),
    "follow_up_incident": one("回访", "satisfied", {"satisfaction": "satisfied"}),
    "reopen_incident": one("重启", "broken again", {"note": "报告人反映井盖再次缺失"}),
    "void_incident": one("作废", "reported by mistake", {"note": "误报"}),
    "extend_incident": one("延期", "more time", {"duration": "12h", "note": "配件明日到货"}),
    "approve_extension_incident": one("同意延期", "granted", {"note": "情况属实"}),
    "refuse_extension_incident": one("不同意延期", "not granted", {"note": "可先用库存配件"}),
    "suspend_incident": one("挂起", "wait", {"note": "暴雨，无法下井作业"}),
    "resume_incident": one("恢复", "go on", {"note": "雨停，继续处置"}),
    "urge_incident": one("催办", "urge", {"note": "请尽快到场"}),
    "supervise_incident": one("督办", "supervise", {"note": "群众反映强烈，请专人负责"}),
    "reveal_incident_contact": one("查看联系方式", "to call back", {"purpose": "电话回访核实"}),
}
