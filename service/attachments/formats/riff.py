"""RIFF: WebP pictures (RFC 9649) and WAV sound."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from service.attachments.errors import AnimatedPicture
from service.attachments.exif import Taken, orientation_only, read_exif
from service.attachments.formats.common import MAX_PARTS, Buffer, Picture, blank, damaged

WEBP_NEEDED = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ICCP"))
WAV_NEEDED = frozenset((b"fmt ", b"data", b"fact"))
EXIF_FLAG, XMP_FLAG, ANIMATION_FLAG = 0x08, 0x04, 0x02


def strip_webp(data: bytes) -> Picture:
    """The same picture without metadata; it still turns the right way.

    Raises DamagedFile, AnimatedPicture.
    """
    exif: bytes | None = None
    extended: bytearray | None = None
    coded: bytes | None = None
    kept: list[bytes] = []
    for name, body, stop in _chunks(data, exact=True):
        if name in (b"ANIM", b"ANMF"):
            raise AnimatedPicture(pointer="/file")
        if name == b"VP8X" and extended is None and stop - body >= 10:
            extended = bytearray(data[body : body + 10])
        elif name == b"EXIF" and exif is None:
            exif = data[body:stop]
        elif name in WEBP_NEEDED:
            kept.append(_chunk(name, data[body:stop]))
            coded = data[body : body + 10] if name in (b"VP8 ", b"VP8L") else coded
    if coded is None:
        raise damaged("WebP: no picture")
    width, height = _canvas(extended) if extended else _coded_size(coded)
    facts = read_exif(exif)
    if extended is not None:
        extended[0] &= ~(EXIF_FLAG | XMP_FLAG | ANIMATION_FLAG) & 0xFF
        if facts.orientation != 1:
            extended[0] |= EXIF_FLAG
            kept.append(_chunk(b"EXIF", orientation_only(facts.orientation)))
        kept.insert(0, _chunk(b"VP8X", bytes(extended)))
    body_bytes = b"WEBP" + b"".join(kept)
    content = b"RIFF" + struct.pack("<I", len(body_bytes)) + body_bytes
    return Picture(content, width, height, facts.taken)


def blank_wav(data: Buffer) -> Taken:
    """Overwrite in place every chunk that is not sound: lists, ID3, XML, broadcast notes.

    Raises DamagedFile.
    """
    found = set()
    end = 12
    for name, body, stop in _chunks(data, exact=False):
        found.add(name)
        if name not in WAV_NEEDED:
            data[body - 8 : body - 4] = b"JUNK"
            blank(data, body, stop)
        end = stop
    if not {b"fmt ", b"data"} <= found:
        raise damaged("WAV: no sound")
    blank(data, min(end, len(data)), len(data))
    return Taken()


def _chunks(data: bytes | Buffer, *, exact: bool) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the body of each chunk; recorders that stop early leave sizes open."""
    declared = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= 12 else 0
    end = declared if exact else len(data)
    if end > len(data) or end < 12:
        raise damaged("RIFF: ends before its declared end")
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        name = bytes(data[at : at + 4])
        stop = at + 8 + struct.unpack_from("<I", data, at + 4)[0]
        if stop > end:
            if exact or name != b"data":
                raise damaged("RIFF: ends inside a chunk")
            stop = end
        yield name, at + 8, stop
        at = stop + (stop & 1)
    raise damaged("RIFF: too many chunks")


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _canvas(extended: bytearray) -> tuple[int, int]:
    width = int.from_bytes(extended[4:7], "little") + 1
    return width, int.from_bytes(extended[7:10], "little") + 1


def _coded_size(coded: bytes) -> tuple[int, int]:
    """Width and height from the bit stream's own header (VP8 key frame or VP8L)."""
    if len(coded) >= 5 and coded[0] == 0x2F:
        bits = int.from_bytes(coded[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if len(coded) < 10 or coded[3:6] != b"\x9d\x01\x2a":
        raise damaged("WebP: no picture")
    width, height = struct.unpack_from("<HH", coded, 6)
    return width & 0x3FFF, height & 0x3FFF
