"""Examples of this room's request bodies, for the OpenAPI; see `service.examples`."""

from __future__ import annotations

from typing import Any

from service.kit.examples import Examples, one

ACTIVATION = "0197c7a5-2d3e-7f44-8c0d-405162738495"
UNIT = "511723-emergency"
HERE = {"lon": 107.8683, "lat": 31.0829, "crs": "cgcs2000", "accuracy_m": 8.0}

PLAN: dict[str, Any] = {
    "name_zh": "低温雨雪冰冻灾害应急预案",
    "name_en": "Emergency plan for snow and ice",
    "hazard": "snow_ice",
    "area": "511723",
    "document": "开府办发〔2026〕12号",
    "valid_from": "2026-01-01",
    "valid_to": "2030-12-31",
    "levels": [
        {
            "level": 3,
            "criterion_zh": "道路结冰，两个以上乡镇交通中断",
            "criterion_en": "Ice on roads cuts off two townships or more",
            "tier": 3,
        },
        {
            "level": 4,
            "criterion_zh": "道路结冰黄色预警",
            "criterion_en": "Yellow warning of ice on roads",
            "tier": 2,
        },
    ],
    "lead_units": [UNIT],
    "supporting_units": ["511723-transport"],
    "contacts": [
        {"tier": 4, "unit": UNIT},
        {"tier": 3, "role": "township_dispatcher"},
        {"tier": 2, "role": "village_dispatcher"},
    ],
}

EMERGENCY: dict[str, Examples] = {
    "create_emergency_plan": one("新增预案", "a plan", {"code": "511723-snow-ice", **PLAN}),
    "revise_emergency_plan": one("修订预案", "the next version", PLAN),
    "create_stock_item": one(
        "新增物资",
        "an item",
        {"code": "snow-shovel", "name_zh": "雪铲", "name_en": "Snow shovels", "measure_zh": "把",
         "measure_en": "pieces"},
    ),
    "change_stock_item": one("改名", "another name", {"name_zh": "加厚棉被"}),
    "put_travel_mode": one(
        "越野车",
        "off the road",
        {"name_zh": "越野车", "name_en": "Off-road car", "speed_kmh": 25, "detour_factor": 1.2},
    ),
    "start_activation": {
        **one(
            "启动响应",
            "a flood in a village",
            {"area": "511723001001", "level": 2, "plan": "511723-flood",
             "reason": "上游水库泄洪，预计两小时后漫堤"},
        ),
        **one(
            "演练",
            "a drill",
            {"area": "511723001001", "level": 4, "plan": "511723-forest-fire",
             "reason": "春季防火演练", "drill": True},
        ),
    },
    "change_activation_level": one("升级", "graver", {"level": 1, "reason": "水位持续上涨"}),
    "end_activation": one("终止", "over", {"note": "险情解除，群众已返家"}),
    "evaluate_drill": one(
        "演练评估",
        "after a drill",
        {"participants": 46, "units": [UNIT], "findings": "集结用时 18 分钟，扩音设备不足",
         "next_on": "2031-03-01"},
    ),
    "send_tracks": one(
        "上传轨迹",
        "two points",
        {
            "crs": "gcj02",
            "points": [
                {"at": "2026-07-01T08:20:00+08:00", "lon": 107.8683, "lat": 31.0829,
                 "accuracy_m": 6.5},
                {"at": "2026-07-01T08:21:00+08:00", "lon": 107.8685, "lat": 31.0831},
            ],
        },
    ),
    "register_resource": {
        **one(
            "抢险队",
            "a team",
            {"kind": "team", "name": "新宁镇应急抢险队", "owner_unit": UNIT, "location": HERE,
             "capacity": 20, "contact": {"name": "李明", "phone": "13800000000"}},
        ),
        **one(
            "储备点",
            "a supply point",
            {"kind": "supply_point", "name": "新宁镇物资储备点", "owner_unit": UNIT,
             "location": HERE},
        ),
    },
    "change_resource": one("检修", "under repair", {"status": "unavailable", "note": "车辆检修"}),
    "allocate_resource": one(
        "调配", "half of it", {"activation": ACTIVATION, "quantity": 10, "note": "转移群众"}
    ),
    "release_resource": one("释放", "done", {"note": "任务完成"}),
    "reveal_resource_contact": one("查看联系人", "to call out", {"purpose": "联系抢险队出动"}),
    "enter_stock_movement": {
        **one("入库", "delivered", {"item": "quilt", "kind": "receive", "quantity": 200}),
        **one("领用", "handed out", {"item": "quilt", "kind": "issue", "quantity": 30}),
        **one("盘点", "counted", {"item": "quilt", "kind": "count", "quantity": 168}),
    },
}  # fmt: skip
