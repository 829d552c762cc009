"""The kinds of irregularity, each with its English and Chinese sentence."""

from __future__ import annotations

from service.plan.parsing.shapes import Irregularity

EXCERPT = 40

MESSAGES: dict[str, tuple[str, str]] = {
    "encoding_fallback": (
        "The file is not UTF-8; it was read as {encoding}.",
        "文件不是 UTF-8 编码，已按 {encoding} 读取。",
    ),
    "numbering_gap": (
        "Numbering jumps from {before} to {after}; missing: {missing}.",
        "编号由 {before} 跳到 {after}，缺少 {missing}。",
    ),
    "numbering_repeated": (
        "{after} stands here again.",
        "编号 {after} 重复出现。",
    ),
    "numbering_backwards": (
        "{after} follows {before}.",
        "编号 {after} 排在 {before} 之后，次序颠倒。",
    ),
    "odd_heading": (
        "The number is written “{text}”, not “{usual}”.",
        "编号写作“{text}”，通常应为“{usual}”。",
    ),
    "section_without_tasks": (
        "Section {ref} has no task.",
        "第{ref}部分下没有任务。",
    ),
    "task_without_section": (
        "Task {ref} stands outside any section.",
        "任务 {ref} 不属于任何部分。",
    ),
    "task_without_measures": (
        "Task {ref} has no measure.",
        "任务 {ref} 下没有举措。",
    ),
    "empty_text": (
        "There is a number but no text.",
        "只有编号，没有内容。",
    ),
    "text_unfinished": (
        "The text stops without an end mark: “…{text}”.",
        "文字没有收尾标点，可能有缺字：“…{text}”。",
    ),
    "joined_lines": (
        "What should be lines of their own share one line: {parts_en}.",
        "本应分行的内容写在同一行：{parts_zh}。",
    ),
    "broken_line": (
        "A line breaks inside a sentence; rejoined: “{before}” + “{after}”.",
        "一句话被断成两行，已接合：“{before}”＋“{after}”。",
    ),
    "extra_paragraph": (
        "A further paragraph without a number was added to what stands before it: “{text}”.",
        "没有编号的段落已并入上文：“{text}”。",
    ),
    "maybe_joined": (
        "“{text}” inside the text may begin an item of its own; it was left where it is.",
        "文中的“{text}”可能是另一条的开头，未作拆分。",
    ),
    "unclosed_bracket": (
        "“{bracket}” is never closed.",
        "“{bracket}”没有对应的右半边。",
    ),
    "unopened_bracket": (
        "“{bracket}” was never opened.",
        "“{bracket}”没有对应的左半边。",
    ),
    "mixed_width": (
        "Half-width and full-width forms are mixed: {text}.",
        "全角与半角混用：{text}。",
    ),
    "masked_text": (
        "Names or figures are masked with asterisks: {text}.",
        "名称或数字以星号隐去：{text}。",
    ),
    "masked_year": (
        "A year is masked: {text}.",
        "年份以星号隐去：{text}。",
    ),
    "ocr_slip": (
        "“{text}” looks like a misread “{likely}”; left as it is.",
        "“{text}”疑为“{likely}”误识，未作改动。",
    ),
    "stray_letter": (
        "A lone letter “{letter}” in Chinese text: “{text}”.",
        "中文里混入单个字母“{letter}”：“{text}”。",
    ),
    "unexpected_character": (
        "A character that does not belong in such a text: {text}.",
        "出现不应有的字符：{text}。",
    ),
    "unit_misspelt": (
        "Unit “{name}” differs in one character from “{usual}”, which stands {times} times.",
        "单位“{name}”与出现 {times} 次的“{usual}”仅一字之差。",
    ),
    "unit_variant": (
        "Unit “{name}” may be another way to write “{usual}”, which stands {times} times.",
        "单位“{name}”可能是“{usual}”（出现 {times} 次）的另一写法。",
    ),
    "unit_without_level": (
        "Unit “{name}” does not say of which level it is.",
        "单位“{name}”没有写明层级。",
    ),
    "units_not_compared": (
        "{names} different unit names: too many to look for misspellings.",
        "单位名称多达 {names} 个，未作错字比对。",
    ),
    "units_without_comma": (
        "No comma divides leading from cooperating units; all are taken as leading: {text}.",
        "单位之间没有逗号，无法区分牵头与配合，全部按牵头记：{text}。",
    ),
    "units_with_more_commas": (
        "More than one comma: all units after the first comma are taken as cooperating: {text}.",
        "逗号不止一个，第一个逗号之后均按配合单位记：{text}。",
    ),
    "units_note": (
        "A remark stands among the units and was left out of them: {text}.",
        "单位中夹有说明文字，未计入单位：{text}。",
    ),
    "unit_empty": (
        "A separator without a unit beside it: {text}.",
        "分隔符旁没有单位：{text}。",
    ),
    "unit_repeated": (
        "Units are named more than once: {text}.",
        "单位重复列出：{text}。",
    ),
    "units_missing": (
        "Measure {ref} names no responsible unit.",
        "举措 {ref} 没有责任单位。",
    ),
    "deadline_missing": (
        "Measure {ref} has no completion time.",
        "举措 {ref} 没有完成时限。",
    ),
    "deadline_variant": (
        "The completion time is worded “{text}”; taken as the end of {year}.",
        "完成时限写作“{text}”，按 {year} 年底记。",
    ),
    "deadline_unrecognised": (
        "The completion time “{text}” is neither a year end nor continuous.",
        "完成时限“{text}”既非某年年底，也非持续推进。",
    ),
    "unassigned_line": (
        "This could not be placed ({reason_en}): “{text}”.",
        "无法归类（{reason_zh}）：“{text}”。",
    ),
}


def excerpt(text: str, *, tail: bool = False) -> str:
    """At most 40 characters of `text`, from its beginning or its end."""
    if len(text) <= EXCERPT:
        return text
    return text[-EXCERPT:] if tail else text[: EXCERPT - 1] + "…"


def finding(
    kind: str, *, line: int | None, ref: str = "", count: int = 1, **values: object
) -> Irregularity:
    """The irregularity `kind` with its two sentences; KeyError when there is no such kind."""
    english, chinese = MESSAGES[kind]
    return Irregularity(
        kind=kind,
        line=line,
        ref=ref,
        detail_en=english.format(ref=ref, **values),
        detail_zh=chinese.format(ref=ref, **values),
        count=count,
    )
