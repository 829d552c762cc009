"""From bytes to text, with the limits of what is read at all."""

from __future__ import annotations

import codecs

from service.plan.parsing.errors import PlanHasNul, PlanTooLarge, PlanUndecodable

MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 50_000


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: `utf-8`, `utf-8-sig` or `gb18030`.

    Raises PlanTooLarge over 5 MiB, PlanHasNul, PlanUndecodable.
    """
    if len(data) > MAX_BYTES:
        raise PlanTooLarge(f"more than {MAX_BYTES} bytes", bytes=len(data), limit=MAX_BYTES)
    if b"\0" in data:
        raise PlanHasNul("a NUL byte: not plain text", offset=data.index(b"\0"))
    preferred = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    for encoding in (preferred, "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as failure:
            offset = failure.start
    raise PlanUndecodable("neither UTF-8 nor GB 18030", offset=offset)


def lines_of(text: str) -> list[str]:
    """The lines of `text`, whatever its line ends. Raises as `decode` does, for text."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as failure:
        raise PlanUndecodable("a lone surrogate", offset=failure.start) from failure
    if size > MAX_BYTES:
        raise PlanTooLarge(f"more than {MAX_BYTES} bytes", bytes=size, limit=MAX_BYTES)
    if "\0" in text:
        raise PlanHasNul("a NUL character: not plain text", offset=text.index("\0"))
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise PlanTooLarge(f"more than {MAX_LINES} lines", lines=len(lines), limit=MAX_LINES)
    return lines
