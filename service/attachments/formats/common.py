"""What the formats share."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass

from service.attachments.errors import DamagedFile
from service.attachments.exif import Taken, canonical

Buffer = bytearray | mmap.mmap
# More parts than any camera writes: a file made to keep a server busy.
MAX_PARTS = 100_000
# ISO 6709 as phones write it into MP4: +31.0800+107.8600+320.000/
ISO_6709 = re.compile(
    rb"([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)(?:[+-]\d+(?:\.\d+)?)?(?:/|CRS|\0|$)"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo rebuilt without metadata: its bytes, its size in pixels, what its EXIF said."""

    content: bytes
    width: int
    height: int
    taken: Taken


def damaged(reason: str) -> DamagedFile:
    """The failure for a structure that breaks off or contradicts itself."""
    return DamagedFile(pointer="/file", reason=reason)


def blank(data: Buffer, start: int, stop: int) -> None:
    """Overwrite the bytes from `start` up to `stop` with zeros."""
    data[start:stop] = bytes(stop - start)


def position_in(text: bytes) -> tuple[float, float] | None:
    """The first ISO 6709 position in `text` as lon, lat in EPSG:4490, or None."""
    found = ISO_6709.search(text)
    return canonical(float(found[2]), float(found[1])) if found else None
