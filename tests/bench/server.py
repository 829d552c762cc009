"""The service itself, as it runs in production: uvicorn with uvloop and httptools, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from service.auth.tokens import AccessTokens
from service.config import ROOT
from service.kit import clock
from service.kit.crypto import FieldCipher
from service.kit.ids import uuid7
from tests.bench.sample import BenchError

KEY = "the benchmark's signing key, for loopback alone"
TOKEN_SECONDS = 3600
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running service."""

    port: int
    log: Path

    def token(self, account: UUID) -> str:
        """An access token that outlives the run."""
        tokens = AccessTokens(KEY.encode(), TOKEN_SECONDS)
        return tokens.issue(account, uuid7(), clock.now())

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send one prepared request: status and body of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request.replace(b"\r\nHost:", b"\r\nConnection: close\r\nHost:", 1))
            parts = []
            while part := connection.recv(1 << 20):
                parts.append(part)
        head, _, body = b"".join(parts).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


@contextmanager
def serving(database_url: str, *, workers: int = 1) -> Iterator[Server]:
    """The service on a free loopback port, ended with the block. Raises BenchError."""
    with tempfile.TemporaryDirectory(prefix="gridward-bench-") as folder:
        server = Server(_free_port(), Path(folder) / "service.log")
        command = [sys.executable, "-m", "service.cli", "serve"]
        command += ["--host", "127.0.0.1", "--port", str(server.port), "--workers", str(workers)]
        with server.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=_environment(database_url, folder),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait(server, process)
            yield server
        finally:
            _end(process)


def _environment(database_url: str, folder: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GRIDWARD_", "PG"))}
    return {
        **kept,
        "DATABASE_URL": database_url,
        "GRIDWARD_SIGNING_KEY": KEY,
        "GRIDWARD_FIELD_KEYS": FieldCipher.generate_setting(),
        "GRIDWARD_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS),
        "GRIDWARD_STORAGE_URL": folder,
        "GRIDWARD_LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{server.port}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise BenchError(f"the service did not start:\n{server.log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the service and its workers: they have a session, and so a group, of their own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
