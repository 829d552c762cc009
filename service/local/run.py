"""Runs a command with the checkout's server: `python -m service.local.run -- COMMAND…`.

The command gets DATABASE_URL; the server is started before it when it is not running, and then
stopped after it. Signals reach the command exactly once, and the server outlives it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from service.local.cluster import ROOT, ClusterInfo
from service.local.layout import ClusterError
from service.local.lease import leased

_FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
_USAGE = "usage: python -m service.local.run -- COMMAND [ARGUMENT…]\n"


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit status, 128 + n after signal n, 1 without a server."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.stderr.write(_USAGE)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        with leased(ROOT) as info:
            return supervise(command, environment(info))
    except ClusterError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def environment(info: ClusterInfo) -> dict[str, str]:
    """This process's environment with the URL and with the project's programs first on the path.

    For the private server it is without the PG* settings that libpq would mix into the URL.
    """
    private = info.data_dir is not None
    kept = {k: v for k, v in os.environ.items() if not (private and k.startswith("PG"))}
    here = Path(sys.executable).parent
    return {**kept, "DATABASE_URL": info.url, "PATH": f"{here}:{kept.get('PATH', os.defpath)}"}


def supervise(command: list[str], env: dict[str, str]) -> int:
    """Run the command to its end, passing signals on; returns its status, 128 + n after signal n.

    At a terminal the command shares our process group, and what the terminal sends to the whole
    group is not sent again. Elsewhere it has its own group, and hears of a signal from us alone.
    The signals stay blocked afterwards, so that nothing interrupts what has to be put away.
    """
    watched = _FORWARDED | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    shared = sys.stdin is not None and sys.stdin.isatty()
    spawn = os.posix_spawn if shared else partial(os.posix_spawn, setpgroup=0)
    default = [*_FORWARDED, signal.SIGPIPE]
    # Looked up on the command's own path: spawning by name would look on ours.
    program = shutil.which(command[0], path=env.get("PATH")) or command[0]
    try:
        child = spawn(program, command, env, setsigmask=before, setsigdef=default)
    except FileNotFoundError:
        sys.stderr.write(f"{command[0]}: command not found\n")
        return 127
    while True:
        received = signal.sigwaitinfo(watched)
        if received.si_signo != signal.SIGCHLD:
            from_kernel = received.si_code > 0
            if not (shared and from_kernel):
                os.kill(child, received.si_signo)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _leave(number: int, _frame: FrameType | None) -> None:
    """A signal before the command runs: leave through the `finally` blocks."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
