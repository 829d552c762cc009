"""What validation can say about a response policy: severity, Chinese and English text by code."""

from __future__ import annotations

from service.kit.drafts import Messages

MESSAGES: Messages = {
    "missing_level": ("error", "缺少 {level} 级的时限", "level {level} has no limits"),
    "missing_limit": (
        "error",
        "{level} 级缺少“{step}”时限",
        "level {level} has no limit for {step}",
    ),
    "missing_clock": (
        "error",
        "{level} 级未注明按工作时间还是全天计时",
        "level {level} does not say which clock it runs on",
    ),
    "bad_duration": (
        "error",
        "时限 {given} 应形如 30min、4wh、24h、3wd、30d",
        "{given} is not a duration such as 30min, 4wh, 24h, 3wd or 30d",
    ),
    "work_unit": (
        "error",
        "全天计时的级别不能用 wh、wd（{given}）",
        "a level on the 24-hour clock cannot count {given} in work time",
    ),
    "wall_unit": (
        "warning",
        "{given} 全天计时，而本级按工作时间计时",
        "{given} runs day and night, though the level is on work time",
    ),
    "urgent_on_work_clock": (
        "warning",
        "{level} 级按工作时间计时，夜间和节假日不计时",
        "level {level} runs on work time, so that nights and holidays do not count",
    ),
    "finish_too_fast": (
        "error",
        "办结时限 {finish} 短于受理、派遣、到场时限之和",
        "finish in {finish} is faster than accept, assign and on_site together",
    ),
    "close_before_finish": (
        "error",
        "结案时限 {close} 短于办结时限 {finish}",
        "close in {close} is faster than finish in {finish}",
    ),
    "slower_than_next": (
        "warning",
        "{level} 级的“{step}”时限 {given} 长于下一级的 {other}",
        "{step} in {given} at level {level} is slower than {other} at the next level",
    ),
    "missing_tier": (
        "error",
        "缺少第 {tier} 层级的升级时限",
        "tier {tier} has no time until it escalates",
    ),
    "top_tier": (
        "error",
        "第 {tier} 层级之上没有升级对象，不设时限",
        "nothing is above tier {tier}, so it has no time until it escalates",
    ),
    "tier_too_fast": (
        "error",
        "第 {tier} 层级 {given} 就升级，短于 {level} 级的受理时限 {accept}",
        "tier {tier} escalates after {given}, faster than level {level} is accepted ({accept})",
    ),
    "ladder_narrows": (
        "warning",
        "第 {tier} 层级的时限 {given} 短于其下一层级的 {other}",
        "tier {tier} has {given}, less than the {other} of the tier below",
    ),
    "shares_out_of_order": (
        "error",
        "预警、到期、督办比例应依次增大（{amber}、{red}、{supervise}）",
        "amber, red and supervise must grow from above 0 ({amber}, {red}, {supervise})",
    ),
    "missing_answer": (
        "error",
        "缺少 {level} 级社区呼叫的应答时限",
        "level {level} has no time to answer a community call",
    ),
    "bad_extension": (
        "error",
        "延期最多一次，且不超过原时限",
        "there is at most one extension, of at most the original limit",
    ),
    "bad_returns": (
        "error",
        "退回次数上限应为 1–5 次",
        "the most returns are 1 to 5",
    ),
    "calendar_missing": (
        "error",
        "{year} 年工作日历尚未录入，按工作时间的期限无法计算",
        "the work calendar of {year} is not entered, so work-time deadlines are unknown",
    ),
    "calendar_ends": (
        "warning",
        "{year} 年工作日历尚未录入，跨入该年的期限将无法计算",
        "the work calendar of {year} is not entered; deadlines that reach it will be refused",
    ),
    "no_service_hours": (
        "error",
        "全县工作时段尚未设定",
        "the service hours of the county are not entered",
    ),
    "overlapping_validity": (
        "error",
        "第 {version} 版已定于 {begins} 生效，有效期重叠",
        "version {version} is published from {begins}, so that their validity would overlap",
    ),
}
