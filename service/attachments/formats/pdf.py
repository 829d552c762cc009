"""PDF (ISO 32000): photos inside it lose their EXIF, and XMP its position, where they stand."""

from __future__ import annotations

import re
import struct

from service.attachments.exif import Taken
from service.attachments.formats.common import Buffer, blank, damaged

# A JPEG's EXIF segment: marker, length, mark. Images in a PDF are JPEG files as they were.
EXIF_SEGMENT = re.compile(rb"\xff\xe1(..)Exif\x00\x00", re.DOTALL)
XMP_POSITION = re.compile(rb"(exif:GPS\w+)(\s*=\s*[\"']|\s*>)([^\"'<]{1,200})")
TAIL = 2_048


def blank_pdf(data: Buffer) -> Taken:
    """Overwrite in place what tells a position outside compressed streams. Raises DamagedFile."""
    if b"%%EOF" not in bytes(data[max(len(data) - TAIL, 0) :]):
        raise damaged("PDF: ends before its end mark")
    segments = [(m.start(), m[1]) for m in EXIF_SEGMENT.finditer(data)]
    done = 0
    for start, length in segments:
        stop = min(start + 2 + struct.unpack(">H", length)[0], len(data))
        # Marks inside a segment that is blank already are none.
        if start >= done and stop > start + 10:
            blank(data, start + 10, stop)
            done = stop
    for first, last in [m.span(3) for m in XMP_POSITION.finditer(data)]:
        data[first:last] = b" " * (last - first)
    return Taken()
