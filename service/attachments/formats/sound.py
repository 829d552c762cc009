"""MP3 and OGG sound: tags go, frames stay."""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterator

from service.attachments.exif import Taken
from service.attachments.formats.common import MAX_PARTS, Buffer, damaged
from service.attachments.kinds import is_mp3_frame

ID3V1_BYTES = 128
MAX_TAGS = 64
PADDING = re.compile(rb"\x00*")
APE_FOOTER = 32
# Beginning of the first packet -> beginning of the packet with comments.
OGG_CODECS = {b"OpusHead": b"OpusTags", b"\x01vorbis": b"\x03vorbis", b"Speex   ": b""}
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def strip_mp3(data: bytes) -> bytes:
    """The frames alone: ID3v2 before, ID3v1 and APE tags behind them are left out.

    Raises DamagedFile.
    """
    start, stop = 0, len(data)
    for _ in range(MAX_TAGS):
        if not data.startswith(b"ID3", start) or start + 10 > stop:
            break
        size = 0
        for seven in data[start + 6 : start + 10]:
            size = size << 7 | seven & 0x7F
        start += 10 + size + (10 if data[start + 5] & 0x10 else 0)
    start = PADDING.match(data, start).end()  # type: ignore[union-attr]  # matches nothing too
    stop = _without_tail(data, start, stop)
    if not is_mp3_frame(data[start : start + 4]):
        raise damaged("MP3: no sound")
    return data[start:stop]


def _without_tail(data: bytes, start: int, stop: int) -> int:
    if data.startswith(b"TAG", max(stop - ID3V1_BYTES, start)):
        stop -= ID3V1_BYTES
    footer = max(stop - APE_FOOTER, start)
    if data.startswith(b"APETAGEX", footer):
        size, _, flags = struct.unpack_from("<III", data, footer + 12)
        stop -= size + (APE_FOOTER if flags & 0x8000_0000 else 0)
    return max(stop, start)


def blank_ogg(data: Buffer) -> Taken:
    """Overwrite in place the values of all comments (RFC 3533, RFC 7845); check sums are made new.

    Raises DamagedFile, also for more than one stream: that is not a sound recording.
    """
    pages = list(_pages(data))
    if sum(1 for start, *_ in pages if data[start + 5] & 2) != 1:
        raise damaged("OGG: not one stream of sound")
    first = bytes(data[pages[0][1] : pages[0][2]])
    codec = next((mark for mark in OGG_CODECS if first.startswith(mark)), None)
    if codec is None:
        raise damaged("OGG: not Opus, Vorbis or Speex")
    parts = list(_second_packet(data, pages))
    packet = bytearray().join(data[start:stop] for _, start, stop in parts)
    mark = OGG_CODECS[codec]
    if not packet.startswith(mark):
        raise damaged("OGG: no comment header")
    _blank_comments(packet, len(mark))
    at = 0
    for page, start, stop in parts:
        data[start:stop] = bytes(packet[at : at + stop - start])
        at += stop - start
        _sign(data, pages[page])
    return Taken()


def _pages(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Start, start of the body and end of each page."""
    at = 0
    for _ in range(MAX_PARTS):
        if at == len(data):
            return
        if bytes(data[at : at + 4]) != b"OggS" or at + 27 > len(data):
            raise damaged("OGG: a page is broken")
        body = at + 27 + data[at + 26]
        if body > len(data):
            raise damaged("OGG: ends inside a page")
        stop = body + sum(data[at + 27 : body])
        if stop > len(data):
            raise damaged("OGG: ends inside a page")
        yield at, body, stop
        at = stop
    raise damaged("OGG: too many pages")


def _second_packet(
    data: Buffer, pages: list[tuple[int, int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Page number, start and end of each part of the packet that begins on the second page."""
    for number, (page, body, _) in enumerate(pages[1:], start=1):
        length = 0
        for lacing in data[page + 27 : body]:
            length += lacing
            if lacing < 255:
                yield number, body, body + length
                return
        yield number, body, body + length
    raise damaged("OGG: no comment header")


def _blank_comments(packet: bytearray, at: int) -> None:
    """Replace each comment's value by spaces, lengths unchanged."""
    try:
        at += 4 + struct.unpack_from("<I", packet, at)[0]
        count = struct.unpack_from("<I", packet, at)[0]
        at += 4
        for _ in range(min(count, MAX_PARTS)):
            length = struct.unpack_from("<I", packet, at)[0]
            at += 4
            if at + length > len(packet):
                raise damaged("OGG: the comments are broken")
            kept = packet[at : at + length].find(b"=") + 1
            packet[at + kept : at + length] = b" " * (length - kept)
            at += length
    except struct.error:
        raise damaged("OGG: the comments are broken") from None


def _sign(data: Buffer, page: tuple[int, int, int]) -> None:
    start, _, stop = page
    data[start + 22 : start + 26] = bytes(4)
    data[start + 22 : start + 26] = struct.pack("<I", ogg_crc(bytes(data[start:stop])))


def ogg_crc(page: bytes) -> int:
    """CRC-32 as OGG wants it: polynomial 04C11DB7, not reflected, from 0 (RFC 3533 section 6).

    The common CRC-32 has the same polynomial reflected, so bits are turned round on both sides.
    """
    reflected = binascii.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{reflected:032b}"[::-1], 2)
