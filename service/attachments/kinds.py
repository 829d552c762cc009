"""What a file is, by its content alone; its name and what the sender calls it decide nothing."""

from __future__ import annotations

import puremagic

from service.attachments.errors import UnsupportedFile
from service.attachments.file_types import (
    JPEG,
    MP3,
    MP4,
    OGG,
    PDF,
    PNG,
    WAV,
    WEBP,
    FileType,
)

HEAD_BYTES = 4_096
# Major brands of ISO base media files (ISO/IEC 14496-12) that hold ordinary MPEG-4 sound or video.
MP4_BRANDS = frozenset(
    (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"M4A ",
     b"dash", b"MSNV")
)  # fmt: skip


def recognise(head: bytes) -> FileType:
    """The type that the first bytes (up to HEAD_BYTES) claim. Raises UnsupportedFile.

    A claim only: `examine` then walks the whole structure.
    """
    found = _by_signature(head)
    if found is None:
        raise UnsupportedFile(pointer="/file", found=_looks_like(head))
    return found


def _by_signature(head: bytes) -> FileType | None:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp" and head[8:12] in MP4_BRANDS:
        return MP4
    if head.startswith(b"OggS"):
        return OGG
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"ID3") or is_mp3_frame(head[:4]):
        return MP3
    return None


def is_mp3_frame(header: bytes) -> bool:
    """Whether four bytes are the header of an MPEG audio frame, layer III, with a real rate."""
    return (
        len(header) == 4
        and header[0] == 0xFF
        and header[1] & 0xE0 == 0xE0
        and header[1] & 0x18 != 0x08  # reserved version
        and header[1] & 0x06 == 0x02  # layer III
        and header[2] >> 4 not in (0, 15)  # free or bad bit rate
        and header[2] & 0x0C != 0x0C  # reserved sampling rate
    )


def _looks_like(head: bytes) -> str:
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return "未知类型 unknown"
    return next((m.mime_type for m in matches if m.mime_type), "未知类型 unknown")
