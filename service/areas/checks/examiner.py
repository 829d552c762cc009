"""Runs examinations in processes of their own, a few at a time, each within its bounds."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from service.areas.checks.types import Examined, FileJob, Outcome
from service.areas.files.errors import FileTooComplex, UnreadableFile, failure
from service.config import ROOT
from service.errors import Overloaded

AT_ONCE = 2
WAITING = 8
# How Python ends on an error that nobody expected; anything else is a limit of the kernel's.
BROKEN = 1
# The file is a stranger's: its process sees neither keys nor the database's address.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PROJ_DATA", "GDAL_DATA")
FIXED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

log = structlog.get_logger()


class Examiner:
    """At most two examinations at a time; few wait, more are refused.

    `run` does one; by default in a process of its own.
    """

    def __init__(self, run: Callable[[FileJob], Awaitable[Outcome]] | None = None) -> None:
        self._run = run or run_in_process
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def examine(self, job: FileJob) -> Examined:
        """The outcome for one file.

        Raises FileRefused of one kind or another, CrsUndeclared, CrsUnknown, and Overloaded when
        too many wait already.
        """
        if self._waiting >= WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            async with self._free:
                outcome = await self._run(job)
        finally:
            self._waiting -= 1
        if outcome.failed is not None:
            raise failure(outcome.failed.code, outcome.failed.params, outcome.failed.pointer)
        assert outcome.examined is not None
        return outcome.examined


async def run_in_process(job: FileJob) -> Outcome:
    """What a process of its own says of the file. Raises FileTooComplex and UnreadableFile."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service.areas.checks.worker",
        cwd=ROOT, env=_environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        answer, complaint = await asyncio.wait_for(
            process.communicate(msgspec.msgpack.encode(job)), job.limits.seconds
        )
    except TimeoutError:
        raise FileTooComplex(seconds=job.limits.seconds, pointer="/file") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = complaint[-2000:].decode("utf-8", "replace")
        log.warning("examination_failed", status=process.returncode, said=said)
        if process.returncode == BROKEN:
            raise UnreadableFile(
                format="GIS", reason_zh="内容异常", reason_en="its content breaks the reader"
            )
        raise FileTooComplex(seconds=job.limits.seconds, pointer="/file")
    return msgspec.msgpack.decode(answer, type=Outcome)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | FIXED
