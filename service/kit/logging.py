"""Logs: one line an event, JSON or for a console, with the request's id and no personal data.

Events of structlog and of the standard library (servers, drivers) leave through one handler, so
that both have the same fields and pass the same scrubbing (Personal Information Protection Law
art. 51). Whatever a caller binds with `structlog.contextvars`, such as `request_id`, is on every
line of that request.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
# Fields whose values are personal data or secrets, whatever they hold.
PERSONAL = frozenset(
    {
        "address", "authorization", "contact", "cookie", "description", "field_keys", "id_number",
        "login", "name", "password", "phone", "refresh_token", "reporter", "secret", "signing_key",
        "token", "access_token",
    }
)  # fmt: skip
_MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")
# PostgreSQL tells the values of the offending row in these lines.
_ROW_VALUES = re.compile(r"^(\s*(?:DETAIL|CONTEXT|LINE \d+):).*$", re.MULTILINE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s@/]*@")
_DEPTH = 6
# They tell each step of what is logged here already.
_TALKATIVE = ("procrastinate", "alembic", "asyncio")


def configure_logging(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (stderr): JSON lines, or text for a console."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, name_library_events],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                scrub,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def name_library_events(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Call the job queue's events by their action, without the arguments in their messages."""
    record = event.get("_record")
    action = getattr(record, "action", None)
    if record is None or action is None or not record.name.startswith("procrastinate"):
        return event
    event["event"] = action
    job = getattr(record, "job", None)
    if isinstance(job, MutableMapping):
        event.update(task=job.get("task_name"), job_id=job.get("id"))
    return event


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without personal data: known fields hidden, numbers in texts masked."""
    return {key: _clean(key, value, _DEPTH) for key, value in event.items()}


def _clean(key: str, value: Any, depth: int) -> Any:
    if key in PERSONAL:
        return HIDDEN
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict) and depth:
        return {str(k): _clean(str(k), v, depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and depth:
        return [_clean("", v, depth - 1) for v in value]
    return value if value is None or isinstance(value, (bool, int, float)) else _clean_text(value)


def _clean_text(value: Any) -> str:
    text = _MOBILE.sub("1**********", str(value))
    text = _IDENTITY.sub("*" * 18, text)
    text = _URL_PASSWORD.sub(r"\1:***@", text)
    return _ROW_VALUES.sub(rf"\1 {HIDDEN}", text)
