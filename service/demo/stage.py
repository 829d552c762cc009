"""Sets the stage: database, county, accounts, server and worker; plays the story, keeps serving."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from rich.console import Console

from service.config import ROOT, Settings
from service.db import Database
from service.demo.cast import DemoAccount, admit, cast, listing
from service.demo.story import Story
from service.kit.crypto import FieldCipher

LOCAL = ROOT / ".local"
READY_SECONDS = 30

GRID = """
SELECT v.code, ST_X(p.at) AS lon, ST_Y(p.at) AS lat
FROM grid_version v JOIN grid g USING (code),
  LATERAL (SELECT ST_PointOnSurface(v.geom) AS at) p
WHERE v.valid_to IS NULL AND g.kind = 'basic' AND starts_with(v.code, $1)
  AND NOT EXISTS (SELECT FROM grid_version o JOIN grid d USING (code)
    WHERE d.kind = 'dedicated' AND o.valid_to IS NULL AND ST_Intersects(o.geom, p.at))
ORDER BY v.code LIMIT 1
"""
UNIT = "SELECT code FROM unit WHERE active AND starts_with(code, $1) ORDER BY code LIMIT 1"


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


def main() -> int:
    """Play the demo and serve until Ctrl-C; the exit status. Everything stays on loopback."""
    console = Console(highlight=False)
    settings = Settings()
    try:
        for step in (["db", "upgrade"], ["db", "seed"]):
            _run(step)
        grid_code, position, unit = asyncio.run(_place(settings))
        accounts = cast(grid_code, unit)
        asyncio.run(_admit(settings, accounts))
        port = _free_port()
        base_url = f"http://127.0.0.1:{port}"
        server, worker = _start("serve", "--port", str(port)), _start("worker")
        try:
            _wait_ready(base_url, server)
            with httpx.Client(base_url=base_url, timeout=30, trust_env=False) as http:
                story = Story(http, accounts, console)
                story.play(position, unit)
                story.play_self_handled(position)
            _publish(base_url, accounts)
            console.print(
                f"服务地址 serving at {base_url}/docs\n"
                "演示账号 accounts and passwords: .local/demo.json · Ctrl-C 结束 to stop"
            )
            return server.wait()
        finally:
            _stop(server)
            _stop(worker)
    except KeyboardInterrupt:
        return 0
    except (DemoFailed, httpx.HTTPError) as why:
        console.print(f"[red]{why}[/red]")
        return 1


def _run(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "service.cli", *arguments], check=False)  # noqa: S603 - our own program
    if done.returncode != 0:
        raise DemoFailed(f"gridward {' '.join(arguments)} failed (see above)")


async def _place(settings: Settings) -> tuple[str, tuple[float, float], str]:
    db = Database(settings)
    await db.open()
    try:
        # A village in the county's first town, so that all four tiers are different places.
        grid = await db.reads.fetchrow(GRID, f"{settings.county}1")
        unit = await db.reads.fetchval(UNIT, settings.county)
    finally:
        await db.close()
    if grid is None or unit is None:
        raise DemoFailed("the county has no grids or no units: `gridward db seed` first")
    return grid["code"], (grid["lon"], grid["lat"]), unit


async def _admit(settings: Settings, accounts: list[DemoAccount]) -> None:
    db = Database(settings)
    await db.open()
    try:
        async with db.session(None) as session:
            await admit(session, accounts)
    finally:
        await db.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _secrets() -> dict[str, str]:
    """Keys that outlive a run, so that what one demo encrypted the next one can read."""
    path = LOCAL / "demo-secrets.json"
    if not path.exists():
        fresh = {
            "GRIDWARD_SIGNING_KEY": secrets.token_urlsafe(48),
            "GRIDWARD_FIELD_KEYS": FieldCipher.generate_setting(),
        }
        _write_private(path, fresh)
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _write_private(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.cli", *arguments]
    quiet = {"GRIDWARD_LOG_LEVEL": "WARNING"}
    return subprocess.Popen(command, env={**os.environ, **quiet, **_secrets()})  # noqa: S603 - our own program


def _wait_ready(base_url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DemoFailed("the server ended before it was ready (see above)")
        try:
            if httpx.get(f"{base_url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DemoFailed(f"the server was not ready within {READY_SECONDS} s")


def _publish(base_url: str, accounts: list[DemoAccount]) -> None:
    _write_private(LOCAL / "demo.json", {"base_url": base_url, "accounts": listing(accounts)})


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
