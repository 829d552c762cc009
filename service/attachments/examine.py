"""From received bytes to what is stored: the type proven, where and when read, metadata gone."""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

from service.attachments.errors import FileTooLarge, PictureTooLarge
from service.attachments.exif import Taken
from service.attachments.file_types import (
    JPEG,
    KIND_NAMES,
    M4A,
    MP3,
    MP4,
    OGG,
    PDF,
    PNG,
    WAV,
    WEBP,
    FileType,
    Limits,
)
from service.attachments.formats.common import Buffer, Picture, damaged
from service.attachments.formats.jpeg import strip_jpeg
from service.attachments.formats.mp4 import blank_mp4
from service.attachments.formats.pdf import blank_pdf
from service.attachments.formats.png import strip_png
from service.attachments.formats.riff import blank_wav, strip_webp
from service.attachments.formats.sound import blank_ogg, strip_mp3
from service.attachments.kinds import HEAD_BYTES, recognise

Content = bytes | mmap.mmap
STRIP: dict[FileType, Callable[[bytes], Picture]] = {
    JPEG: strip_jpeg,
    PNG: strip_png,
    WEBP: strip_webp,
}
BLANK: dict[FileType, Callable[[Buffer], Taken]] = {
    WAV: blank_wav,
    OGG: blank_ogg,
    PDF: blank_pdf,
}


@dataclass(frozen=True, slots=True)
class Examined:
    """A file fit to be stored. `content` is what is stored, without position or maker's notes.

    `width` and `height` are pixels of a photo as coded, before it is turned.
    """

    type: FileType
    content: Content
    taken: Taken
    width: int | None = None
    height: int | None = None


def examine(spool: IO[bytes], limits: Limits) -> Examined:
    """Prove the type of a non-empty file, read where and when, take metadata out.

    Changes `spool` in place for sound, video and documents. Works for as long as the file is
    large: call it off the event loop. Raises UnsupportedFile, DamagedFile, FileTooLarge,
    PictureTooLarge, AnimatedPicture.
    """
    data = mmap.mmap(spool.fileno(), 0)
    claimed = recognise(data[:HEAD_BYTES])
    check_size(len(data), limits.before_examined(claimed), claimed)
    if claimed in STRIP:
        return _photo(bytes(data), claimed, limits)
    if claimed is MP3:
        return Examined(MP3, strip_mp3(bytes(data)), Taken())
    if claimed is MP4:
        kind, taken = blank_mp4(data)
        found = MP4 if kind == "video" else M4A
        check_size(len(data), limits.of(kind), found)
        return Examined(found, data, taken)
    return Examined(claimed, data, BLANK[claimed](data))


def check_size(size: int, limit: int, of: FileType) -> None:
    """Pass when `size` bytes are within the `limit` for this type. Raises FileTooLarge."""
    if size > limit:
        raise FileTooLarge(pointer="/file", kind=KIND_NAMES[of.kind], limit=limit)


def _photo(data: bytes, claimed: FileType, limits: Limits) -> Examined:
    picture = STRIP[claimed](data)
    width, height = picture.width, picture.height
    # Judged by the header, so that nothing is decoded that would fill the memory.
    if width * height > limits.pixels:
        raise PictureTooLarge(pointer="/file", width=width, height=height, limit=limits.pixels)
    try:
        with Image.open(io.BytesIO(picture.content), formats=[claimed.name.upper()]) as opened:
            seen = opened.size
    except (UnidentifiedImageError, OSError, ValueError):
        raise damaged(f"{claimed.name.upper()}: the header cannot be read") from None
    if seen != (width, height):
        raise damaged(f"{claimed.name.upper()}: two sizes")
    return Examined(claimed, picture.content, picture.taken, width, height)
