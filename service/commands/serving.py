"""`gridward serve`, `worker` and `demo`: the processes that stay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.base import require_schema, settings
from service.commands.speech import refuse
from service.config import Settings, get_settings
from service.kit.crypto import FieldCipher
from service.kit.logging import configure_logging

if TYPE_CHECKING:
    from fastapi import FastAPI

BACKLOG = 2_048
GRACE_SECONDS = 10
SIGNING_BYTES = 32


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8_000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    uds: Annotated[str | None, typer.Option(help="A UNIX socket instead of host and port.")] = None,
) -> None:
    """Serve the API; refuses when the database's schema is not the one of this code."""
    chosen = settings()
    check_secrets(chosen)
    require_schema(chosen)
    import uvicorn  # here, so that other commands start quickly

    uvicorn.run(
        "service.commands.serving:application",
        factory=True,
        host=host,
        port=port,
        uds=uds,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def application() -> FastAPI:
    """The application with its logs set up; each serving process makes its own."""
    from service.main import create_app

    chosen = get_settings()
    configure_logging(chosen.log_level, as_json=chosen.log_json)
    return create_app(chosen)


def check_secrets(chosen: Settings) -> None:
    """Pass when the keys suit this deployment; else end with a line what is missing."""
    signing = chosen.signing_key.get_secret_value() if chosen.signing_key else ""
    fields = chosen.field_keys.get_secret_value() if chosen.field_keys else ""
    if fields:
        try:
            FieldCipher.from_setting(fields)
        except ValueError:
            refuse(
                "GRIDWARD_FIELD_KEYS 应为 id:base64url（32 字节）：见 gridward keys generate",
                "GRIDWARD_FIELD_KEYS must be id:base64url of 32 bytes: see gridward keys generate",
            )
    if signing and len(signing.encode()) < SIGNING_BYTES:
        refuse(
            f"GRIDWARD_SIGNING_KEY 过短，至少 {SIGNING_BYTES} 字节",
            f"GRIDWARD_SIGNING_KEY is too short: at least {SIGNING_BYTES} bytes",
        )
    names = {"GRIDWARD_SIGNING_KEY": signing, "GRIDWARD_FIELD_KEYS": fields}
    missing = " ".join(name for name, value in names.items() if not value)
    if missing:
        refuse(
            f"缺少 {missing}：可用 gridward keys generate 生成",
            f"missing {missing}: make them with gridward keys generate",
        )


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Jobs at the same time.")] = 2,
) -> None:
    """Run jobs and periodic work until told to stop; several workers share the work."""
    from service.jobs.worker import WorkerStopped, run_worker

    chosen = settings()
    require_schema(chosen)
    configure_logging(chosen.log_level, as_json=chosen.log_json)
    try:
        asyncio.run(run_worker(chosen, concurrency=concurrency))
    except WorkerStopped:
        refuse("工作进程失去数据库连接，已停止", "the worker lost the database and stopped")


def demo() -> None:
    """Play one incident's life over HTTP with the clause of every step, then keep serving."""
    from service.demo import main

    raise typer.Exit(main())
