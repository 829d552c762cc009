"""JPEG (ITU-T T.81): keeps what decodes the picture, drops every other segment.

Metadata is not only EXIF: XMP, IPTC, maker notes, comments, thumbnails and second pictures (MPF,
motion photos) behind the end all may tell where somebody was. So segments are kept by a list of
what is needed, and the file ends where the picture ends.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from service.attachments.exif import MARK, orientation_only, read_exif
from service.attachments.formats.common import MAX_PARTS, Picture, damaged

SOI, EOI, SOS, APP0, APP1, APP2, APP14, APP15, COM = (
    0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE,
)  # fmt: skip
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
NEEDED = {APP0: b"JFIF\0", APP2: b"ICC_PROFILE\0", APP14: b"Adobe"}
# A marker may be preceded by any number of fill bytes.
FILL = re.compile(rb"\xff*")
# The next marker behind coded data: not a stuffed zero, not a restart, not a fill byte.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def strip_jpeg(data: bytes) -> Picture:
    """The same picture, the same coded data, without metadata; it still turns the right way.

    Raises DamagedFile.
    """
    exif: bytes | None = None
    size: tuple[int, int] | None = None
    kept: list[bytes | memoryview] = []
    view = memoryview(data)
    for marker, start, body, stop in _segments(data):
        if marker in FRAMES and size is None:
            size = _frame_size(data, body)
        if marker == APP1 and exif is None and data.startswith(MARK, body):
            exif = data[body:stop]
        if _needed(data, marker, body):
            kept.append(view[start:stop])
    if size is None:
        raise damaged("JPEG: no frame")
    facts = read_exif(exif)
    turn = _turning(facts.orientation)
    # JFIF must stay first when it is there.
    first = 1 if kept and kept[0][1] == APP0 else 0
    content = b"".join([b"\xff\xd8", *kept[:first], turn, *kept[first:], b"\xff\xd9"])
    return Picture(content, size[0], size[1], facts.taken)


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Marker, start, start of its body and end of each segment; coded data belongs to its scan."""
    at = 2
    for _ in range(MAX_PARTS):
        at = max(FILL.match(data, at).end() - 1, at)  # type: ignore[union-attr]  # matches nothing too
        if at + 2 > len(data) or data[at] != 0xFF:
            raise damaged("JPEG: ends before the end of the picture")
        marker = data[at + 1]
        if marker == EOI:
            return
        if marker in ALONE:
            at += 2
            continue
        if at + 4 > len(data):
            raise damaged("JPEG: ends inside a segment")
        stop = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if stop > len(data) or stop < at + 4:
            raise damaged("JPEG: ends inside a segment")
        if marker == SOS:
            found = NEXT_MARKER.search(data, stop)
            if found is None:
                raise damaged("JPEG: ends before the end of the picture")
            stop = found.start()
        yield marker, at, at + 4, stop
        at = stop
    raise damaged("JPEG: too many segments")


def _needed(data: bytes, marker: int, body: int) -> bool:
    if marker == COM:
        return False
    if APP0 <= marker <= APP15:
        return data.startswith(NEEDED.get(marker, b"\0none\0"), body)
    return True


def _frame_size(data: bytes, body: int) -> tuple[int, int]:
    if body + 5 > len(data):
        raise damaged("JPEG: ends inside a segment")
    height, width = struct.unpack_from(">HH", data, body + 1)
    if not width or not height:
        raise damaged("JPEG: a picture without size")
    return width, height


def _turning(orientation: int) -> bytes:
    if orientation == 1:
        return b""
    block = MARK + orientation_only(orientation)
    return struct.pack(">BBH", 0xFF, APP1, len(block) + 2) + block
