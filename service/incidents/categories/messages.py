"""What validation can say about a tree: severity, Chinese and English text by code."""

from __future__ import annotations

from service.kit.drafts import Messages

MESSAGES: Messages = {
    "empty": ("error", "类别表中没有启用的小类", "the tree has no active category"),
    "duplicate": ("error", "编码重复", "the code appears twice"),
    "bad_code": (
        "error",
        "编码应为 2 位（大类）或 4 位（小类）数字",
        "a code has 2 digits (group) or 4 (category)",
    ),
    "no_group": ("error", "缺少启用的大类 {group}", "there is no active group {group}"),
    "no_chinese_name": ("error", "缺少中文名称", "there is no Chinese name"),
    "no_english_name": ("error", "缺少英文名称", "there is no English name"),
    "bad_clause": (
        "error",
        "条款号 {clause} 应形如 23.2",
        "{clause} is not a clause number such as 23.2",
    ),
    "group_with_rules": (
        "error",
        "大类不带级别、时限等规则",
        "a group carries no level, limits or rules",
    ),
    "no_level": ("error", "小类必须有 1–4 级", "a category needs a level of 1 to 4"),
    "no_clause": (
        "error",
        "小类必须注明依据条款",
        "a category names the clauses that it serves",
    ),
    "self_handled_emergency": (
        "error",
        "一级（紧急）事件不得自处置",
        "an emergency (level 1) may not be self-handled",
    ),
    "self_handled_conduct": (
        "error",
        "作风类投诉不得自处置",
        "a complaint about conduct may not be self-handled",
    ),
    "bad_limit_name": (
        "error",
        "时限名称 {name} 应为小写字母和下划线",
        "limit name {name} must be lower-case letters and underscores",
    ),
    "bad_duration": (
        "error",
        "时限 {given} 应形如 30min、4wh、24h、3wd、30d",
        "{given} is not a duration such as 30min, 4wh, 24h, 3wd or 30d",
    ),
    "code_reused": (
        "error",
        "编码已停用，原义为“{zh}”，不得另作他用",
        "the code went out of use as “{en}” and keeps that meaning",
    ),
    "revived": ("warning", "重新启用已停用的编码", "a retired code comes back into use"),
    "renamed": (
        "warning",
        "原名“{zh}”，请确认含义未变",
        "was “{en}”; make sure that the meaning stays",
    ),
    "level_changed": (
        "warning",
        "级别由 {before} 改为 {after}",
        "the level changes from {before} to {after}",
    ),
    "same_name": (
        "warning",
        "同一大类中有同名小类",
        "another category of the group has the same name",
    ),
    "dropped": (
        "warning",
        "删除了“{zh}”，建议保留并停用",
        "“{en}” is left out; keeping it as retired is clearer",
    ),
}
