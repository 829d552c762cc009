"""From a parsed plan to what an import stores and reports. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.plan.differences import Difference, differences
from service.plan.errors import FILE, PlanTooIrregular
from service.plan.parsing.shapes import DeadlineKind, Irregularity, ParsedPlan, Role
from service.plan.registry_entries import Registry

MAX_IRREGULARITIES = 5_000
MAX_PIECES = 5_000
MAX_UNITS = 500
MAX_FILENAME = 200
DEFAULT_FILENAME = "plan.txt"
# Control characters (NUL among them) and lone surrogates name no file.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LOOSE = {Role.PREAMBLE: "preamble", Role.CHAPTER: "chapter", Role.UNASSIGNED: "unassigned"}


class ImportReport(msgspec.Struct, frozen=True):
    """What an import read, as it is stored and answered; `by_kind` counts the irregularities."""

    id: UUID
    filename: str
    file_sha256: str
    encoding: str
    imported_by: UUID | None
    imported_at: datetime
    counts: dict[str, int]
    by_kind: dict[str, int]
    irregularities: list[dict[str, Any]]
    differences: list[dict[str, Any]]


def clean_filename(given: str | None) -> str:
    """The last component of the name that a client gave, without what cannot be stored."""
    last = re.split(r"[/\\]", given or "")[-1]
    return _UNPRINTABLE.sub("", last).strip()[:MAX_FILENAME] or DEFAULT_FILENAME


def report_of(
    plan: ParsedPlan,
    registry: Registry,
    *,
    import_id: UUID,
    data: bytes,
    filename: str | None,
    actor_id: UUID | None,
    now: datetime,
) -> ImportReport:
    """The report over `plan` as read from `data`. Raises PlanTooIrregular."""
    _refuse_what_is_no_plan(plan)
    told = differences(plan, registry)
    return ImportReport(
        id=import_id,
        filename=clean_filename(filename),
        file_sha256=hashlib.sha256(data).hexdigest(),
        encoding=plan.encoding or "utf-8",
        imported_by=actor_id,
        imported_at=now,
        counts={
            "sections": len(plan.sections),
            "tasks": len(plan.tasks),
            "measures": len(plan.measures),
            "irregularities": len(plan.irregularities),
            "differences": len(told),
        },
        by_kind=dict(Counter(i.kind for i in plan.irregularities).most_common()),
        irregularities=[show_irregularity(i) for i in plan.irregularities],
        differences=[show_difference(d) for d in told],
    )


def _refuse_what_is_no_plan(plan: ParsedPlan) -> None:
    units = max((len(m.leads) + len(m.cooperating) for m in plan.measures), default=0)
    pieces = len(plan.sections) + len(plan.tasks) + len(plan.measures)
    for found, limit, zh, en in (
        (pieces, MAX_PIECES, "编号条目", "numbered items"),
        (len(plan.irregularities), MAX_IRREGULARITIES, "疑点", "irregularities"),
        (units, MAX_UNITS, "同一举措的责任单位", "units of one measure"),
    ):
        if found > limit:
            raise PlanTooIrregular(
                pointer=FILE, found=found, limit=limit, what_zh=zh, what_en=en,
                extra={"first": [show_irregularity(i) for i in plan.irregularities[:20]]},
            )  # fmt: skip


def show_irregularity(told: Irregularity) -> dict[str, Any]:
    """An irregularity as stored and answered."""
    return {
        "kind": told.kind,
        "line": told.line,
        "ref": told.ref,
        "count": told.count,
        "zh": told.detail_zh,
        "en": told.detail_en,
    }


def show_difference(told: Difference) -> dict[str, Any]:
    """A difference as stored and answered."""
    return asdict(told)


def pieces_of(plan: ParsedPlan) -> list[dict[str, Any]]:
    """All pieces of the text, numbered ones and loose ones; the same number twice is kept twice."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for piece in (*_sections(plan), *_tasks(plan), *_measures(plan), *_loose(plan)):
        key = piece["kind"], piece["clause"]
        seen[key] += 1
        found.append({**_BLANK, **piece, "ordinal": seen[key]})
    return found


_BLANK: dict[str, Any] = {
    "leads": [],
    "cooperating": [],
    "units_text": "",
    "deadline_kind": DeadlineKind.NONE.value,
    "deadline_text": "",
    "deadline_year": None,
}


def _sections(plan: ParsedPlan) -> Iterator[dict[str, Any]]:
    raw: list[list[str]] = []
    for fragment in plan.fragments:
        if fragment.role is not Role.SECTION:
            continue
        begun = plan.sections[len(raw)] if len(raw) < len(plan.sections) else None
        if begun and (fragment.line, fragment.ref) == (begun.line, begun.numeral):
            raw.append([fragment.text])
        else:
            raw[-1].append(fragment.text)
    for section, lines in zip(plan.sections, raw, strict=True):
        yield {
            "kind": "section",
            "clause": str(section.number),
            "line": section.line,
            "text": section.title,
            "raw_text": "\n".join(lines),
        }


def _tasks(plan: ParsedPlan) -> Iterator[dict[str, Any]]:
    for task in plan.tasks:
        yield {
            "kind": "task",
            "clause": str(task.number),
            "line": task.line,
            "text": task.text,
            "raw_text": task.raw_text,
        }


def _measures(plan: ParsedPlan) -> Iterator[dict[str, Any]]:
    for measure in plan.measures:
        yield {
            "kind": "measure",
            "clause": measure.clause,
            "line": measure.line,
            "text": measure.text,
            "raw_text": measure.raw_text,
            "leads": measure.leads,
            "cooperating": measure.cooperating,
            "units_text": measure.units_text,
            "deadline_kind": measure.deadline.kind.value,
            "deadline_text": measure.deadline.text,
            "deadline_year": measure.deadline.year,
        }


def _loose(plan: ParsedPlan) -> Iterator[dict[str, Any]]:
    for fragment in plan.fragments:
        if fragment.role in _LOOSE:
            yield {
                "kind": _LOOSE[fragment.role],
                "clause": "",
                "line": fragment.line,
                "text": fragment.text,
                "raw_text": fragment.text,
            }
