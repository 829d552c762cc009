"""PNG (ISO/IEC 15948): keeps the chunks that make the picture, drops text, time and EXIF."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from service.attachments.errors import AnimatedPicture
from service.attachments.exif import orientation_only, read_exif
from service.attachments.formats.common import MAX_PARTS, Picture, damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NEEDED = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
     b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs")
)  # fmt: skip


def strip_png(data: bytes) -> Picture:
    """The same picture without metadata; it still turns the right way.

    Raises DamagedFile, AnimatedPicture.
    """
    exif: bytes | None = None
    kept: list[bytes | memoryview] = []
    view = memoryview(data)
    for name, start, stop in _chunks(data):
        if name == b"acTL":
            raise AnimatedPicture(pointer="/file")
        if name == b"eXIf":
            exif = data[start + 8 : stop - 4]
        if name in NEEDED:
            kept.append(view[start:stop])
    width, height = struct.unpack_from(">II", data, len(SIGNATURE) + 8)
    if not width or not height or not any(bytes(c[4:8]) == b"IDAT" for c in kept):
        raise damaged("PNG: a picture without size or data")
    facts = read_exif(exif)
    turn = b"" if facts.orientation == 1 else chunk(b"eXIf", orientation_only(facts.orientation))
    content = b"".join([SIGNATURE, kept[0], turn, *kept[1:]])
    return Picture(content, width, height, facts.taken)


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk with its length and check sum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk up to IEND, check sums verified."""
    at = len(SIGNATURE)
    view = memoryview(data)
    for index in range(MAX_PARTS):
        if at + 12 > len(data):
            raise damaged("PNG: ends before the end of the picture")
        stop = at + 12 + struct.unpack_from(">I", data, at)[0]
        name = data[at + 4 : at + 8]
        if stop > len(data):
            raise damaged("PNG: ends inside a chunk")
        if struct.unpack_from(">I", data, stop - 4)[0] != zlib.crc32(view[at + 4 : stop - 4]):
            raise damaged("PNG: a check sum is wrong")
        if (index == 0) is not (name == b"IHDR" and stop - at == 25):
            raise damaged("PNG: the header is not where it belongs")
        yield name, at, stop
        if name == b"IEND":
            return
        at = stop
    raise damaged("PNG: too many chunks")
