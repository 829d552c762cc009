"""Takes a file from any stream of bytes, whatever brought them: a form, a resumed upload."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from service.attachments.errors import EmptyFile
from service.attachments.examine import Content, Examined, check_size, examine
from service.attachments.exif import Taken
from service.attachments.file_types import FileType, Limits
from service.attachments.kinds import HEAD_BYTES, recognise


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was taken: `source_sha256` of the bytes as sent, `sha256` of those to store."""

    source_sha256: str
    sha256: str
    size: int
    type: FileType
    taken: Taken
    width: int | None
    height: int | None
    content: Content


@asynccontextmanager
async def accept(
    stream: AsyncIterable[bytes], *, limits: Limits, gate: asyncio.Semaphore
) -> AsyncIterator[Received]:
    """The examined file for as long as the context lasts; it lies in a temporary file meanwhile.

    `gate` bounds how many files are examined at once. Raises EmptyFile, UnsupportedFile,
    FileTooLarge, DamagedFile, PictureTooLarge, AnimatedPicture.
    """
    with TemporaryFile() as spool:
        source = await _spool(stream, spool, limits)
        async with gate:
            examined, digest = await asyncio.to_thread(_examine, spool, limits)
        yield Received(
            source_sha256=source,
            sha256=digest,
            size=len(examined.content),
            type=examined.type,
            taken=examined.taken,
            width=examined.width,
            height=examined.height,
            content=examined.content,
        )


def _examine(spool: IO[bytes], limits: Limits) -> tuple[Examined, str]:
    examined = examine(spool, limits)
    return examined, hashlib.sha256(examined.content).hexdigest()


async def _spool(stream: AsyncIterable[bytes], spool: IO[bytes], limits: Limits) -> str:
    """Write the stream down, giving up as soon as its type or size is refused; its SHA-256."""
    digest = hashlib.sha256()
    head = b""
    size = 0
    claimed: FileType | None = None
    async for chunk in stream:
        size += len(chunk)
        digest.update(chunk)
        spool.write(chunk)
        if claimed is None:
            head += chunk[:HEAD_BYTES]
            claimed = recognise(head[:HEAD_BYTES]) if len(head) >= HEAD_BYTES else None
        if claimed is not None:
            check_size(size, limits.before_examined(claimed), claimed)
    if size == 0:
        raise EmptyFile(pointer="/file")
    spool.flush()
    return digest.hexdigest()
