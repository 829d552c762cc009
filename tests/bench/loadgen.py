"""Keeps a number of connections busy with requests from a file: wrk, or a small client in Python.

Both are closed loops: a connection sends the next request when it has its answer.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from tests.bench import wire
from tests.bench.sample import BenchError, Sample, sample_of

REPLAY = Path(__file__).with_name("replay.lua")
PATIENCE = 30


def default_client() -> str:
    """wrk where it is installed."""
    return "wrk" if shutil.which("wrk") else "python"


def run(
    port: int, path: Path, *, connections: int, seconds: float, client: str, once: bool
) -> Sample:
    """Replay the file against the port; `once` when no request may be sent twice.

    Raises BenchError when an answer was not a success or the file was too short.
    """
    if client == "python":
        return asyncio.run(_Loop(port, wire.read(path), once).run(connections, seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += [f"--timeout={PATIENCE}s", "-s", str(REPLAY), f"http://127.0.0.1:{port}"]
    done = subprocess.run([*command, "--", str(path)], capture_output=True, text=True, check=False)
    last = done.stdout.strip().rsplit("\n", 1)[-1]
    if done.returncode or not last.startswith("{"):
        raise BenchError(f"wrk: {done.stderr or done.stdout}")
    found = json.loads(last)
    if found["status"] or found["broken"]:
        raise BenchError(
            f"{found['status']} refused and {found['broken']} broken requests: {found}"
        )
    if once and found["rounds"]:
        raise BenchError("the service was faster than the requests prepared for it")
    rate = found["requests"] / found["seconds"]
    return Sample(rate, found["p50_us"] / 1000, found["p99_us"] / 1000, found["requests"])


@dataclass
class _Loop:
    """Connections of the Python client on one event loop."""

    port: int
    requests: list[bytes]
    once: bool
    times_ms: list[float] = field(default_factory=list)

    async def run(self, connections: int, seconds: float) -> Sample:
        """Keep all connections busy until the time is over."""
        source = iter(self.requests) if self.once else cycle(self.requests)
        started = time.perf_counter()
        until = started + seconds
        await asyncio.gather(*(self._talk(source, until) for _ in range(connections)))
        return sample_of(self.times_ms, time.perf_counter() - started)

    async def _talk(self, source: Iterator[bytes], until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while (started := time.perf_counter()) < until:
            request = next(source, None)
            if request is None:
                raise BenchError("the service was faster than the requests prepared for it")
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            body = await reader.readexactly(_length(head))
            if not head.startswith(b"HTTP/1.1 2"):
                raise BenchError(f"{head.splitlines()[0]!r}: {body[:500]!r}")
            self.times_ms.append((time.perf_counter() - started) * 1000)
        writer.close()
        await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise BenchError("an answer without a length")
