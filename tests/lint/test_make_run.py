"""`python -m service.local.run -- COMMAND` in a checkout of its own, as `make` calls it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.local import binaries, cluster

PROJECT = Path(__file__).parents[2]
RUN = (sys.executable, "-m", "service.local.run", "--")
CLUSTER = (sys.executable, "-m", "service.local.cluster")
PATIENCE_SECONDS = 20

pytestmark = pytest.mark.skipif(
    not binaries.usable_servers(), reason="no PostgreSQL server installed here"
)


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A checkout with nothing but the local tools, and their own cluster."""
    root = Path(tempfile.mkdtemp(prefix="gridward-checkout-"))
    root.chmod(0o755)
    (root / "service").mkdir()
    shutil.copy(PROJECT / "service" / "__init__.py", root / "service")
    shutil.copytree(PROJECT / "service" / "local", root / "service" / "local")
    yield root
    cluster.remove(root)
    shutil.rmtree(root)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**kept, "PYTHONPATH": "", "PGHOST": "/nowhere"}


@contextmanager
def started(root: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A running command, which does not outlive the block."""
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def finish(root: Path, *command: str) -> tuple[int, str, str]:
    with started(root, *command) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_command_gets_a_database_and_its_status_is_passed_on(checkout: Path) -> None:
    script = "psql --no-psqlrc -At \"$DATABASE_URL\" -c 'SELECT postgis_lib_version()'; exit 7"
    status, out, err = finish(checkout, *RUN, "sh", "-c", script)
    assert (status, err) == (7, "")
    assert out.startswith("3.")
    assert cluster.status(checkout) is None, "what the run started, it stops"


def test_a_command_that_does_not_exist_is_said_in_one_line(checkout: Path) -> None:
    status, _, err = finish(checkout, *RUN, "gridward-nonsense")
    assert (status, err) == (127, "gridward-nonsense: command not found\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_once_and_the_server_is_stopped_after_it(
    checkout: Path, sent: signal.Signals
) -> None:
    script = (
        "import os, signal, time\n"
        "heard = []\n"
        f"signal.signal({sent.value}, lambda *_: heard.append(1))\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 10\n"
        "while not heard and time.monotonic() < end: time.sleep(0.02)\n"
        "time.sleep(0.3)\n"
        'asked = os.system(\'psql -Atc "SELECT 1" "$DATABASE_URL" >/dev/null\')\n'
        "print(len(heard), 'psql', asked)\n"
        "raise SystemExit(5)\n"
    )
    with started(checkout, *RUN, sys.executable, "-c", script) as process:
        assert first_line(process) == "ready"
        process.send_signal(sent)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (5, "1 psql 0\n", "")
    assert cluster.status(checkout) is None


def test_a_command_ended_by_a_signal_gives_the_status_that_a_shell_would(checkout: Path) -> None:
    status, _, _ = finish(checkout, *RUN, "sh", "-c", "kill -TERM $$")
    assert status == 128 + signal.SIGTERM


def test_a_killed_run_leaves_its_server_to_the_next_run_which_stops_it(checkout: Path) -> None:
    with started(checkout, *RUN, "sh", "-c", "echo ready; exec sleep 2") as process:
        assert first_line(process) == "ready"
        process.kill()
    assert cluster.status(checkout) is not None
    assert finish(checkout, *RUN, "true")[0] == 0
    assert cluster.status(checkout) is None


def test_two_first_starts_at_once_make_one_server(checkout: Path) -> None:
    cluster.remove(checkout)
    with (
        started(checkout, *CLUSTER, "start") as one,
        started(checkout, *CLUSTER, "start") as other,
    ):
        answers = [
            (*process.communicate(timeout=PATIENCE_SECONDS), process.returncode)
            for process in (one, other)
        ]
    assert answers[0] == answers[1]
    assert answers[0][1:] == ("", 0)
    status, url, _ = finish(checkout, *CLUSTER, "url")
    assert (status, url.startswith("postgresql://gridward:")) == (0, True)
    assert finish(checkout, *CLUSTER, "stop")[:2] == (0, "stopped\n")
    assert finish(checkout, *CLUSTER, "status")[:2] == (1, "not running\n")


def test_two_runs_at_once_share_a_server_until_the_last_one_ends(checkout: Path) -> None:
    ask = 'until [ -e go ]; do sleep 0.05; done; psql -Atc "SELECT 1" "$DATABASE_URL"'
    with started(checkout, *RUN, "sh", "-c", f"echo ready; {ask}") as long:
        assert first_line(long) == "ready"
        assert finish(checkout, *RUN, "true")[0] == 0
        (checkout / "go").touch()
        assert long.communicate(timeout=PATIENCE_SECONDS)[0] == "1\n"
    assert cluster.status(checkout) is None
