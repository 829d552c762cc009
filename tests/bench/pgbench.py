"""The limit: the same work as plain SQL under pgbench, with every statement prepared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
from psycopg.conninfo import conninfo_to_dict

from service.local.binaries import bin_dir, servers
from tests.bench.sample import BenchError, Sample, sample_of

SCRIPTS = Path(__file__).parent / "sql"
CLIENTS, THREADS = 8, 2
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


@dataclass(frozen=True)
class Script:
    """One transaction script: `name`.sql with ${values}; pgbench itself knows `variables`.

    `role` is taken by every connection before it begins.
    """

    name: str
    values: dict[str, str]
    variables: dict[str, int]
    role: str | None = None


def program() -> str:
    """The path of pgbench. Raises BenchError."""
    found = [str(bin_dir(major) / "pgbench") for major in servers()]
    usable = next((path for path in found if Path(path).exists()), None) or shutil.which("pgbench")
    if usable is None:
        raise BenchError("pgbench is not installed: it comes with the PostgreSQL server")
    return usable


def run(url: str, script: Script, seconds: float) -> Sample:
    """Run `script` with 8 clients for `seconds`. Raises BenchError when anything failed."""
    text = Template((SCRIPTS / f"{script.name}.sql").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="gridward-pgbench-") as folder:
        path = Path(folder) / "script.sql"
        path.write_text(text.substitute(script.values), encoding="utf-8")
        command = [program(), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS)]
        command += ["-T", str(max(1, round(seconds))), "-f", str(path)]
        command += ["-l", "--log-prefix", str(Path(folder) / "log")]
        for name, value in script.variables.items():
            command += ["-D", f"{name}={value}"]
        done = subprocess.run(
            command, env=_environment(url, script.role), capture_output=True, text=True, check=False
        )
        rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
        failed = "number of failed transactions: 0 (" not in done.stdout
        if done.returncode or failed or rate is None or "aborted" in done.stderr:
            raise BenchError(f"pgbench {script.name}: {done.stderr.strip() or done.stdout}")
        times = _times_ms(Path(folder))
        return sample_of(times, len(times) / float(rate[1]))


def _times_ms(folder: Path) -> np.ndarray:
    """The third column of every log line: the transaction's time in microseconds."""
    lines = b"".join(path.read_bytes() for path in folder.glob("log.*")).splitlines()
    return np.array([int(line.split(b" ", 3)[2]) for line in lines]) / 1000


def _environment(url: str, role: str | None) -> dict[str, str]:
    given = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    wanted = conninfo_to_dict(url)
    named = {_VARIABLES[k]: str(v) for k, v in wanted.items() if k in _VARIABLES}
    options = f"-c jit=off -c timezone=UTC{f' -c role={role}' if role else ''}"
    return {**given, **named, "PGOPTIONS": options}
