"""Examples of request bodies in the OpenAPI: what a client may send, checked by the tests.

By operation id; then by name: a title in both languages, and the body.
"""

from __future__ import annotations

from typing import Any

from service.duties.examples import DUTIES
from service.emergency.examples import EMERGENCY
from service.incidents.examples import INCIDENTS
from service.incidents.policies.examples import RESPONSE
from service.incidents.together.examples import TOGETHER
from service.kit.examples import Examples, one

MADE_ID = "0197c7a2-6f5e-7c11-9f0a-1d2e3f405162"
EVIDENCE = "0197c7a3-0b1c-7d22-8a0b-2e3f40516273"
ACCOUNT = "0197c7a4-1c2d-7e33-8b0c-3f4051627384"
UNIT = "511723-housing"
VILLAGE = "511723001001"


def _square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


GEOJSON_FILE = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
    f'{{"village_code": "{VILLAGE}", "kind": "basic", "name": "第1网格", "households": 260}}, '
    '"geometry": {"type": "Polygon", "coordinates": [[[107.866, 31.082], [107.867, 31.082], '
    "[107.867, 31.083], [107.866, 31.083], [107.866, 31.082]]]}}]}"
)
GRIDS: dict[str, Examples] = {
    "locate_grids": one(
        "批量定位",
        "two positions",
        {"crs": "cgcs2000", "points": [[107.8683, 31.0829], [107.72, 31.1]]},
    ),
    "submit_delineation": one(
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
    "publish_delineation": one(
        "发布", "with its approval", {"approval_document": "开网格办〔2026〕5号"}
    ),
    "split_grid": one(
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
    "merge_grids": one(
        "合并",
        "two neighbours",
        {
            "approval_document": "开网格办〔2026〕7号",
            "codes": ["511723001001001", "511723001001002"],
            "name": "合并网格",
        },
    ),
    "adjust_grid": {
        **one(
            "更正户数",
            "households only",
            {"approval_document": "开网格办〔2026〕8号", "households": 275},
        ),
        **one(
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
        **one(
            "账号密码",
            "password",
            {
                "grant_type": "password",
                "username": "wang.fang",
                "password": "zhu-shi-dong-feng-42",
                "device_id": "phone-7f3a",
            },
        ),
        **one(
            "续期",
            "refresh",
            {
                "grant_type": "refresh_token",
                "refresh_token": "KxT0…",
                "device_id": "phone-7f3a",
            },
        ),
        **one(
            "系统",
            "a system",
            {
                "grant_type": "client_credentials",
                "client_id": "county-hotline",
                "client_secret": "mG7q…",
            },
        ),
    },
    "revoke_token": one("退出", "log out", {"token": "KxT0…", "token_type_hint": "refresh_token"}),
    "change_password": one(
        "修改密码",
        "a new password",
        {"old_password": "zhu-shi-dong-feng-42", "new_password": "qi-yue-liu-huo-17"},
    ),
    "create_account": {
        **one("网格员", "a person", {"login": "wang.fang", "name": "王芳", "area": "511723001"}),
        **one(
            "对接系统",
            "a system",
            {"login": "county-hotline", "name": "热线平台", "kind": "system", "area": "511723"},
        ),
    },
    "change_account": {
        **one("停用", "disable", {"status": "disabled"}),
        **one("重置密码", "a new password", {"reset_password": True}),
    },
    "create_assignment": one(
        "任网格员",
        "a grid worker",
        {
            "account_id": ACCOUNT,
            "role": "grid_worker",
            "area": VILLAGE,
            "valid_to": "2027-12-31T23:59:59+08:00",
        },
    ),
    "end_assignment": one("免职", "with a note", {"note": "岗位调整"}),
    "create_unit": one(
        "新建单位",
        "a county bureau",
        {
            "code": "511723-parks",
            "name_zh": "县园林所",
            "name_en": "County Parks Office",
            "area": "511723",
        },
    ),
    "change_unit": one("停用", "out of use", {"active": False}),
}

PDF_FILE = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PLAN_FILE = (
    "一、工作\n（一）小事。\n1.修灯。\n（1）查灯。\n"
    "责任单位：县住建局，县财政局\n完成时限：2022年底\n"
)
FILES: dict[str, Examples] = {
    "upload_attachment": one(
        "一份说明", "a document", {"file": PDF_FILE, "captured_at": "2026-03-05T08:21:00+08:00"}
    ),
    "import_plan": one("方案文本", "a plan of one measure", {"file": PLAN_FILE}),
}

CATEGORIES: dict[str, Examples] = {
    "draft_category_set": {
        **one("复制现行", "a copy of the published tree", {"note": "增加电动自行车类别"}),
        **one("复制某版", "a copy of a version", {"copy_of": 1}),
    },
    "put_category": one(
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

CONSOLE: dict[str, Examples] = {
    "act_in_bulk": {
        **one(
            "批量受理",
            "accept what was seen",
            {
                "action": "accept",
                "items": [{"id": MADE_ID, "expected_version": 1}],
                "input": {"note": "统一受理"},
            },
        ),
        **one(
            "批量派遣",
            "assign to a unit",
            {"action": "assign", "items": [{"id": MADE_ID}], "input": {"unit": UNIT}},
        ),
    },
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
    **CONSOLE,
}
