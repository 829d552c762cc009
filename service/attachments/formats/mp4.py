"""MP4 and M4A (ISO/IEC 14496-12): sound and pictures stay where they are, the rest is blanked.

Phones note the position in `udta` or `meta` boxes, dash cameras in a track of their own (timed
metadata or subtitles). Such boxes become `free` boxes of the same size and such tracks lose their
samples, so that no offset in the file moves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from service.attachments.exif import Taken
from service.attachments.formats.common import MAX_PARTS, Buffer, blank, damaged, position_in
from service.attachments.rules import FIRST_YEAR

TOP = frozenset((b"ftyp", b"moov", b"mdat", b"moof", b"sidx", b"styp", b"mfra", b"pdin"))
IN_MOVIE = frozenset((b"mvhd", b"trak", b"mvex", b"iods"))
IN_TRACK = frozenset((b"tkhd", b"mdia", b"edts", b"tref", b"tapt", b"load"))
KEPT_HANDLERS = frozenset((b"vide", b"soun"))
EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
READ_AT_MOST = 65_536


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, where it starts, where its content starts and where it ends."""

    kind: bytes
    start: int
    body: int
    stop: int


@dataclass(slots=True)
class _Found:
    """What the walk has seen."""

    handlers: set[bytes]
    position: tuple[float, float] | None = None
    fragmented: bool = False
    blanked_tracks: int = 0


def blank_mp4(data: Buffer) -> tuple[Literal["audio", "video"], Taken]:
    """Whether it is sound only or video, and where and when it says it was recorded.

    Raises DamagedFile.
    """
    found = _Found(set())
    moved: datetime | None = None
    boxes = list(_boxes(data, 0, len(data)))
    found.fragmented = any(b.kind == b"moof" for b in boxes)
    for box in boxes:
        if box.kind == b"moov":
            moved = _movie(data, box, found) or moved
        elif box.kind not in TOP:
            _free(data, box, found)
    if not found.handlers & KEPT_HANDLERS or not any(b.kind == b"mdat" for b in boxes):
        raise damaged("MP4: no sound and no video")
    if found.fragmented and found.blanked_tracks:
        raise damaged("MP4: a metadata track in fragments, export it as an ordinary MP4")
    kind: Literal["audio", "video"] = "video" if b"vide" in found.handlers else "audio"
    return kind, Taken(found.position, moved)


def _movie(data: Buffer, movie: Box, found: _Found) -> datetime | None:
    made: datetime | None = None
    for box in _boxes(data, movie.body, movie.stop):
        if box.kind == b"mvhd":
            made = _made_at(data, box)
        elif box.kind == b"trak":
            _track(data, box, found)
        elif box.kind not in IN_MOVIE:
            _free(data, box, found)
    return made


def _track(data: Buffer, track: Box, found: _Found) -> None:
    handler = b""
    tables: dict[bytes, Box] = {}
    for box in _boxes(data, track.body, track.stop):
        if box.kind == b"mdia":
            handler, tables = _media(data, box, found)
        elif box.kind not in IN_TRACK:
            _free(data, box, found)
    if handler in KEPT_HANDLERS:
        found.handlers.add(handler)
        return
    for start, stop in _samples(data, tables):
        found.position = found.position or position_in(bytes(data[start:stop][:READ_AT_MOST]))
        blank(data, start, stop)
    found.blanked_tracks += 1
    _free(data, track, found)


def _media(data: Buffer, media: Box, found: _Found) -> tuple[bytes, dict[bytes, Box]]:
    handler = b""
    tables: dict[bytes, Box] = {}
    for box in _boxes(data, media.body, media.stop):
        if box.kind == b"hdlr":
            handler = bytes(data[box.body + 8 : box.body + 12])
        elif box.kind == b"minf":
            for part in _boxes(data, box.body, box.stop):
                if part.kind == b"stbl":
                    tables = {b.kind: b for b in _boxes(data, part.body, part.stop)}
        elif box.kind in (b"udta", b"meta", b"uuid"):
            _free(data, box, found)
    return handler, tables


def _boxes(data: Buffer, start: int, stop: int) -> Iterator[Box]:
    """The boxes between two offsets. Raises DamagedFile when they do not fill them."""
    at = start
    for _ in range(MAX_PARTS):
        # Some writers end a list of boxes with four zero bytes.
        if stop - at < 8 and not any(data[at:stop]):
            return
        if stop - at < 8:
            raise damaged("MP4: ends inside a box")
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1 and stop - at >= 16:
            size = struct.unpack_from(">Q", data, body)[0]
            body += 8
        end = stop if size == 0 else at + size
        if end > stop or end < body:
            raise damaged("MP4: ends inside a box")
        yield Box(kind, at, body, end)
        at = end
    raise damaged("MP4: too many boxes")


def _free(data: Buffer, box: Box, found: _Found) -> None:
    content = bytes(data[box.body : min(box.stop, box.body + READ_AT_MOST)])
    if box.kind != b"trak":
        found.position = found.position or position_in(content)
    data[box.start + 4 : box.start + 8] = b"free"
    blank(data, box.body, box.stop)


def _made_at(data: Buffer, box: Box) -> datetime | None:
    if box.stop - box.body < 12:
        raise damaged("MP4: ends inside a box")
    form = ">Q" if data[box.body] == 1 else ">I"
    seconds = struct.unpack_from(form, data, box.body + 4)[0]
    try:
        made = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return made if made.year >= FIRST_YEAR else None


def _samples(data: Buffer, tables: dict[bytes, Box]) -> Iterator[tuple[int, int]]:
    """Where the samples of a track lie in the file, chunk by chunk."""
    if not {b"stsz", b"stsc"} <= tables.keys() or not tables.keys() & {b"stco", b"co64"}:
        return
    sizes = _sizes(data, tables[b"stsz"])
    large = b"co64" in tables
    chunks = _table(data, tables[b"co64" if large else b"stco"], ">Q" if large else ">I")
    runs = _table(data, tables[b"stsc"], ">III")
    sample, run = 0, 0
    for number, (offset,) in enumerate(chunks, start=1):
        while run + 1 < len(runs) and runs[run + 1][0] <= number:
            run += 1
        count = runs[run][1] if runs else 0
        length = sum(sizes[sample : sample + count])
        if offset + length > len(data):
            raise damaged("MP4: a track points outside the file")
        yield offset, offset + length
        sample += count


def _sizes(data: Buffer, box: Box) -> list[int]:
    if box.stop - box.body < 12:
        raise damaged("MP4: ends inside a box")
    same, count = struct.unpack_from(">II", data, box.body + 4)
    if same:
        if count > MAX_PARTS:
            raise damaged("MP4: too many samples")
        return [same] * count
    return [size for (size,) in _table(data, box, ">I", skip=4)]


def _table(data: Buffer, box: Box, form: str, skip: int = 0) -> list[tuple[int, ...]]:
    """The rows of a full box whose content is a count and then rows of `form`."""
    if box.stop - box.body < 8 + skip:
        raise damaged("MP4: ends inside a box")
    count = struct.unpack_from(">I", data, box.body + 4 + skip)[0]
    width = struct.calcsize(form)
    first = box.body + 8 + skip
    if count > MAX_PARTS * 10 or first + count * width > box.stop:
        raise damaged("MP4: a table is larger than its box")
    return list(struct.iter_unpack(form, bytes(data[first : first + count * width])))
