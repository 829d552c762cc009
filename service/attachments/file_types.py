"""The types of files that are taken, and how large they may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["photo", "audio", "video", "document"]
KIND_NAMES: dict[Kind, str] = {
    "photo": "照片 photo",
    "audio": "录音 audio",
    "video": "视频 video",
    "document": "文件 document",
}


@dataclass(frozen=True, slots=True)
class FileType:
    """A type that is taken: what it is, how it is served, how its names end (the first is ours)."""

    name: str
    kind: Kind
    media_type: str
    extensions: tuple[str, ...]


JPEG = FileType("jpeg", "photo", "image/jpeg", (".jpg", ".jpeg"))
PNG = FileType("png", "photo", "image/png", (".png",))
WEBP = FileType("webp", "photo", "image/webp", (".webp",))
M4A = FileType("m4a", "audio", "audio/mp4", (".m4a",))
MP3 = FileType("mp3", "audio", "audio/mpeg", (".mp3",))
OGG = FileType("ogg", "audio", "audio/ogg", (".ogg", ".oga", ".opus"))
WAV = FileType("wav", "audio", "audio/wav", (".wav",))
MP4 = FileType("mp4", "video", "video/mp4", (".mp4", ".m4v"))
PDF = FileType("pdf", "document", "application/pdf", (".pdf",))


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file of each kind may be (bytes), and a photo in pixels."""

    photo: int
    audio: int
    video: int
    document: int
    pixels: int = 50_000_000

    def of(self, kind: Kind) -> int:
        """Bytes that a file of `kind` may have."""
        return int(getattr(self, kind))

    def before_examined(self, claimed: FileType) -> int:
        """Bytes worth reading of what claims a type; an MP4 may turn out to be sound only."""
        return max(self.audio, self.video) if claimed is MP4 else self.of(claimed.kind)
