"""`gridward worker` as a process: it sweeps limits every ten seconds, and stops when it is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.config import Settings
from tests.cases import Place

TICK = 10
# A start on a busy machine, and two ticks.
MOST_SECONDS = 120

MAKE_DUE = """
WITH due AS (
  UPDATE incident SET next_alarm_at = now() - interval '1 second',
    clocks = jsonb_build_object('finish',
      jsonb_build_array(s - 900, s - 300, s - 1, s + 900, 1, '1h'))
  FROM (SELECT extract(epoch FROM now())::bigint AS s) AS moment WHERE id = %s
  RETURNING id, next_alarm_at)
UPDATE open_incident o SET next_alarm_at = due.next_alarm_at FROM due WHERE o.incident_id = due.id
"""
AUTOMATIC = """
SELECT action, payload ->> 'rule' FROM case_event WHERE case_id = %s AND payload ? 'automatic'
"""
LAST_TICK = """
SELECT max(defer_timestamp) FROM jobs.procrastinate_periodic_defers
WHERE task_name = 'incidents.sweep_limits'
"""

Rows = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def owner(database_url: str) -> Iterator[Rows]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The running worker; killed when it is still there afterwards."""
    assert settings.signing_key is not None
    assert settings.field_keys is not None
    environment = {
        **os.environ,
        "DATABASE_URL": settings.dsn,
        "GRIDWARD_SIGNING_KEY": settings.signing_key.get_secret_value(),
        "GRIDWARD_FIELD_KEYS": settings.field_keys.get_secret_value(),
        "GRIDWARD_STORAGE_URL": settings.storage_url,
    }
    command = [sys.executable, "-m", "service.cli", "worker"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def tick_that_marked(owner: Rows, case: str, worker: subprocess.Popen[bytes]) -> int:
    """Make the case due; the epoch second of the tick in which the worker has marked it."""
    owner.execute(MAKE_DUE, (case,))
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        assert worker.poll() is None, "the worker has ended"
        if found := owner.execute(AUTOMATIC, (case,)).fetchall():
            assert found == [("mark-overdue", "finish.due")]
            tick: int = (owner.execute(LAST_TICK).fetchone() or (0,))[0]
            return tick
        time.sleep(0.2)
    raise AssertionError(f"not marked after {MOST_SECONDS} s")


async def test_the_worker_sweeps_every_ten_seconds_until_it_is_told_to_stop(
    owner: Rows, place: Place, worker: subprocess.Popen[bytes]
) -> None:
    first, second = await place.report(), await place.report()
    earlier = tick_that_marked(owner, first["id"], worker)
    later = tick_that_marked(owner, second["id"], worker)
    assert earlier < later
    assert (earlier % TICK, later % TICK) == (0, 0)
    assert owner.execute(AUTOMATIC, (first["id"],)).fetchall() == [("mark-overdue", "finish.due")]
    worker.terminate()
    assert worker.wait(timeout=60) == 0
