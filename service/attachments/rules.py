"""Pure decisions about files: names, ranges of bytes, capture times."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from urllib.parse import quote

from service.attachments.errors import ImplausibleCaptureTime, RangeNotSatisfiable
from service.attachments.file_types import FileType
from service.kit.clock import iso

# A camera whose clock was never set says 1970 or 1980.
FIRST_YEAR = 1990
# Three bytes a Chinese character: within the 255 bytes that file systems take.
MAX_NAME = 80
UNSAFE = re.compile(r'[<>:"|?*]')
RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.ASCII)


def safe_name(given: str | None, of: FileType) -> str:
    """A file name that harms nobody: no folder, no control or direction character, not long.

    Its ending is always one of the real type's own, so that nothing opens it as something else.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given or ""))[-1]
    clean = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    clean = UNSAFE.sub("_", clean).strip().rstrip(" .")
    ending = next((e for e in of.extensions if clean.lower().endswith(e)), None)
    stem = clean[: -len(ending)] if ending else clean
    stem = stem[: MAX_NAME - len(of.extensions[0])].strip(" .") or of.kind
    return stem + (ending or of.extensions[0])


def content_disposition(filename: str) -> str:
    """The header value that makes a browser save and never show (RFC 6266, RFC 8187)."""
    ascii_name = re.sub(r'[^ -~]|["\\%]', "_", filename)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and end (exclusive) of the one range that is asked for, or None for the whole.

    What is no single range of bytes is ignored, as RFC 9110 section 14.2 allows. Raises
    RangeNotSatisfiable when the range holds no byte of the file.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    if found[3] is not None:
        length = int(found[3])
        if length == 0:
            raise RangeNotSatisfiable(size=size)
        return max(size - length, 0), size
    first = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    if first >= size:
        raise RangeNotSatisfiable(size=size)
    return first, min(last + 1, size)


def captured(
    declared: datetime | None, noted: datetime | None, *, now: datetime, skew: timedelta
) -> datetime | None:
    """When the file was recorded: what the client declares, else what the file notes.

    A noted time ahead of the clock is dropped. Raises ImplausibleCaptureTime for a declared one.
    """
    if declared is not None:
        if declared.year < FIRST_YEAR or declared > now + skew:
            raise ImplausibleCaptureTime(pointer="/captured_at", given=iso(declared))
        return declared
    return noted if noted is not None and noted <= now + skew else None
