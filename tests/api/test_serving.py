"""The processes that stay: they start with the right keys only, and stop gently when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from service.commands.serving import check_secrets
from service.commands.speech import CommandFailed
from service.config import Settings
from service.kit.crypto import FieldCipher

FIELD_KEYS = FieldCipher.generate_setting()
LONG_KEY = "a signing key that is long enough for this"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "missing GRIDWARD_SIGNING_KEY GRIDWARD_FIELD_KEYS"),
        ({"signing_key": LONG_KEY}, "missing GRIDWARD_FIELD_KEYS"),
        ({"field_keys": FIELD_KEYS}, "missing GRIDWARD_SIGNING_KEY"),
        ({"signing_key": "short", "field_keys": FIELD_KEYS}, "too short"),
        ({"signing_key": LONG_KEY, "field_keys": "k1:AAAA"}, "32 bytes"),
        ({"signing_key": LONG_KEY, "field_keys": "not even a key"}, "32 bytes"),
    ],
)
def test_keys_that_would_lose_data_are_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        check_secrets(Settings(**given))


@pytest.fixture
def process(database_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command as a process of its own; ends it when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "service.cli", *arguments],
                env={
                    **os.environ,
                    "DATABASE_URL": database_url,
                    "GRIDWARD_SIGNING_KEY": LONG_KEY,
                    "GRIDWARD_FIELD_KEYS": FIELD_KEYS,
                    "LANG": "C.UTF-8",
                },
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def events_until(process: subprocess.Popen[str], event: str) -> list[str]:
    """The logged events up to the one that begins with `event`."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        with suppress(ValueError):
            seen.append(json.loads(line)["event"])
        if seen and seen[-1].startswith(event):
            return seen
    raise AssertionError(f"{event} was never logged: {seen}")


def test_a_worker_stops_gently_when_told(process: Callable[..., subprocess.Popen[str]]) -> None:
    worker = process("worker")
    events_until(worker, "worker_started")
    worker.send_signal(signal.SIGTERM)
    assert "worker_stopping" in events_until(worker, "worker_stopped")
    assert worker.wait(10) == 0


def test_a_server_answers_on_its_socket_and_stops_when_told(
    process: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    socket = tmp_path / "s"
    server = process("serve", "--uds", str(socket))
    events_until(server, "Uvicorn running")
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://gridward") as client:
        answer = client.get("/readyz")
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=15)
    assert server.returncode in (0, -signal.SIGTERM)
