"""The completion time of a measure."""

from __future__ import annotations

import re

from service.plan.parsing.shapes import Deadline, DeadlineKind

YEAR_END = re.compile(r"((?:19|20)[0-9]{2})年(?:12月)?底(前)?")
MASKED = re.compile(r"[0-9]{0,2}\*+年(?:12月)?底前?")
CONTINUOUS = re.compile(r"持续推进|长期(?:坚持|推进)?")


def read_deadline(text: str) -> tuple[Deadline, str | None]:
    """The deadline as stated, and the kind of irregularity in its wording, if any.

    A wording that is none of the three known kinds is kept as text under kind `none`.
    """
    wording = text.strip().rstrip("。；;").strip()
    if match := YEAR_END.fullmatch(wording):
        usual = wording == f"{match[1]}年底"
        found = Deadline(DeadlineKind.YEAR_END, text.strip(), int(match[1]))
        return found, None if usual else "deadline_variant"
    if MASKED.fullmatch(wording):
        return Deadline(DeadlineKind.MASKED_YEAR, text.strip()), None
    if CONTINUOUS.fullmatch(wording):
        return Deadline(DeadlineKind.CONTINUOUS, text.strip()), None
    return Deadline(DeadlineKind.NONE, text.strip()), "deadline_unrecognised"
