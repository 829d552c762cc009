"""What validation can say about a list: severity, Chinese and English text by code."""

from __future__ import annotations

from service.kit.drafts import Messages

MESSAGES: Messages = {
    "empty": ("error", "清单中没有启用的事项", "the list has no active item"),
    "no_chinese_name": ("error", "缺少中文名称", "there is no Chinese name"),
    "no_english_name": ("error", "缺少英文名称", "there is no English name"),
    "no_basis": ("error", "缺少法律法规或文件依据", "the legal basis is missing"),
    "no_clause": ("error", "事项必须注明依据条款", "an item names the clauses that it serves"),
    "no_lead": (
        "error",
        "配合履职和上级收回事项须注明县级牵头单位",
        "what a township cooperates in, or the county took back, needs a lead unit",
    ),
    "unknown_category": (
        "error",
        "现行类别表中没有编码 {category}",
        "the published categories have no code {category}",
    ),
    "retired_category": (
        "warning",
        "类别 {category} 已停用",
        "category {category} is retired",
    ),
    "unknown_unit": ("error", "没有代码为 {unit} 的单位", "there is no unit {unit}"),
    "inactive_unit": ("warning", "单位 {unit} 已停用", "unit {unit} is out of use"),
    "lead_cooperates": (
        "warning",
        "牵头单位 {unit} 又列为配合单位",
        "the lead unit {unit} is also named as cooperating",
    ),
    "unknown_township": (
        "error",
        "没有代码为 {township} 的现行乡镇（街道）",
        "no township in force has the code {township}",
    ),
    "exception_twice": (
        "error",
        "乡镇 {township} 的例外出现多次",
        "township {township} has more than one exception",
    ),
    "exception_without_effect": (
        "warning",
        "乡镇 {township} 的例外与事项本身分类相同",
        "the exception of township {township} is the item's own section",
    ),
    "contradictory": (
        "error",
        "类别 {category} 在{area_zh}既由基层承担（{held}）又由上级收回（{taken}）",
        "in {area_en} category {category} is both held locally ({held}) and recovered ({taken})",
    ),
    "covered_twice": (
        "warning",
        "类别 {category} 已由事项 {other} 覆盖",
        "category {category} is covered by item {other} too",
    ),
    "covers_nothing": (
        "warning",
        "事项未对应任何事件类别，派单校验用不到",
        "the item covers no category: no dispatch is ever judged by it",
    ),
    "uncovered": (
        "warning",
        "类别 {category} 没有事项覆盖，一律按清单外处理",
        "no item covers category {category}: it is outside the list everywhere",
    ),
    "section_changed": (
        "warning",
        "分类由 {before} 改为 {after}",
        "the section changes from {before} to {after}",
    ),
    "dropped": (
        "warning",
        "删除了“{zh}”，建议保留并停用",
        "“{en}” is left out; keeping it as inactive is clearer",
    ),
}
