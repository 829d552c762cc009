"""Examples of request bodies in the OpenAPI: what a client may send, checked by the tests.

By operation id; then by name: a title in both languages, and the body.
"""

from __future__ import annotations

from typing import Any

from service.duties.examples import DUTIES
from service.emergency.examples import EMERGENCY
from service.incidents.policies.examples import RESPONSE
from service.incidents.together.examples import TOGETHER

Examples = dict[str, tuple[str, Any]]

MADE_ID = "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"
EVIDENCE = "0197c7a3-0b1c-7d22-8a0b-2e3f40516273"
ACCOUNT = "0197c7a4-1c2d-7e33-8b0c-3f4051627384"
UNIT = "511723-housing"
VILLAGE = "511723001001"
HERE = {"lon": 107.8683, "lat": 31.0829, "crs": "gcj02", "accuracy_m": 12.5}


def _one(zh: str, en: str, body: Any) -> Examples:
    return {en.replace(" ", "_").replace(",", ""): (f"{zh} {en}", body)}


def _square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


REPORTS: Examples = {
    **_one(
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
    **_one(
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
    "self_handle_incident": _one("当场处理", "done on the spot", {"note": "已当场清理"}),
    "accept_incident": _one("受理", "accept", {"note": "属本辖区事项"}),
    "reject_incident": _one("不予受理", "not ours", {"note": "属高速公路管理单位，已告知报告人"}),
    "assign_incident": {
        **_one("派给单位", "to a unit", {"unit": UNIT, "note": "请两小时内到场"}),
        **_one("派给人员", "to a person", {"account": "wang.fang"}),
    },
    "transfer_incident": _one("转派", "to another unit", {"unit": "511723-water"}),
    "arrive_incident": _one("到场", "on site", {"location": HERE}),
    "handle_incident": _one("处置中", "at work", {"note": "正在更换井盖"}),
    "submit_incident": _one("处置完毕", "done", {"note": "已更换井盖", "attachments": []}),
    "return_incident": _one("退回", "not for us", {"note": "该井属通信单位"}),
    "escalate_incident": _one("升级", "beyond our means", {"note": "需县级部门协调"}),
    "verify_incident": {
        **_one("核查通过", "passed", {"result": "passed", "note": "现场已恢复"}),
        **_one("核查不通过", "failed", {"result": "failed", "note": "井盖松动"}),
    },
    "rework_incident": _one("返工", "once more", {"note": "井盖松动，请加固"}),
    "close_incident": _one("结案", "close", {"note": "核查通过，结案"}),
    "follow_up_incident": _one("回访", "satisfied", {"satisfaction": "satisfied"}),
    "reopen_incident": _one("重启", "broken again", {"note": "报告人反映井盖再次缺失"}),
    "void_incident": _one("作废", "reported by mistake", {"note": "误报"}),
    "extend_incident": _one("延期", "more time", {"duration": "12h", "note": "配件明日到货"}),
    "approve_extension_incident": _one("同意延期", "granted", {"note": "情况属实"}),
    "refuse_extension_incident": _one("不同意延期", "not granted", {"note": "可先用库存配件"}),
    "suspend_incident": _one("挂起", "wait", {"note": "暴雨，无法下井作业"}),
    "resume_incident": _one("恢复", "go on", {"note": "雨停，继续处置"}),
    "urge_incident": _one("催办", "urge", {"note": "请尽快到场"}),
    "supervise_incident": _one("督办", "supervise", {"note": "群众反映强烈，请专人负责"}),
    "reveal_incident_contact": _one("查看联系方式", "to call back", {"purpose": "电话回访核实"}),
}

GEOJSON_FILE = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
    f'{{"village_code": "{VILLAGE}", "kind": "basic", "name": "第1网格", "households": 260}}, '
    '"geometry": {"type": "Polygon", "coordinates": [[[107.866, 31.082], [107.867, 31.082], '
    "[107.867, 31.083], [107.866, 31.083], [107.866, 31.082]]]}}]}"
)
GRIDS: dict[str, Examples] = {
    "locate_grids": _one(
        "批量定位",
        "two positions",
        {"crs": "cgcs2000", "points": [[107.8683, 31.0829], [107.72, 31.1]]},
    ),
    "submit_delineation": _one(
        "提交划分成果",
        "a village in GeoJSON",
        {
            "file": GEOJSON_FILE,
            "area_code": VILLAGE,
            "base_map": "orthophoto",
            "scale": 2000,
            "surveyed_on": "2025-05-01",
            "map_review_number": "川S〔2025〕00012号",
            "crs": "cgcs2000",
            "synthetic": True,
        },
    ),
    "publish_delineation": _one(
        "发布", "with its approval", {"approval_document": "开网格办〔2026〕5号"}
    ),
    "split_grid": _one(
        "拆分",
        "in two halves",
        {
            "approval_document": "开网格办〔2026〕6号",
            "crs": "cgcs2000",
            "parts": [
                {"geometry": _square(107.866, 31.082, 107.867, 31.083), "name": "第1网格"},
                {"geometry": _square(107.867, 31.082, 107.868, 31.083), "name": "第2网格"},
            ],
        },
    ),
    "merge_grids": _one(
        "合并",
        "two neighbours",
        {
            "approval_document": "开网格办〔2026〕7号",
            "codes": ["511723001001001", "511723001001002"],
            "name": "合并网格",
        },
    ),
    "adjust_grid": {
        **_one(
            "更正户数",
            "households only",
            {"approval_document": "开网格办〔2026〕8号", "households": 275},
        ),
        **_one(
            "移动边界",
            "a border between two",
            {
                "approval_document": "开网格办〔2026〕9号",
                "crs": "cgcs2000",
                "geometry": _square(107.866, 31.082, 107.8671, 31.083),
                "neighbours": [
                    {
                        "code": "511723001001002",
                        "geometry": _square(107.8671, 31.082, 107.868, 31.083),
                    }
                ],
            },
        ),
    },
}

PEOPLE: dict[str, Examples] = {
    "issue_token": {
        **_one(
            "账号密码",
            "password",
            {
                "grant_type": "password",
                "username": "wang.fang",
                "password": "zhu-shi-dong-feng-42",
                "device_id": "phone-7f3a",
            },
        ),
        **_one(
            "续期",
            "refresh",
            {
                "grant_type": "refresh_token",
                "refresh_token": "KxT0…",
                "device_id": "phone-7f3a",
            },
        ),
        **_one(
            "系统",
            "a system",
            {
                "grant_type": "client_credentials",
                "client_id": "county-hotline",
                "client_secret": "mG7q…",
            },
        ),
    },
    "revoke_token": _one("退出", "log out", {"token": "KxT0…", "token_type_hint": "refresh_token"}),
    "change_password": _one(
        "修改密码",
        "a new password",
        {"old_password": "zhu-shi-dong-feng-42", "new_password": "qi-yue-liu-huo-17"},
    ),
    "create_account": {
        **_one("网格员", "a person", {"login": "wang.fang", "name": "王芳", "area": "511723001"}),
        **_one(
            "对接系统",
            "a system",
            {"login": "county-hotline", "name": "热线平台", "kind": "system", "area": "511723"},
        ),
    },
    "change_account": {
        **_one("停用", "disable", {"status": "disabled"}),
        **_one("重置密码", "a new password", {"reset_password": True}),
    },
    "create_assignment": _one(
        "任网格员",
        "a grid worker",
        {
            "account_id": ACCOUNT,
            "role": "grid_worker",
            "area": VILLAGE,
            "valid_to": "2027-12-31T23:59:59+08:00",
        },
    ),
    "end_assignment": _one("免职", "with a note", {"note": "岗位调整"}),
    "create_unit": _one(
        "新建单位",
        "a county bureau",
        {
            "code": "511723-parks",
            "name_zh": "县园林所",
            "name_en": "County Parks Office",
            "area": "511723",
        },
    ),
    "change_unit": _one("停用", "out of use", {"active": False}),
}

PDF_FILE = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PLAN_FILE = (
    "一、工作\n（一）小事。\n1.修灯。\n（1）查灯。\n"
    "责任单位：县住建局，县财政局\n完成时限：2022年底\n"
)
FILES: dict[str, Examples] = {
    "upload_attachment": _one(
        "一份说明", "a document", {"file": PDF_FILE, "captured_at": "2026-03-05T08:21:00+08:00"}
    ),
    "import_plan": _one("方案文本", "a plan of one measure", {"file": PLAN_FILE}),
}

CATEGORIES: dict[str, Examples] = {
    "draft_category_set": {
        **_one("复制现行", "a copy of the published tree", {"note": "增加电动自行车类别"}),
        **_one("复制某版", "a copy of a version", {"copy_of": 1}),
    },
    "put_category": _one(
        "类别",
        "a category with its limit",
        {
            "name_zh": "暴露垃圾",
            "name_en": "Exposed rubbish",
            "level": 3,
            "limits": {"finish": "4wh"},
            "self_handle": True,
            "evidence": "before_and_after",
            "clauses": ["23.2"],
        },
    ),
}

EXAMPLES: dict[str, Examples] = {
    **INCIDENTS,
    **GRIDS,
    **PEOPLE,
    **FILES,
    **CATEGORIES,
    **RESPONSE,
    **DUTIES,
    **EMERGENCY,
    **TOGETHER,
}
