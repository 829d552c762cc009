"""The stored objects, addressed by the SHA-256 of their content: a folder, or S3 by URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from service.attachments.accept import Received, accept
from service.attachments.errors import StorageUnavailable
from service.attachments.file_types import Limits
from service.config import Settings

CHUNK = 256 * 1024
EXAMINED_AT_ONCE = 2
LISTED_AT_ONCE = 1_000

log = structlog.get_logger()


class Files:
    """Keeps, reads and deletes objects; the same content is one object, whoever sends it.

    Every method that touches the storage raises StorageUnavailable when it fails.
    """

    def __init__(self, store: Any, limits: Limits) -> None:
        self._store = store
        self._gate = asyncio.Semaphore(EXAMINED_AT_ONCE)
        self.limits = limits

    @classmethod
    def from_settings(cls, settings: Settings) -> Files:
        """The storage that `storage_url` names; a folder is made when it is missing."""
        url = settings.storage_url.removeprefix("file://")
        limits = limits_of(settings)
        if "://" in url:
            return cls(from_url(url), limits)
        Path(url).mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalStore(url), limits)

    def accept(self, stream: AsyncIterable[bytes]) -> AbstractAsyncContextManager[Received]:
        """Take a file from `stream` under this storage's limits; see `accept.accept`."""
        return accept(stream, limits=self.limits, gate=self._gate)

    async def keep(self, received: Received) -> None:
        """Store the content unless it is there: an object is written whole or not at all.

        Two who send the same at once write the same bytes under the same key.
        """
        if await self.has(received.sha256):
            return
        try:
            await obstore.put_async(self._store, key(received.sha256), received.content)
        except (BaseError, OSError) as failure:
            raise _unavailable(failure) from failure

    async def has(self, sha256: str) -> bool:
        """Whether the object is there."""
        try:
            await obstore.head_async(self._store, key(sha256))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as failure:
            raise _unavailable(failure) from failure
        return True

    async def open(self, sha256: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes of the object from `start` up to `stop`, in chunks, once it is found."""
        try:
            found = await obstore.get_async(
                self._store, key(sha256), options={"range": (start, stop)}
            )
        except (BaseError, OSError) as failure:
            raise _unavailable(failure) from failure
        return _chunks(found)

    async def delete(self, sha256: str) -> None:
        """Remove the object; one that is gone already is no failure."""
        try:
            await obstore.delete_async(self._store, key(sha256))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as failure:
            raise _unavailable(failure) from failure

    async def older_than(self, moment: datetime) -> AsyncIterator[list[str]]:
        """SHA-256 of the objects last written before `moment`, in batches."""
        try:
            async for batch in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                yield [
                    item["path"].rpartition("/")[2]
                    for item in batch
                    if item["last_modified"] < moment
                ]
        except (BaseError, OSError) as failure:
            raise _unavailable(failure) from failure


def limits_of(settings: Settings) -> Limits:
    """Videos may fill a whole upload; everything else has the attachment limit."""
    most = settings.attachment_max_bytes
    return Limits(photo=most, audio=most, video=settings.upload_max_bytes, document=most)


def key(sha256: str) -> str:
    """Where an object lies: 256 folders, so that none grows too large to list."""
    return f"{sha256[:2]}/{sha256}"


async def _chunks(found: Any) -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=CHUNK):
        yield bytes(chunk)


def _unavailable(failure: Exception) -> StorageUnavailable:
    log.error("storage_failed", error=repr(failure))
    return StorageUnavailable()
