"""A real server process for tests that kill it, and a bounded client that hammers it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from service.config import Settings

READY_SECONDS = 90


class Server:
    """`gridward serve` on a free loopback port, with the settings of the test's application."""

    def __init__(self, settings: Settings, log: Path) -> None:
        assert settings.signing_key is not None
        assert settings.field_keys is not None
        self._env = {
            **os.environ,
            "DATABASE_URL": settings.dsn,
            "GRIDWARD_SIGNING_KEY": settings.signing_key.get_secret_value(),
            "GRIDWARD_FIELD_KEYS": settings.field_keys.get_secret_value(),
            "GRIDWARD_STORAGE_URL": settings.storage_url,
        }
        self._log = log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text()
            try:
                if httpx.get(f"{self.base_url}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready in {READY_SECONDS} s: {self._log.read_text()}")

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)
