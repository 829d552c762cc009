"""The process that examines one uploaded file: `python -m service.areas.checks.worker`.

It reads a FileJob from standard input and writes an Outcome to standard output, both MessagePack.
Before it opens the file it gives up whatever it does not need: memory, processor time and file
size are bounded by the kernel, so that a hostile file ends this process and nothing else.
"""

from __future__ import annotations

import resource
import sys

import msgspec

from service.areas.checks.examine import examine_file
from service.areas.checks.types import Failed, FileJob, Outcome
from service.areas.files.limits import Limits
from service.errors import AppError

OPEN_FILES = 64
OUT_OF_MEMORY = 3


def bound(limits: Limits) -> None:
    """Let the kernel end this process when it goes beyond `limits`."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.unpacked_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def run(job: FileJob) -> Outcome:
    """What there is to say about the file, or why it is refused as a whole."""
    try:
        return Outcome(examined=examine_file(job))
    except AppError as refused:
        return Outcome(failed=Failed(refused.code, refused.params, refused.pointer))


def main() -> None:
    """Examine the one job on standard input."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=FileJob)
    bound(job.limits)
    try:
        outcome = run(job)
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
