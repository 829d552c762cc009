"""The private database server of a checkout, with a real PostgreSQL, as a developer meets it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from service.local import binaries, cluster, lease, processes, sockets
from service.local.layout import STATE, ClusterError, exclusive, find, find_or_make

AS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.skipif(
    not binaries.usable_servers(), reason="no PostgreSQL server installed here"
)


@pytest.fixture(autouse=True)
def _no_external_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.fixture(scope="module")
def new_checkout() -> Iterator[Callable[[int], Path]]:
    """Makes folders that stand for checkouts; their servers are removed at the end."""
    made: list[Path] = []

    def make(mode: int = 0o755) -> Path:
        root = Path(tempfile.mkdtemp(prefix="gridward-checkout-"))
        root.chmod(mode)
        made.append(root)
        return root

    yield make
    for root in made:
        cluster.remove(root)
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def shared_root(new_checkout: Callable[..., Path]) -> Path:
    """One checkout for the tests that need not see the very first start."""
    return new_checkout()


@pytest.fixture
def running(shared_root: Path) -> cluster.ClusterInfo:
    return cluster.ensure_running(shared_root)


def query(url: str, text: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(text).fetchone()
        return row[0] if row else None


def execute(url: str, text: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(text)


def server_pid(info: cluster.ClusterInfo) -> int:
    assert info.data_dir is not None
    pid = processes.postmaster(info.data_dir)
    assert pid is not None
    return pid


def test_the_project_role_is_no_superuser_and_does_not_bypass_row_level_security(
    running: cluster.ClusterInfo,
) -> None:
    rights = query(
        running.url,
        "SELECT array[rolsuper, rolbypassrls, rolcreatedb, rolcreaterole] FROM pg_roles"
        " WHERE rolname = current_user",
    )
    assert rights == [False, False, True, True]


@pytest.mark.parametrize("extension", binaries.EXTENSIONS)
def test_every_new_database_has_the_extensions(
    running: cluster.ClusterInfo, extension: str
) -> None:
    url = cluster.create_database(running, f"with_{extension}")
    execute(url, f"CREATE EXTENSION IF NOT EXISTS {extension}")
    assert query(url, f"SELECT count(*) FROM pg_extension WHERE extname = '{extension}'") == 1
    cluster.drop_database(running, f"with_{extension}")


def test_a_database_is_cloned_from_a_template_and_dropped_under_an_open_session(
    running: cluster.ClusterInfo,
) -> None:
    original = cluster.create_database(running, "original")
    execute(original, "CREATE TABLE kept AS SELECT 42 AS answer")
    copy = cluster.create_database(running, "copy", template="original")
    with psycopg.connect(copy) as session:
        assert session.execute("SELECT answer FROM kept").fetchone() == (42,)
        cluster.drop_database(running, "copy")
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        query(copy, "SELECT 1")


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_what_was_acknowledged_is_durable(running: cluster.ClusterInfo, setting: str) -> None:
    assert query(running.url, f"SHOW {setting}") == "on"


def test_nobody_else_can_reach_the_socket_or_read_the_password(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    assert running.socket_dir is not None
    assert running.socket_dir.stat().st_mode & 0o777 == 0o700
    assert (shared_root / ".local" / "pg-password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password"):
        query(running.url.replace("gridward:", "gridward:x"), "SELECT 1")


def test_a_second_start_finds_the_first_and_a_stopped_server_keeps_its_data(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    execute(running.url, "CREATE TABLE IF NOT EXISTS survivor AS SELECT 7 AS n")
    pid = server_pid(running)
    assert server_pid(cluster.ensure_running(shared_root)) == pid
    assert cluster.stop(shared_root) is True
    assert cluster.status(shared_root) is None
    assert cluster.stop(shared_root) is False
    again = cluster.ensure_running(shared_root)
    assert again == running
    assert query(again.url, "SELECT n FROM survivor") == 7


def test_it_starts_although_5432_is_taken(shared_root: Path) -> None:
    cluster.stop(shared_root)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody else may have it already
            listener.bind(("127.0.0.1", 5432))
            listener.listen()
        assert query(cluster.ensure_running(shared_root).url, "SELECT 1") == 1


def test_a_killed_server_starts_again_with_all_that_was_committed(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    execute(running.url, "CREATE TABLE IF NOT EXISTS committed (n int)")
    execute(running.url, "INSERT INTO committed VALUES (1)")
    before = query(running.url, "SELECT count(*) FROM committed")
    busy = psycopg.connect(running.url, autocommit=True)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000)")
    os.kill(server_pid(running), signal.SIGKILL)
    again = cluster.ensure_running(shared_root)
    assert query(again.url, "SELECT count(*) FROM committed") == before
    busy.close()


def test_a_pid_file_that_names_somebody_elses_process_is_not_believed(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    assert running.data_dir is not None
    assert running.socket_dir is not None
    cluster.stop(shared_root)
    layout = find(shared_root)
    assert layout is not None
    account = {} if not AS_ROOT else {"user": layout.owner.pw_uid, "group": layout.owner.pw_gid}
    with subprocess.Popen(["sleep", "60"], cwd="/", **account) as bystander:
        lines = f"{bystander.pid}\n{running.data_dir}\n1\n5432\n\n\n\nready\n"
        layout.write(running.data_dir / "postmaster.pid", lines)
        layout.must_run("mkdir", "-m", "700", str(running.socket_dir))
        layout.write(Path(f"{sockets.socket_file(running.socket_dir)}.lock"), lines)
        assert cluster.status(shared_root) is None
        assert cluster.stop(shared_root) is False
        assert query(cluster.ensure_running(shared_root).url, "SELECT 1") == 1
        assert bystander.poll() is None
        bystander.kill()


def test_a_running_server_whose_socket_was_tidied_away_is_started_anew(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    assert running.socket_dir is not None
    shutil.rmtree(running.socket_dir)
    assert query(cluster.ensure_running(shared_root).url, "SELECT 1") == 1


@pytest.mark.parametrize("planted", [("mkdir", "-m", "777"), ("ln", "-s", "/var/tmp")])
def test_a_socket_folder_that_is_open_or_leads_elsewhere_is_not_used_again(
    running: cluster.ClusterInfo, shared_root: Path, planted: tuple[str, ...]
) -> None:
    assert running.socket_dir is not None
    layout = find(shared_root)
    assert layout is not None
    cluster.stop(shared_root)
    layout.must_run(*planted, str(running.socket_dir))
    again = cluster.ensure_running(shared_root)
    layout.must_run("rm", "-rf", str(running.socket_dir))
    assert again.socket_dir != running.socket_dir
    assert query(again.url, "SELECT 1") == 1


def test_a_half_made_data_folder_is_made_anew(new_checkout: Callable[..., Path]) -> None:
    root = new_checkout()
    with exclusive(root):
        partial = find_or_make(root)
    partial.must_run("mkdir", str(partial.home / "data.partial"))
    partial.write(partial.home / "data.partial" / "PG_VERSION", "15\n")
    assert query(cluster.ensure_running(root).url, "SELECT postgis_lib_version() IS NOT NULL")


def test_a_start_that_was_cut_off_before_its_role_was_made_is_completed(
    running: cluster.ClusterInfo, shared_root: Path
) -> None:
    layout = find(shared_root)
    assert layout is not None
    layout.must_run("rm", str(layout.home / "provisioned"))
    layout.password_file.unlink()
    again = cluster.ensure_running(shared_root)
    assert again.url != running.url
    assert query(again.url, "SELECT 1") == 1


def test_a_data_folder_of_a_version_that_is_gone_is_said_in_one_line(
    shared_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.ensure_running(shared_root)
    cluster.stop(shared_root)
    monkeypatch.setattr(binaries, "usable_servers", lambda: [99])
    with pytest.raises(ClusterError, match=r"make clean") as failure:
        cluster.ensure_running(shared_root)
    assert "\n" not in str(failure.value)


@pytest.mark.skipif(not AS_ROOT, reason="only root can have a checkout that others cannot enter")
def test_a_checkout_that_only_root_can_enter_has_its_data_elsewhere(
    new_checkout: Callable[..., Path],
) -> None:
    root = new_checkout(0o700)
    info = cluster.ensure_running(root)
    assert info.data_dir is not None
    assert info.data_dir.is_relative_to(STATE)
    assert (root / ".local" / "pg").is_symlink()
    assert query(info.url, "SELECT 1") == 1

    copied = new_checkout(0o700)
    shutil.copytree(root / ".local", copied / ".local", symlinks=True)
    assert cluster.status(copied) is None, "a copied checkout must not share the server"

    shutil.rmtree(root / ".local")
    execute(info.url, "CREATE TABLE left_behind (n int)")
    fresh = cluster.ensure_running(root)
    assert query(fresh.url, "SELECT to_regclass('left_behind') IS NULL"), "a new clone is empty"
    cluster.remove(root)
    assert not info.data_dir.parent.exists()


def test_DATABASE_URL_wins_and_nothing_is_started(  # noqa: N802 - the variable's name
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    assert cluster.ensure_running(tmp_path).url == "postgresql://elsewhere/db"
    with lease.leased(tmp_path) as info:
        assert info.url == "postgresql://elsewhere/db"
    assert not list(tmp_path.iterdir())


def test_the_last_of_two_runs_stops_what_the_first_started(shared_root: Path) -> None:
    cluster.stop(shared_root)
    with lease.leased(shared_root) as first:
        with lease.leased(shared_root) as second:
            assert second == first
        assert query(first.url, "SELECT 1") == 1, "the run that left first must not stop it"
    assert cluster.status(shared_root) is None


def test_a_run_leaves_a_server_that_it_found_running(shared_root: Path) -> None:
    cluster.ensure_running(shared_root)
    with lease.leased(shared_root):
        pass
    assert cluster.status(shared_root) is not None


def test_a_failing_run_stops_its_server(shared_root: Path) -> None:
    cluster.stop(shared_root)
    with pytest.raises(ZeroDivisionError), lease.leased(shared_root):
        _ = 1 / 0
    assert cluster.status(shared_root) is None
