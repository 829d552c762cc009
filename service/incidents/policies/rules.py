"""What makes a response policy fit to be published. Pure: drafts in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.incidents.policies.errors import CalendarMissing
from service.incidents.policies.marks import marks
from service.incidents.policies.messages import MESSAGES
from service.incidents.policies.policy import (
    CALENDAR,
    CLOSE,
    LADDER,
    LEVELS,
    STEPS,
    TOP_TIER,
    WORK,
    LevelDraft,
    PolicyDraft,
)
from service.incidents.policies.worktime import DAY, HOUR, WorkTime
from service.kit.clock import iso, local
from service.kit.drafts import Severity
from service.kit.durations import BadDuration, Duration, DurationUnit, parse_duration

URGENT = (1, 2)
MOST_RETURNS = 5
_STATUTORY_DAY = 8 * HOUR
_SECONDS = {
    DurationUnit.MINUTE: 60,
    DurationUnit.HOUR: HOUR,
    DurationUnit.DAY: DAY,
    DurationUnit.WORK_HOUR: HOUR,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong (error) or worth a look (warning) at `pointer` of the draft."""

    severity: Severity
    pointer: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What a draft is published into: from when, on which county-wide axis, beside what.

    `axis` is None where no service hours are entered. `later` are the published versions that
    begin at `valid_from` or after it.
    """

    valid_from: datetime
    axis: WorkTime | None
    later: tuple[tuple[int, datetime], ...] = ()


def findings(draft: PolicyDraft, into: Publication | None = None) -> tuple[Finding, ...]:
    """Everything to be said of `draft`, by place; errors stop a publication.

    Without `into` the draft alone is judged: complete, in the notation, no part slower than the
    whole, shares in order.
    """
    found = [
        *(f for level in LEVELS for f in _level(level, draft.levels.get(level))),
        *_order_of_levels(draft),
        *_tiers(draft),
        *_answers(draft),
        *_rest(draft),
    ]
    if into is not None:
        found += [*_calendars(draft, into), *_validity(into)]
    return tuple(sorted(found, key=lambda f: (f.pointer, f.severity, f.code)))


def _say(code: str, pointer: str, **params: Any) -> Finding:
    severity, zh, en = MESSAGES[code]
    return Finding(severity, pointer, code, zh.format(**params), en.format(**params))


def _duration(text: str | None) -> Duration | None:
    try:
        return parse_duration(text) if text else None
    except BadDuration:
        return None


def _read(texts: Mapping[Any, str]) -> dict[Any, Duration]:
    """The limits that can be read."""
    return {key: d for key, text in texts.items() if (d := _duration(text)) is not None}


def _unreadable(texts: Mapping[Any, str], place: str) -> Iterator[Finding]:
    for key, text in texts.items():
        if _duration(text) is None:
            yield _say("bad_duration", f"{place}/{key}", given=text)


def _longer(parts: Iterable[Duration], whole: Duration) -> bool:
    """Whether the parts together are longer than the whole.

    Work time alone counts days of eight hours; beside wall time a work day is a day.
    """
    given = [*parts, whole]
    day = _STATUTORY_DAY if all(d.unit.by_calendar for d in given) else DAY
    *lengths, most = (d.count * _SECONDS.get(d.unit, day) for d in given)
    return sum(lengths) > most


def _level(number: int, level: LevelDraft | None) -> Iterator[Finding]:
    place = f"/levels/{number}"
    if level is None:
        yield _say("missing_level", place, level=number)
        return
    for step in STEPS:
        if step not in level.limits:
            yield _say("missing_limit", f"{place}/{step}", level=number, step=step)
    yield from _unreadable(level.limits, place)
    yield from _clock(number, level)
    limits = _read(level.limits)
    finish, close = limits.get("finish"), limits.get(CLOSE)
    if finish and _longer((limits[s] for s in STEPS[:-1] if s in limits), finish):
        yield _say("finish_too_fast", f"{place}/finish", finish=finish)
    if finish and close and _longer([finish], close):
        yield _say("close_before_finish", f"{place}/{CLOSE}", close=close, finish=finish)


def _clock(number: int, level: LevelDraft) -> Iterator[Finding]:
    place = f"/levels/{number}"
    if level.clock is None:
        yield _say("missing_clock", f"{place}/clock", level=number)
    if level.clock == WORK and number in URGENT:
        yield _say("urgent_on_work_clock", f"{place}/clock", level=number)
    for step, limit in _read(level.limits).items():
        if level.clock == CALENDAR and limit.unit.by_calendar:
            yield _say("work_unit", f"{place}/{step}", given=limit)
        if level.clock == WORK and not limit.unit.by_calendar:
            yield _say("wall_unit", f"{place}/{step}", given=limit)


def _order_of_levels(draft: PolicyDraft) -> Iterator[Finding]:
    read = {n: _read(level.limits) for n, level in draft.levels.items()}
    for number in LEVELS[:-1]:
        for step in STEPS:
            mine, other = (read.get(n, {}).get(step) for n in (number, number + 1))
            if mine and other and _longer([mine], other):
                place = f"/levels/{number}/{step}"
                yield _say("slower_than_next", place, level=number, step=step, given=mine,
                           other=other)  # fmt: skip


def _tiers(draft: PolicyDraft) -> Iterator[Finding]:
    for tier in LADDER:
        if tier not in draft.tiers:
            yield _say("missing_tier", f"/tiers/{tier}", tier=tier)
    for tier in draft.tiers:
        if tier >= TOP_TIER:
            yield _say("top_tier", f"/tiers/{tier}", tier=tier)
    yield from _unreadable(draft.tiers, "/tiers")
    read = _read(draft.tiers)
    for tier, given in read.items():
        yield from _too_fast(tier, given, draft)
        below = read.get(tier - 1)
        if below and _longer([below], given):
            yield _say("ladder_narrows", f"/tiers/{tier}", tier=tier, given=given, other=below)


def _too_fast(tier: int, given: Duration, draft: PolicyDraft) -> Iterator[Finding]:
    for number, level in draft.levels.items():
        accept = _duration(level.limits.get("accept"))
        if accept and _longer([accept], given):
            yield _say(
                "tier_too_fast", f"/tiers/{tier}", tier=tier, given=given, level=number,
                accept=accept,
            )  # fmt: skip


def _answers(draft: PolicyDraft) -> Iterator[Finding]:
    for level in LEVELS:
        if level not in draft.call_answer:
            yield _say("missing_answer", f"/call_answer/{level}", level=level)
    yield from _unreadable(draft.call_answer, "/call_answer")


def _rest(draft: PolicyDraft) -> Iterator[Finding]:
    s = draft.shares
    if not 0 < s.amber < s.red < s.supervise:
        yield _say(
            "shares_out_of_order", "/shares", amber=s.amber, red=s.red, supervise=s.supervise
        )
    if draft.extension_max not in (0, 1) or not 0 < draft.extension_share <= 1:
        yield _say("bad_extension", "/extension")
    if not 1 <= draft.max_returns <= MOST_RETURNS:
        yield _say("bad_returns", "/max_returns")


def _calendars(draft: PolicyDraft, into: Publication) -> Iterator[Finding]:
    texts = [t for level in draft.levels.values() for t in level.limits.values()]
    texts += [*draft.tiers.values(), *draft.call_answer.values()]
    counted = [d for t in texts if (d := _duration(t)) is not None and d.unit.by_calendar]
    if not counted:
        return
    if into.axis is None:
        yield _say("no_service_hours", "/valid_from")
        return
    missing = set()
    for limit in counted:
        try:
            marks(into.valid_from, limit, into.axis, draft.shares)
        except CalendarMissing as unknown:
            missing.add(unknown.year)
    for year in sorted(missing):
        yield _say("calendar_missing", "/valid_from", year=year)
    coming = local(into.valid_from).year + 1
    if coming not in missing and coming not in into.axis.years:
        yield _say("calendar_ends", "/valid_from", year=coming)


def _validity(into: Publication) -> Iterator[Finding]:
    for version, begins in into.later:
        yield _say(
            "overlapping_validity", "/valid_from", version=version, begins=iso(local(begins))
        )
